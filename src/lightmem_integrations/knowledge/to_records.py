"""Rows of the ledger as the records that people read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select

from lightmem_integrations.knowledge.confidence import decayed
from lightmem_integrations.records.knowledge import Conflict, Episode, Evidence, Fact
from lightmem_integrations.storage.episodes import StoredEpisode, turns_of_episodes
from lightmem_integrations.storage.facts import StoredFact, read_facts
from lightmem_integrations.storage.schema.knowledge import (
    assertions,
    conflicts,
    episode_turns,
    episodes,
    evidence,
    facts,
)
from lightmem_integrations.storage.schema.turns import sessions, turns
from lightmem_integrations.storage.sql import in_batches
from lightmem_integrations.storage.turns import moment, to_turn


def shown_facts(
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


def zones_of_facts(connection: Connection, user_row: int, rows: Sequence[int]) -> dict[int, int]:
    """Seconds east of UTC where each fact was said; in another zone its days would be others."""
    zones: dict[int, int] = {}
    for batch in in_batches(rows):
        query = (
            select(evidence.c.fact, func.min(turns.c.offset))
            .join(turns, turns.c.id == evidence.c.turn)
            .where(evidence.c.user == user_row, evidence.c.fact.in_(batch))
            .group_by(evidence.c.fact)
        )
        zones |= dict(connection.execute(query).all())
    return zones


def shown_episodes(
    connection: Connection, user_row: int, stored: Sequence[StoredEpisode]
) -> list[Episode]:
    """Episodes as records, in the same order, with their turns."""
    members = turns_of_episodes(connection, user_row, [each.row for each in stored])
    names = dict(
        connection.execute(
            select(sessions.c.id, sessions.c.name).where(sessions.c.user == user_row)
        ).all()
    )
    shown = []
    for each in stored:
        query = select(turns).where(turns.c.user == user_row, turns.c.id.in_(members[each.row]))
        said = connection.execute(query.order_by(turns.c.position)).all()
        zone = said[0].offset if said else 0
        shown.append(
            Episode(
                id=each.key,
                session_id=names[each.session],
                begins=moment(each.begins, zone),
                ends=moment(each.ends, zone),
                summary=each.summary,
                keywords=each.keywords,
                entities=each.entities,
                speakers=each.speakers,
                state="compressed" if each.state == "compressed" else "verbatim",
                accesses=each.accesses,
                writer=each.writer,
                turns=tuple(to_turn(row) for row in said),
            )
        )
    return shown


def shown_evidence(
    connection: Connection, user_row: int, fact_rows: Collection[int]
) -> list[Evidence]:
    """The turns that prove facts, each once, oldest first."""
    query = (
        select(turns, sessions.c.name.label("session_name"), episodes.c.key.label("episode_key"),
               episodes.c.state, assertions.c.recorded_at.label("evident_at"))
        .select_from(evidence)
        .join(assertions, assertions.c.id == evidence.c.assertion)
        .join(turns, turns.c.id == evidence.c.turn)
        .join(sessions, sessions.c.id == turns.c.session)
        .outerjoin(episode_turns, episode_turns.c.turn == turns.c.id)
        .outerjoin(episodes, episodes.c.id == episode_turns.c.episode)
        .where(
            evidence.c.user == user_row,
            turns.c.user == user_row,
            evidence.c.fact.in_(list(fact_rows)),
        )
        .order_by(turns.c.said_at, turns.c.id, assertions.c.id)
    )  # fmt: skip
    found: dict[int, Evidence] = {}
    for row in connection.execute(query):
        if row.id not in found:
            found[row.id] = Evidence(
                turn=to_turn(row),
                session_id=row.session_name,
                episode_id=None if row.state in (None, "dropped") else row.episode_key,
                agent_id=row.agent,
                recorded_at=utc(row.evident_at),
            )
    return list(found.values())


def shown_conflicts(
    connection: Connection,
    user_row: int,
    *,
    now: float,
    half_life_days: float,
    fact_rows: Collection[int] | None = None,
    only_open: bool = False,
    key: str | None = None,
) -> list[Conflict]:
    """Contradictions between a user's facts, the oldest first."""
    query = select(conflicts).where(conflicts.c.user == user_row)
    if only_open:
        query = query.where(conflicts.c.resolved_at.is_(None))
    if key is not None:
        query = query.where(conflicts.c.key == key)
    if fact_rows is not None:
        rows = list(fact_rows)
        query = query.where(conflicts.c.first.in_(rows) | conflicts.c.second.in_(rows))
    found = connection.execute(query.order_by(conflicts.c.id)).all()
    wanted = {row for each in found for row in (each.first, each.second)}
    stored = read_facts(connection, user_row, wanted, retracted=True)
    shown = shown_facts(connection, user_row, stored, now=now, half_life_days=half_life_days)
    by_row = {fact.row: record for fact, record in zip(stored, shown, strict=True)}
    return [
        Conflict(
            id=each.key,
            first=by_row[each.first],
            second=by_row[each.second],
            opened_at=utc(each.opened_at),
            resolved_at=None if each.resolved_at is None else utc(each.resolved_at),
            resolution=each.resolution,
        )
        for each in found
    ]


def whole_history(connection: Connection, user_row: int, fact: StoredFact) -> list[StoredFact]:
    """All facts that took each other's place with this one, oldest first."""
    found, wanted = {fact.row: fact}, [fact]
    while wanted:
        rows = [each.row for each in wanted]
        after = [each.superseded_by for each in wanted if each.superseded_by is not None]
        before = select(facts.c.id).where(facts.c.user == user_row, facts.c.superseded_by.in_(rows))
        near = {*after, *connection.execute(before).scalars()} - found.keys()
        wanted = read_facts(connection, user_row, near, retracted=True)
        found |= {each.row: each for each in wanted}
    return sorted(found.values(), key=lambda each: (each.valid_from, each.row))


def utc(seconds: float) -> dt.datetime:
    """A stored time."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
