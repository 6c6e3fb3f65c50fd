"""Rows of the ledger as the records that people read."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from lightmem_integrations.records.knowledge import Conflict, Episode, Evidence, Fact, Teller
from lightmem_integrations.storage.claims import read_evidence, zones_of_facts
from lightmem_integrations.storage.episodes import StoredEpisode, read_turns_of
from lightmem_integrations.storage.facts import StoredFact, read_facts
from lightmem_integrations.storage.tellers import tellers_of_facts
from lightmem_integrations.storage.turns import moment, turn_of_row
from lightmem_integrations.text.precision import by_calendar
from lightmem_integrations.text.temporal import SECONDS_A_DAY


def decayed(confidence: float, supported_at: float, now: float, half_life_days: float) -> float:
    """A fact's confidence at a moment: half of it is left after each half-life without support.

    Computed when it is read, from when the latest evidence was said; what is stored stays.

    Args:
        confidence: As stored.
        supported_at: When its latest evidence was said, in seconds since 1970.
        now: The moment, in seconds since 1970.
        half_life_days: In days.
    """
    days = max(now - supported_at, 0.0) / SECONDS_A_DAY
    return confidence * math.pow(2.0, -days / half_life_days)


@dataclass(frozen=True, slots=True)
class Records:
    """Rows of one user's knowledge as the records that people read, as of one moment.

    Attributes:
        connection: Of the transaction that read the rows.
        user: Row of the user.
        now: The moment, in seconds since 1970.
        half_life_days: In which a fact's confidence halves without support.
        as_of: The moment again, where the rows are as it was known then.
    """

    connection: Connection
    user: int
    now: float
    half_life_days: float
    as_of: float | None = None

    def facts(self, stored: Sequence[StoredFact]) -> list[Fact]:
        """Facts as records, in the same order, with their confidence as of now."""
        after = {fact.superseded_by for fact in stored if fact.superseded_by is not None}
        successors = read_facts(self.connection, self.user, after, retracted=True)
        keys = {fact.row: fact.key for fact in successors}
        rows = [fact.row for fact in stored]
        zones = zones_of_facts(self.connection, self.user, rows)
        told_by = math.inf if self.as_of is None else self.as_of
        tellers = tellers_of_facts(self.connection, self.user, rows, told_by)
        return [
            self._fact(fact, zones[fact.row], keys, tellers.get(fact.row, "user"))
            for fact in stored
        ]

    def _fact(
        self, fact: StoredFact, zones: Sequence[dt.tzinfo], keys: Mapping[int, str], told_by: Teller
    ) -> Fact:
        return Fact(
            id=fact.key,
            subject=fact.subject,
            attribute=fact.attribute,
            value=fact.value,
            statement=fact.statement,
            entities=fact.entities,
            valid_from=by_calendar(fact.valid_from, fact.valid_from_precision, *zones),
            valid_to=None
            if fact.valid_to is None
            else by_calendar(fact.valid_to, fact.valid_to_precision, *zones),
            recorded_at=moment(fact.recorded_at),
            retracted_at=None if fact.retracted_at is None else moment(fact.retracted_at),
            reason=fact.reason,
            superseded_by=None if fact.superseded_by is None else keys.get(fact.superseded_by),
            confidence=fact.confidence
            if fact.pinned
            else decayed(fact.confidence, fact.supported_at, self.now, self.half_life_days),
            agent_id=fact.agent,
            author="person" if fact.author == "person" else "writer",
            version=fact.version,
            kind=fact.kind,
            told_by=told_by,
            doubt=fact.doubt,
            expires_at=None
            if fact.expires_at is None
            else dt.datetime.fromtimestamp(fact.expires_at, zones[0]),
            pinned=fact.pinned,
            importance=fact.importance,
            valid_from_precision=fact.valid_from_precision,
            valid_to_precision=fact.valid_to_precision,
        )

    def episodes(self, stored: Sequence[StoredEpisode]) -> list[Episode]:
        """Episodes as records, in the same order, with their turns."""
        rows = [episode.row for episode in stored]
        turns_of = read_turns_of(self.connection, self.user, rows)
        return [_episode(episode, turns_of[episode.row]) for episode in stored]

    def evidence(self, fact_row: int) -> list[Evidence]:
        """The turns that prove a fact, each once, oldest first."""
        found: dict[int, Evidence] = {}
        for turn in read_evidence(self.connection, self.user, [fact_row]):
            if turn.id not in found:
                found[turn.id] = Evidence(
                    turn=turn_of_row(turn),
                    session_id=turn.session_name,
                    episode_id=None if turn.state in (None, "dropped") else turn.episode_key,
                    agent_id=turn.agent,
                    recorded_at=moment(turn.evident_at),
                )
        return list(found.values())

    def conflicts(self, rows: Sequence[Row[Any]]) -> list[Conflict]:
        """Conflicts as records, in the same order."""
        wanted = {row for conflict in rows for row in (conflict.first, conflict.second)}
        stored = read_facts(self.connection, self.user, wanted, retracted=True)
        by_row = {fact.row: record for fact, record in zip(stored, self.facts(stored), strict=True)}
        return [
            Conflict(
                id=conflict.key,
                first=by_row[conflict.first],
                second=by_row[conflict.second],
                opened_at=moment(conflict.opened_at),
                resolved_at=None if conflict.resolved_at is None else moment(conflict.resolved_at),
                resolution=conflict.resolution,
            )
            for conflict in rows
        ]


def _episode(episode: StoredEpisode, turns: Sequence[Row[Any]]) -> Episode:
    zone = turns[0].offset
    return Episode(
        id=episode.key,
        session_id=turns[0].session_name,
        begins=moment(episode.begins, zone),
        ends=moment(episode.ends, zone),
        summary=episode.summary,
        keywords=episode.keywords,
        entities=episode.entities,
        speakers=episode.speakers,
        state="compressed" if episode.state == "compressed" else "verbatim",
        accesses=episode.accesses,
        writer=episode.writer,
        turns=tuple(turn_of_row(turn) for turn in turns),
    )
