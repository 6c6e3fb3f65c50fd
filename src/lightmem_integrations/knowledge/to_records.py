"""Rows of the ledger as the records that people read."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from lightmem_integrations.records.knowledge import Conflict, Episode, Evidence, Fact
from lightmem_integrations.storage.claims import read_evidence, zones_of_facts
from lightmem_integrations.storage.episodes import StoredEpisode, read_turns_of
from lightmem_integrations.storage.facts import StoredFact, read_facts
from lightmem_integrations.storage.turns import moment, to_turn

_DAY = 86_400.0


def decayed(confidence: float, supported_at: float, now: float, half_life_days: float) -> float:
    """A fact's confidence at a moment: half of it is left after each half-life without support.

    Computed when it is read, from when the latest evidence was said; what is stored stays.

    Args:
        confidence: As stored.
        supported_at: When its latest evidence was said, in seconds since 1970.
        now: The moment, in seconds since 1970.
        half_life_days: In days.
    """
    days = max(now - supported_at, 0.0) / _DAY
    return confidence * math.pow(2.0, -days / half_life_days)


def facts_as_records(
    connection: Connection,
    user_row: int,
    stored: Sequence[StoredFact],
    *,
    now: float,
    half_life_days: float,
) -> list[Fact]:
    """Facts as records, in the same order, with their confidence as of now."""
    successors = {fact.superseded_by for fact in stored if fact.superseded_by is not None}
    keys = {
        fact.row: fact.key for fact in read_facts(connection, user_row, successors, retracted=True)
    }
    zones = zones_of_facts(connection, user_row, [fact.row for fact in stored])
    return [
        Fact(
            id=fact.key,
            subject=fact.subject,
            attribute=fact.attribute,
            value=fact.value,
            statement=fact.statement,
            entities=fact.entities,
            valid_from=moment(fact.valid_from, zones.get(fact.row, 0)),
            valid_to=(
                None if fact.valid_to is None else moment(fact.valid_to, zones.get(fact.row, 0))
            ),
            recorded_at=utc(fact.recorded_at),
            retracted_at=None if fact.retracted_at is None else utc(fact.retracted_at),
            reason=fact.reason,
            superseded_by=None if fact.superseded_by is None else keys.get(fact.superseded_by),
            confidence=decayed(fact.confidence, fact.supported_at, now, half_life_days),
            agent_id=fact.agent,
            author="person" if fact.author == "person" else "writer",
            version=fact.version,
        )
        for fact in stored
    ]


def episodes_as_records(
    connection: Connection, user_row: int, stored: Sequence[StoredEpisode]
) -> list[Episode]:
    """Episodes as records, in the same order, with their turns."""
    members = read_turns_of(connection, user_row, [episode.row for episode in stored])
    return [_episode(episode, members[episode.row]) for episode in stored]


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
        turns=tuple(to_turn(turn) for turn in turns),
    )


def evidence_as_records(
    connection: Connection, user_row: int, fact_rows: Collection[int]
) -> list[Evidence]:
    """The turns that prove facts, each once, oldest first."""
    found: dict[int, Evidence] = {}
    for turn in read_evidence(connection, user_row, fact_rows):
        if turn.id not in found:
            found[turn.id] = Evidence(
                turn=to_turn(turn),
                session_id=turn.session_name,
                episode_id=None if turn.state in (None, "dropped") else turn.episode_key,
                agent_id=turn.agent,
                recorded_at=utc(turn.evident_at),
            )
    return list(found.values())


def conflicts_as_records(
    connection: Connection,
    user_row: int,
    conflicts: Sequence[Row[Any]],
    *,
    now: float,
    half_life_days: float,
) -> list[Conflict]:
    """Conflicts as records, in the same order."""
    wanted = {row for conflict in conflicts for row in (conflict.first, conflict.second)}
    stored = read_facts(connection, user_row, wanted, retracted=True)
    shown = facts_as_records(connection, user_row, stored, now=now, half_life_days=half_life_days)
    by_row = {fact.row: record for fact, record in zip(stored, shown, strict=True)}
    return [
        Conflict(
            id=conflict.key,
            first=by_row[conflict.first],
            second=by_row[conflict.second],
            opened_at=utc(conflict.opened_at),
            resolved_at=None if conflict.resolved_at is None else utc(conflict.resolved_at),
            resolution=conflict.resolution,
        )
        for conflict in conflicts
    ]


def utc(seconds: float) -> dt.datetime:
    """A stored time."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
