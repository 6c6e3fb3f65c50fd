"""Hits of what was chosen: with where it comes from, what was said around it, and since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from lightmem_integrations.recall.coarse import Candidates
from lightmem_integrations.recall.pack import Quote, Ranked
from lightmem_integrations.recall.select.select import Scored
from lightmem_integrations.recall.tiers.facts import Match, day
from lightmem_integrations.records.conversation import Hit, Source, Turn
from lightmem_integrations.storage.knowledge_reads import Outdated, episode_ids
from lightmem_integrations.storage.turn_reads import Provenance, provenance
from lightmem_integrations.storage.users import User

_SPEAKER = {"ltm": "Known", "mtm": "Summary"}


def turn_hits(
    connection: Connection,
    user: User,
    candidates: Candidates,
    best: Sequence[Scored],
    changed: Mapping[int, Outdated] | None = None,
    proven: Mapping[int, Match] | None = None,
) -> list[Ranked]:
    """Turns as hits, each with the turns said just before and after it.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        candidates: The turns that ``best`` points to.
        best: The chosen ones, best first.
        changed: What has changed since, by row of the turn.
        proven: The fact that a turn proves and that is close to the question, by row of the turn.
    """
    turns, changed, proven = candidates.turns, changed or {}, proven or {}
    around = {each.place: _around(candidates, each.place) for each in best}
    places = around.keys() | {near for each in around.values() for near in each}
    rows = turns.rows[list(places)].tolist()
    known = provenance(connection, user, rows)
    episodes = episode_ids(connection, user, rows)

    def quote(place: int) -> Quote | None:
        row = int(turns.rows[place])
        if row not in known:  # forgotten while we searched
            return None
        note = _since_then(changed[row]) if row in changed else ""
        return Quote(known[row].turn, (float(turns.said_at[place]), row), note)

    ranked = []
    for each in best:
        shown = quote(each.place)
        if shown is None:
            continue
        row = int(turns.rows[each.place])
        found, fact = known[row], proven.get(row)
        hit = Hit(
            text=found.turn.text,
            tier="mtm" if fact is None else "ltm",
            score=each.score,
            parts=each.parts,
            when=found.when,
            source=replace(
                _source(found, (found.turn.id or "",), episodes.get(row)),
                fact_id=None if fact is None else fact.statement.key,
            ),
            turns=(found.turn,),
            until=_moment(changed[row].until) if row in changed else None,
            statement=None if fact is None else fact.statement.text,
        )
        near = tuple(other for place in around[each.place] if (other := quote(place)))
        ranked.append(Ranked(hit, shown, near))
    return ranked


def statement_hits(
    connection: Connection, user: User, found: Sequence[Match], below: Sequence[Ranked] = ()
) -> list[Ranked]:
    """Facts and summaries as hits, each with the turns that prove it.

    Args:
        connection: A read transaction on the ledger.
        user: Whose.
        found: What was chosen, best first.
        below: Hits that stand before these: their scores are the higher ones.
    """
    rows = {row for each in found for row in each.statement.turns}
    known = provenance(connection, user, rows) if rows else {}
    episodes = episode_ids(connection, user, rows) if rows else {}
    highest = min((each.hit.score for each in below), default=float("inf"))
    ranked = []
    for each in found:
        statement = each.statement
        proof = [(row, known[row]) for row in statement.turns if row in known]
        if not proof:  # forgotten while we searched
            continue
        text = statement.text
        if statement.until is not None:
            text = f"{text} (until {day(statement.until)})"
        since = _moment(statement.since)
        shown = Turn(role="system", speaker=_SPEAKER[statement.tier], text=text, time=since)
        row, first = proof[0]
        ids = tuple(one.turn.id or "" for _, one in proof)
        source = _source(first, ids, episodes.get(row))
        if statement.tier == "ltm":
            source = replace(source, fact_id=statement.key, agent_id=statement.agent)
        hit = Hit(
            text=text,
            tier=statement.tier,
            score=min(each.score, highest),
            parts={"statement": round(each.similarity, 3)},
            when=since,
            source=source,
            turns=tuple(one.turn for _, one in proof) if statement.tier == "ltm" else (),
            until=None if statement.until is None else _moment(statement.until),
            statement=statement.text if statement.tier == "ltm" else None,
        )
        # Rows of turns are positive: a statement's order can be none of theirs.
        quotes = tuple(Quote(one.turn, (one.when.timestamp(), row)) for row, one in proof)
        around = quotes if statement.tier == "ltm" else ()
        ranked.append(Ranked(hit, Quote(shown, (statement.since, -statement.row)), around))
    return ranked


def _source(found: Provenance, turn_ids: tuple[str, ...], episode: str | None) -> Source:
    return Source(
        session_id=found.session_id,
        turn_ids=turn_ids,
        episode_id=episode,
        agent_id=found.agent_id,
    )


def _since_then(change: Outdated) -> str:
    return f" (until {day(change.until)}; since then: {change.instead})"


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)


def _around(candidates: Candidates, place: int) -> list[int]:
    """Places of the turns just before and after that may be shown."""
    turns = candidates.turns
    return [
        near
        for near in (place - 1, place + 1)
        if 0 <= near < len(turns)
        and turns.sessions[near] == turns.sessions[place]
        and abs(turns.positions[near] - turns.positions[place]) == 1
        and candidates.shown[near]
    ]
