"""Turns that a context shows whole, and its size in tokens."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.records.conversation import Recall, Turn
from lightmem_integrations.settings import Settings

TOP = Settings().k
"""Turns that a retriever without packing hands to a prompt: as many as a recall by default."""

BUDGET = Settings().max_tokens
"""Tokens of a context: as many as a recall packs by default."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Content of one context.

    Attributes:
        turn_ids: Turns that stand in it whole. One that was cut does not count: nobody can tell
            whether the part that answers the question is still there.
        tokens: Size of the context.
    """

    turn_ids: frozenset[str]
    tokens: int

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
    return Shown(frozenset(whole), found.tokens)


def line(turn: Turn) -> str:
    """A turn as it is shown for a contender that packs nothing by itself: ``speaker: text``."""
    return f"{turn.speaker or turn.role}: {turn.text}"


def filled(ranked: Sequence[Turn], max_tokens: int, count_tokens: TokenCounter) -> Shown:
    """Turns in the order of their rank until the budget is full.

    As in this library's packing, one that does not fit makes room for a smaller one behind it.

    Args:
        ranked: The turns, best first.
        max_tokens: The budget.
        count_tokens: Tokens of a text.
    """
    kept: list[Turn] = []
    room = max_tokens
    for turn in ranked:
        cost = count_tokens(line(turn))
        if cost <= room:
            kept.append(turn)
            room -= cost
    tokens = count_tokens("\n".join(line(turn) for turn in kept))
    # Tokens of lines do not simply add up for every tokenizer: the whole is what counts.
    while tokens > max_tokens:
        kept.pop()
        tokens = count_tokens("\n".join(line(turn) for turn in kept))
    return Shown(frozenset(turn.id for turn in kept if turn.id), tokens)
