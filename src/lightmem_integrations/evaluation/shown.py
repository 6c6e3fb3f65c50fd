"""Turns that a context shows whole, and its size in tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.records.conversation import Recall, Turn
from lightmem_integrations.settings import Settings

TOP = Settings().k
"""Turns that a retriever without packing hands to a prompt: as many as a recall by default."""

BUDGET = Settings().max_tokens
"""Tokens of a context: as many as a recall packs by default."""

# A guess. No budget holds more: a turn of fewer tokens, speaker included, is rare.
_TOKENS_OF_A_SHORT_TURN = 10


def as_many(max_tokens: int) -> int:
    """The k with which only the budget limits what is shown."""
    return max_tokens // _TOKENS_OF_A_SHORT_TURN


@dataclass(frozen=True, slots=True)
class Shown:
    """Content of one context.

    Attributes:
        turn_ids: Turns that stand in it whole. One that was cut does not count: nobody can tell
            whether the part that answers the question is still there.
        tokens: Size of the context.
        text: The context.
    """

    turn_ids: frozenset[str]
    tokens: int
    text: str

    def share(self, evidence: Set[str]) -> float:
        """Share of these turns, at least one, that it shows."""
        return len(evidence & self.turn_ids) / len(evidence)


def of_recall(found: Recall) -> Shown:
    """Content of a recall: its hits, what filled the text, and the turns around both."""
    whole = {
        turn.id
        for hit in (*found.hits, *found.further)
        # A hit that was cut, or that says it in other words, does not show its turns.
        for turn in (*(turn for turn in hit.turns if turn.text in hit.text), *hit.neighbours)
        if turn.id
    }
    return Shown(frozenset(whole), found.tokens, found.text)


def line(turn: Turn) -> str:
    """A turn as it is shown for a contender that packs nothing by itself: ``speaker: text``."""
    return f"{turn.speaker or turn.role}: {turn.text}"


def rendered(turn: Turn) -> str:
    """A turn with its date, as baselines store it: ``[8 May 2023] Caroline: Hey Mel!``."""
    date = f"[{turn.time.day} {turn.time:%B %Y}] " if turn.time else ""
    return f"{date}{line(turn)}"


def filled(
    ranked: Sequence[Turn],
    max_tokens: int,
    count_tokens: TokenCounter,
    line: Callable[[Turn], str] = line,
) -> Shown:
    """Turns in the order of their rank until the budget is full.

    As in this library's packing, one that does not fit makes room for a smaller one behind it.

    Args:
        ranked: The turns, best first.
        max_tokens: The budget.
        count_tokens: Tokens of a text.
        line: A turn as it is shown.
    """
    kept: list[Turn] = []
    room = max_tokens
    for turn in ranked:
        cost = count_tokens(line(turn))
        if cost <= room:
            kept.append(turn)
            room -= cost
    text = "\n".join(map(line, kept))
    # Tokens of lines do not simply add up for every tokenizer: the whole is what counts.
    while (tokens := count_tokens(text)) > max_tokens:
        kept.pop()
        text = "\n".join(map(line, kept))
    return Shown(frozenset(turn.id for turn in kept if turn.id), tokens, text)
