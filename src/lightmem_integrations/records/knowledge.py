"""Records of knowledge: episodes, facts, and why they are believed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from lightmem_integrations.display import Displayed, Grid, Part, counted
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.text.precision import Precision, short_date

FactKind = Literal["state", "event", "plan", "preference", "instruction"]
"""Kind of a fact: what is so, what happened, what is to happen, what somebody likes, and how
somebody wants things done from now on."""

Teller = Literal["user", "assistant", "both"]
"""Who told a fact: what an assistant claimed is not what a user said."""

_SHORT_ID = 8  # characters of an id that a table shows; a guess
_MADE_BY = "consolidate() makes them of what was said."
_NO_FACTS = (
    "None was made yet, or none meets what was asked.",
    "consolidate() makes them of what was said, with a model: LightMem(..., writer=model).",
)


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
    summary: str = field(repr=False)
    keywords: tuple[str, ...] = field(repr=False)
    entities: tuple[str, ...] = field(repr=False)
    speakers: tuple[str, ...]
    state: Literal["verbatim", "compressed"]
    accesses: int
    writer: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A statement with its two times: when it is true, and when it is believed.

    Attributes:
        id: Its public id.
        subject: Whom or what it is about.
        attribute: What about the subject.
        value: What is said about it.
        statement: The whole as a sentence.
        entities: Names in it.
        valid_from: Since when it is true.
        valid_to: Until when it was true; ``None`` while it is. Of a plan: the day that it is for.
        recorded_at: Since when we believe it.
        retracted_at: Since when we do not believe it any more.
        reason: Why it was retracted.
        superseded_by: The fact that took its place.
        confidence: Between 0 and 1, as of the moment asked: it falls without new support.
        agent_id: Which agent said it, where one was named.
        author: ``writer``, or ``person`` where somebody corrected it.
        version: Counts its changes.
        kind: What kind of statement it is.
        told_by: Who said it: by the roles of the turns that prove it. A person who speaks of
            themselves by name tells as a user does, whatever the role.
        doubt: What speaks against believing it, in words.
        expires_at: When it is erased; nothing shows it from then on.
        pinned: Its confidence does not fall, it is shown first of what is found, and neither it nor
            what proves it goes by a lifetime or a capacity of the settings.
        importance: From 0 to 1, as of a turn.
        valid_from_precision: How exactly ``valid_from`` is known: ``day``, also of what was told
            without a date; ``week``, ``month`` or ``year``, of which it is the first moment.
        valid_to_precision: How exactly ``valid_to`` is known; of a week, a month or a year, it is
            the last second.
    """

    id: str
    subject: str
    attribute: str
    value: str = field(repr=False)
    statement: str = field(repr=False)
    entities: tuple[str, ...] = field(repr=False)
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    recorded_at: dt.datetime
    retracted_at: dt.datetime | None
    reason: str | None = field(repr=False)
    superseded_by: str | None
    confidence: float
    agent_id: str | None
    author: Literal["writer", "person"]
    version: int
    kind: FactKind = "state"
    told_by: Teller = "user"
    doubt: str | None = field(default=None, repr=False)
    expires_at: dt.datetime | None = None
    pinned: bool = False
    importance: float = 0.0
    valid_from_precision: Precision = "day"
    valid_to_precision: Precision = "day"


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
    resolution: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(Displayed):
    """Evidence and history of a fact. Prints as a table with rich and in notebooks.

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

    def grid(self) -> Grid:
        """Its evidence, then what it replaced or was replaced by, then what contradicts it."""
        fact = self.fact
        rows = [
            (
                "evidence",
                _day(proof.turn.time),
                proof.session_id + _kept(proof.turn),
                f"{proof.turn.speaker or proof.turn.role}: {proof.turn.text}",
            )
            for proof in self.evidence
        ]
        rows += [
            ("itself" if one.id == fact.id else "history", _span(one), _state(one), one.statement)
            for one in self.history
            if len(self.history) > 1
        ]
        for conflict in self.conflicts:
            other = conflict.second if conflict.first.id == fact.id else conflict.first
            rows.append(("conflict", _span(other), conflict.resolution or "open", other.statement))
        by = f", {fact.author}" + (f", agent {fact.agent_id}" if fact.agent_id else "")
        note = (
            f"fact {fact.id}: {_span(fact)}; {_state(fact) or 'holds'}; "
            f"confidence {fact.confidence:.2f}{by}{_kept(fact)}"
        )
        return Grid(fact.statement, ("kind", "when", "note", "text"), rows, [note])


class Facts(Part[Fact]):
    """Facts, oldest first, and the ``total`` of how many. Prints as a table."""

    def grid(self) -> Grid:
        """A line for each fact."""
        columns = "id", "since", "until", "confidence", "text"
        rows = []
        for fact in self:
            state = f" ({state})" if (state := _state(fact)) else ""
            known = *_dates(fact), f"{fact.confidence:.2f}"
            rows.append((fact.id[:_SHORT_ID], *known, fact.statement + state + _kept(fact)))
        notes = () if self else _NO_FACTS
        return Grid(self.counted("fact"), columns if self else (), rows, notes)


class Episodes(Displayed, tuple[Episode, ...]):
    """Episodes, oldest first. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def grid(self) -> Grid:
        """A line for each episode."""
        return Grid(
            counted(len(self), "episode"),
            ("when", "session", "turns", "text") if self else (),
            [
                (
                    _day(episode.begins),
                    episode.session_id,
                    f"{len(episode.turns)}"
                    + ("" if episode.state == "verbatim" else f", {episode.state}"),
                    episode.summary,
                )
                for episode in self
            ],
            () if self else (_MADE_BY,),
        )


class Conflicts(Part[Conflict]):
    """Conflicts, oldest first, and the ``total`` of how many. Prints as a table."""

    def grid(self) -> Grid:
        """Two lines for each conflict: the facts that contradict each other."""
        rows = []
        for conflict in self:
            decided = "open" if conflict.resolved_at is None else "decided"
            begin = conflict.id[:_SHORT_ID], _day(conflict.opened_at)
            both = conflict.first, conflict.second
            sides = [(each.id[:_SHORT_ID], each.statement, each.agent_id or "") for each in both]
            rows += [(*begin, *sides[0], conflict.resolution or decided), ("", "", *sides[1], "")]
        return Grid(
            self.counted("conflict"),
            ("id", "when", "fact", "text", "agent", "state") if self else (),
            rows,
        )


def _day(moment: dt.datetime | None) -> str:
    return "" if moment is None else short_date(moment)


def _dates(fact: Fact) -> tuple[str, str]:
    """Since when and until when a fact is true, as exactly as is known."""
    until = "" if fact.valid_to is None else short_date(fact.valid_to, fact.valid_to_precision)
    return short_date(fact.valid_from, fact.valid_from_precision), until


def _kept(record: Fact | Turn) -> str:
    ends = "" if record.expires_at is None else f" (expires {record.expires_at:%Y-%m-%d %H:%M})"
    return " (pinned)" if record.pinned else ends


def _span(fact: Fact) -> str:
    since, until = _dates(fact)
    return f"{since} to {until}" if until else f"since {since}"


def _state(fact: Fact) -> str:
    """Reason why the fact does not hold any more; empty while it holds."""
    if fact.retracted_at is not None:
        return f"retracted: {fact.reason}" if fact.reason else "retracted"
    if fact.superseded_by is not None:
        return f"superseded by {fact.superseded_by[:_SHORT_ID]}"
    return ""
