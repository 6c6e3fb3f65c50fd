"""Claims of one episode: its drafts of facts, checked, with their times and turns."""

from __future__ import annotations

from collections.abc import Sequence

from lightmem_integrations.knowledge.drafts import FactDraft, WriterTurn
from lightmem_integrations.storage.claims import Claim, bounded


def claims_of(drafts: Sequence[FactDraft], turns: Sequence[WriterTurn]) -> tuple[list[Claim], int]:
    """Drafts as claims; and how many had no usable evidence and were dropped."""
    claims, dropped = [], 0
    for fact in drafts:
        pointers = [place for place in dict.fromkeys(fact.evidence) if 0 <= place < len(turns)]
        blank = not (fact.subject.strip() and fact.attribute.strip() and fact.statement.strip())
        if not pointers or blank:
            dropped += 1
            continue
        claims.append(_claim(fact, [turns[place] for place in pointers]))
    return claims, dropped


def _claim(fact: FactDraft, proof: Sequence[WriterTurn]) -> Claim:
    since = min(turn.time for turn in proof).timestamp()
    ended = None if fact.valid_to is None else fact.valid_to.timestamp()
    if fact.valid_from is not None:
        since = fact.valid_from.timestamp()
    elif ended is not None:
        since = min(since, ended)
    if ended is not None and ended < since:
        ended = None  # an end before the beginning is no knowledge
    # One agent's word: that of the latest turn, where several wrote them.
    latest = max(proof, key=lambda turn: (turn.time, turn.row))
    return Claim(
        subject=fact.subject.strip(),
        attribute=fact.attribute.strip(),
        value=fact.value.strip(),
        statement=fact.statement.strip(),
        entities=tuple(dict.fromkeys(name.strip() for name in fact.entities if name.strip())),
        single=fact.single,
        since=since,
        said_at=latest.time.timestamp(),
        stated_to=ended,
        confidence=bounded(fact.confidence),
        agent=latest.agent,
        turns=tuple(turn.row for turn in proof),
    )
