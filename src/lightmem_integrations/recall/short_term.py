"""Short-term memory: the last whole exchanges of a session that fit a token budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lightmem_integrations.records.conversation import Turn


def window(
    turns: Sequence[Turn], max_tokens: int, measure: Callable[[Turn], int]
) -> tuple[Turn, ...]:
    """The end of a conversation, cut between exchanges only.

    An exchange is a user's turn and all that follows until the user speaks again, so that tool
    calls stay with their results. The last exchange is kept whatever its size; what precedes the
    first user turn is left out once something had to be cut.

    Args:
        turns: A session, oldest first.
        max_tokens: Size of the window.
        measure: Size of one turn, in tokens.

    Returns:
        The window, oldest first; it begins with a user's turn wherever it was cut.
    """
    sizes = [measure(turn) for turn in turns]
    if sum(sizes) <= max_tokens:
        return tuple(turns)
    starts = [i for i, turn in enumerate(turns) if turn.role == "user"]
    if not starts:
        return tuple(turns)
    start = starts[-1]
    for earlier in reversed(starts):
        if sum(sizes[earlier:]) > max_tokens:
            break
        start = earlier
    return tuple(turns[start:])
