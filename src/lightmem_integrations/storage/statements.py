"""Statements as recall reads them: facts and summaries, and what of a turn holds no more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from lightmem_integrations.records.conversation import Tier
from lightmem_integrations.records.knowledge import FactKind, Teller
from lightmem_integrations.text.precision import Precision

DATED: tuple[FactKind, ...] = ("event", "plan")
"""Kinds of facts that have a day of their own: told of another one, they are another fact."""


class Entry(NamedTuple):  # of which a question takes thousands: quicker made than a dataclass
    """A statement before anybody asked for its words: what can be compared of it.

    Attributes:
        tier: ``ltm`` for a fact, ``mtm`` for the summary of an episode.
        row: Its row among those of its tier.
        subject: Whom or what a fact is about; who speaks in an episode.
        terms: Its index terms.
        kind: What kind of statement a fact is.
        attribute: What about the subject.
        successor: Row of the fact that took its place.
        importance: How much a fact counts at least, from 0 to 1.
    """

    tier: Tier
    row: int
    subject: str
    terms: str
    kind: FactKind | None = None
    attribute: str = ""
    successor: int | None = None
    importance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Fact or summary, as recall reads it: something known that is not a turn.

    Attributes:
        tier: ``ltm`` for a fact, ``mtm`` for the summary of an episode.
        row: Its row among those of its tier.
        key: Its public id.
        text: The statement or the summary.
        since: Since when it is true, or when the episode began, in seconds since 1970.
        until: Until when it was true; ``None`` while it is.
        since_precision: How exactly ``since`` is known.
        until_precision: How exactly ``until`` is known.
        successor: Row of the fact that took its place.
        agent: Who wrote it, where one was named.
        kind: What kind of statement a fact is.
        told_by: Who told a fact.
        doubt: What speaks against believing it, in words.
        pinned: Whether it is shown before others.
        turns: Rows of the turns that prove it, or that it sums up.
        terms: Index terms of a fact.
        tokens: Compact token vectors of a fact, once they are made.
    """

    tier: Tier
    row: int
    key: str
    text: str
    since: float
    until: float | None = None
    since_precision: Precision = "day"
    until_precision: Precision = "day"
    successor: int | None = None
    agent: str | None = None
    kind: FactKind = "state"
    told_by: Teller = "user"
    doubt: str | None = None
    pinned: bool = False
    turns: tuple[int, ...]
    terms: str = field(default="", compare=False)
    tokens: bytes | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Outdated:
    """A turn's statement that does not hold any more.

    Attributes:
        fact: Its row.
        until: Until when it held.
        until_precision: How exactly that is known.
        instead: What took its place; empty if nothing did.
        since: Since when that holds.
        since_precision: How exactly that is known.
        turns: Rows of the turns that prove what holds instead.
    """

    fact: int
    until: float
    until_precision: Precision
    instead: str = ""
    since: float = 0.0
    since_precision: Precision = "day"
    turns: tuple[int, ...] = ()
