"""What one episode says of one fact, ready to be compared: keys, times, who said it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft, WriterTurn
from lightmem_integrations.storage.facts import StoredAssertion
from lightmem_integrations.text.names import name_key
from lightmem_integrations.text.terms import terms

_LEAST, _MOST = 0.01, 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement with its proof. Times in seconds since 1970; ``row`` once it is stored.

    ``since``: when it began to be true, as far as is known: a stated time, or when it was said.
    ``stated_to``: a stated end. ``turns``: rows of the turns that prove it.
    """

    subject: str
    attribute: str
    value: str
    statement: str
    entities: tuple[str, ...]
    single: bool
    since: float
    said_at: float
    stated_to: float | None
    confidence: float
    agent: str | None
    turns: tuple[int, ...]
    row: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Subject and attribute, as they are compared."""
        return name_key(self.subject), phrase_key(self.attribute)

    @property
    def value_key(self) -> str:
        """The value, as it is compared."""
        return phrase_key(self.value)


def claims_of(draft: EpisodeDraft, turns: Sequence[WriterTurn]) -> tuple[list[Claim], int]:
    """The draft's facts as claims; and how many had no usable evidence and were dropped."""
    claims, dropped = [], 0
    for fact in draft.facts:
        pointers = [each for each in dict.fromkeys(fact.evidence) if 0 <= each < len(turns)]
        blank = not (fact.subject.strip() and fact.attribute.strip() and fact.statement.strip())
        if not pointers or blank:
            dropped += 1
            continue
        claims.append(_claim(fact, [turns[each] for each in pointers]))
    return claims, dropped


def _claim(fact: FactDraft, proof: Sequence[WriterTurn]) -> Claim:
    said_at = max(turn.time for turn in proof).timestamp()
    since = min(turn.time for turn in proof).timestamp()
    ended = _seconds(fact.valid_to)
    if fact.valid_from is not None:
        since = fact.valid_from.timestamp()
    elif ended is not None:
        since = min(since, ended)
    if ended is not None and ended < since:
        ended = None  # an end before the beginning is no knowledge
    # One agent's word: that of the latest turn, where several wrote them.
    agent = max(proof, key=lambda turn: (turn.time, turn.row)).agent
    return Claim(
        subject=fact.subject.strip(),
        attribute=fact.attribute.strip(),
        value=fact.value.strip(),
        statement=fact.statement.strip(),
        entities=tuple(dict.fromkeys(each.strip() for each in fact.entities if each.strip())),
        single=fact.single,
        since=since,
        said_at=said_at,
        stated_to=ended,
        confidence=bounded(fact.confidence),
        agent=agent,
        turns=tuple(turn.row for turn in proof),
    )


def stored_claim(assertion: StoredAssertion, *, single: bool) -> Claim:
    """A claim as it was stored."""
    return Claim(
        subject=assertion.subject,
        attribute=assertion.attribute,
        value=assertion.value,
        statement=assertion.statement,
        entities=assertion.entities,
        single=single,
        since=assertion.since,
        said_at=assertion.said_at,
        stated_to=assertion.stated_to,
        confidence=assertion.confidence,
        agent=assertion.agent,
        turns=assertion.turns,
        row=assertion.row,
    )


def bounded(confidence: float) -> float:
    """A confidence between 0.01 and 0.99; what is no number counts as 0.01."""
    return min(max(confidence, _LEAST), _MOST) if confidence == confidence else _LEAST  # noqa: PLR0124


def phrase_key(phrase: str) -> str:
    """A phrase as it is compared: its index terms, or itself if it has none."""
    return " ".join(terms(phrase)) or name_key(phrase)


def refusal_digest(user_row: int, subject_key: str, attribute_key: str, value_key: str) -> str:
    """What a refusal remembers of a fact: enough to know it again, and no text."""
    content = json.dumps([user_row, subject_key, attribute_key, value_key])
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def _seconds(time: dt.datetime | None) -> float | None:
    return None if time is None else time.timestamp()
