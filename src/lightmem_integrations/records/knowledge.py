"""What consolidation gives back: episodes, facts, why they are believed, and what a run did."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lightmem_integrations.records.conversation import Turn

if TYPE_CHECKING:
    from rich.table import Table

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A topically closed run of turns.

    Attributes:
        id: Its public id.
        session_id: The session in which it was said.
        begins: When its first turn was said.
        ends: When its last turn was said.
        summary: A few sentences.
        keywords: What it is about.
        entities: Names that occur in it.
        speakers: Who speaks in it.
        state: ``verbatim`` (its turns are searched) or ``compressed`` (only its summary is).
        accesses: How often it came back from a recall.
        writer: Which writer made it.
        turns: What was said, verbatim.
    """

    id: str
    session_id: str
    begins: dt.datetime
    ends: dt.datetime
    summary: str
    keywords: tuple[str, ...]
    entities: tuple[str, ...]
    speakers: tuple[str, ...]
    state: Literal["verbatim", "compressed"]
    accesses: int
    writer: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known, since when it is true, and since when we believe it.

    Attributes:
        id: Its public id.
        subject: Whom or what it is about.
        attribute: What about the subject.
        value: What is said about it.
        statement: The whole as a sentence.
        entities: Names in it.
        valid_from: Since when it is true.
        valid_to: Until when it was true; ``None`` while it is.
        recorded_at: Since when we believe it.
        retracted_at: Since when we do not believe it any more.
        reason: Why it was retracted.
        superseded_by: The fact that took its place.
        confidence: Between 0 and 1, as of the moment asked: it falls without new support.
        agent_id: Which agent said it, where one was named.
        author: ``writer``, or ``person`` where somebody corrected it.
        version: Counts its changes.
    """

    id: str
    subject: str
    attribute: str
    value: str
    statement: str
    entities: tuple[str, ...]
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    recorded_at: dt.datetime
    retracted_at: dt.datetime | None
    reason: str | None
    superseded_by: str | None
    confidence: float
    agent_id: str | None
    author: Literal["writer", "person"]
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One turn that proves a fact.

    Attributes:
        turn: What was said, verbatim.
        session_id: In which session.
        episode_id: The episode it belongs to, unless that was dropped.
        agent_id: Which agent wrote the turn, where one was named.
        recorded_at: When it became evidence.
    """

    turn: Turn
    session_id: str
    episode_id: str | None
    agent_id: str | None
    recorded_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two facts that contradict each other.

    Attributes:
        id: Its public id.
        first: One of them.
        second: The other.
        opened_at: When it was noticed.
        resolved_at: When it was decided; ``None`` while it is open.
        resolution: What decided it, in words.
    """

    id: str
    first: Fact
    second: Fact
    opened_at: dt.datetime
    resolved_at: dt.datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a fact is believed, or no longer is. Prints as a table with rich and in notebooks.

    Attributes:
        fact: The fact.
        evidence: The turns that prove it, oldest first.
        history: All facts that took each other's place with it, oldest first, itself among them.
        conflicts: What contradicts it, open or resolved.
        related: Current facts that name the same person, place or thing, or come from the same
            episode; those that share most first, at most 20.
    """

    fact: Fact
    evidence: tuple[Evidence, ...]
    history: tuple[Fact, ...]
    conflicts: tuple[Conflict, ...]
    related: tuple[Fact, ...] = ()

    def __rich__(self) -> Table:
        """This explanation as a table for a terminal."""
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_table(rendering.explanation_grid(self))

    def _repr_html_(self) -> str:
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_html(rendering.explanation_grid(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationReport:
    """What a run of consolidation did. Prints as a table with rich and in notebooks.

    Attributes:
        written: Episodes written.
        facts: New facts.
        merged: Facts that only brought new evidence for known ones.
        superseded: Facts whose place a newer one took.
        conflicts: Contradictions left open.
        dropped: Facts thrown away: without evidence, refused by a person, or rejected.
        compressed: Episodes reduced to their summary, for lack of room.
        evicted: Episodes dropped, for lack of room.
        failed: Sessions put back, or turns set aside, because something failed.
        busy: Users left to another worker that has them.
        waiting: Sessions left with turns that may still go on.
        shared: Statements that all users of the store may read from now on.
        tokens: Tokens that models read and wrote.
        seconds: How long it took.
        problems: Why something failed or was dropped, in words.
    """

    written: int = 0
    facts: int = 0
    merged: int = 0
    superseded: int = 0
    conflicts: int = 0
    dropped: int = 0
    compressed: int = 0
    evicted: int = 0
    failed: int = 0
    busy: int = 0
    waiting: int = 0
    shared: int = 0
    tokens: int = 0
    seconds: float = 0.0
    problems: tuple[str, ...] = ()

    def __rich__(self) -> Table:
        """This report as a table for a terminal."""
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_table(rendering.report_grid(self))

    def _repr_html_(self) -> str:
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_html(rendering.report_grid(self))


class Facts(tuple[Fact, ...]):
    """Facts, oldest first. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def __rich__(self) -> Table:
        """These facts as a table for a terminal."""
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_table(rendering.facts_grid(self))

    def _repr_html_(self) -> str:
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_html(rendering.facts_grid(self))


class Episodes(tuple[Episode, ...]):
    """Episodes, oldest first. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def __rich__(self) -> Table:
        """These episodes as a table for a terminal."""
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_table(rendering.episodes_grid(self))

    def _repr_html_(self) -> str:
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_html(rendering.episodes_grid(self))


class Conflicts(tuple[Conflict, ...]):
    """Conflicts, oldest first. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def __rich__(self) -> Table:
        """These conflicts as a table for a terminal."""
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_table(rendering.conflicts_grid(self))

    def _repr_html_(self) -> str:
        from lightmem_integrations import display_knowledge as rendering

        return rendering.as_html(rendering.conflicts_grid(self))
