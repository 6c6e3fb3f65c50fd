"""Hits of what was chosen: with where it comes from, what was said around it, and since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from lightmem_integrations.recall.candidates import Quote, Ranked, Selection
from lightmem_integrations.recall.tiers.fact_view import FactView, Match
from lightmem_integrations.records.conversation import Hit, Plan, Turn
from lightmem_integrations.storage.statements import Outdated, Statement
from lightmem_integrations.storage.taken_back import TakenBack, taken_back
from lightmem_integrations.storage.turn_reads import Provenance, Turns, provenance
from lightmem_integrations.storage.users import User
from lightmem_integrations.text.precision import Precision, by_calendar, date_words

# Tokens of the head of a line, and characters of a token: rather too few tokens than too many.
# English takes 10 and 4.5 by the shipped counter.
_HEAD, _CHARACTERS = 8, 6
_MOST_TAKEN_BACK = 3  # marks behind a turn; a guess
_SPEAKER = {"ltm": "Known", "mtm": "Summary"}


class Told(NamedTuple):
    """A turn behind a hit, and what of it a person has taken back since."""

    said: Provenance
    unsaid: Sequence[TakenBack]


def read_told(
    connection: Connection, user: User, rows: Collection[int], now: float
) -> dict[int, Told]:
    """The turns behind hits, by row, as of when it is asked, in seconds since 1970.

    What was forgotten while we searched is left out.
    """
    unsaid = taken_back(connection, user.row, rows, now)
    known = provenance(connection, user, rows) if rows else {}
    return {row: Told(said, unsaid.get(row, ())) for row, said in known.items()}


def shown_rows(selection: Selection, k: int, max_tokens: int) -> list[int]:
    """Rows of the turns that may be shown: the chosen ones, and those just before and after them.

    Of these ``k`` in any case, and of the others those that may fit into the text.
    """
    places: list[int] = []
    for chosen in (selection.best[:k], selection.best[k:]):
        places += [scored.place for scored in chosen]
        places += [near for scored in chosen for near in _around(selection, scored.place)]
    places = _that_may_fit(selection.turns, list(dict.fromkeys(places)), k, max_tokens)
    rows: list[int] = selection.turns.rows[places].tolist()
    return rows


def turn_hits(
    selection: Selection, told: Mapping[int, Told], facts: FactView, plan: Plan
) -> list[Ranked]:
    """Turns as hits, each with the turns said just before and after it.

    Args:
        selection: The chosen turns, best first.
        told: Those that may be shown, by row.
        facts: The facts that they prove, and what has changed since.
        plan: What the question asks for.
    """
    turns, proven = selection.turns, facts.proven(plan)

    def quote(place: int) -> Quote | None:
        row = int(turns.rows[place])
        if row not in told:
            return None
        note = _mark(told[row], facts.outdated.get(row)) or selection.notes.get(place, "")
        return Quote(told[row].said.turn, (float(turns.said_at[place]), row), note)

    ranked = []
    for scored in selection.best:
        shown = quote(scored.place)
        if shown is None:
            continue
        row = selection.row(scored)
        found, fact, change = told[row].said, proven.get(row), facts.outdated.get(row)
        hit = Hit(
            text=found.turn.text,
            tier="mtm" if fact is None else "ltm",
            score=0.0,  # given when all hits are known
            parts=scored.parts,
            when=found.when,
            source=replace(found.source, fact_id=None if fact is None else fact.statement.key),
            turns=(found.turn,),
            until=None if change is None else _moment(change.until, change.until_precision, found),
            until_precision="day" if change is None else change.until_precision,
            statement=None if fact is None else fact.statement.text,
            pinned=found.turn.pinned,
            weights=scored.weights,
            ranks=selection.ranks(scored),
        )
        around = _around(selection, scored.place)
        near = tuple(other for place in around if (other := quote(place)))
        ranked.append(Ranked(hit, shown, near))
    return ranked


def statement_hits(
    matches: Sequence[Match], told: Mapping[int, Told], outdated: Mapping[int, Outdated], now: float
) -> dict[Match, Ranked]:
    """Facts and summaries as hits, each with the turns that prove it.

    Args:
        matches: The chosen statements.
        told: The turns that prove them, by row.
        outdated: Of these, those that are outdated, by row.
        now: When it is asked, in seconds since 1970.
    """
    ranked: dict[Match, Ranked] = {}
    for match in matches:
        statement = match.statement
        rows = [row for row in statement.turns if row in told]
        if not rows:  # forgotten while we searched
            continue
        is_fact, proof = statement.tier == "ltm", [told[row].said for row in rows]
        over, since = (
            _is_over(statement, now),
            _moment(statement.since, statement.since_precision, *proof),
        )
        shown = Turn(
            role="system",
            speaker=_SPEAKER[statement.tier],
            text=" ".join([statement.text, *_marks(match, proof, now)]),
            time=since,
        )
        turn_ids = tuple(said.turn.id or "" for said in proof)
        source = replace(proof[0].source, turn_ids=turn_ids)
        if is_fact:
            source = replace(source, fact_id=statement.key, agent_id=statement.agent)
        until = statement.until if over else None
        hit = Hit(
            text=shown.text if over else statement.text,
            tier=statement.tier,
            score=0.0,  # given when all hits are known
            parts={
                "statement": round(match.similarity, 3),
                "evidence": round(match.evidence, 3),
            },
            when=since,
            source=source,
            turns=tuple(said.turn for said in proof) if is_fact else (),
            until=None if until is None else _moment(until, statement.until_precision, *proof),
            when_precision=statement.since_precision,
            until_precision="day" if until is None else statement.until_precision,
            statement=statement.text if is_fact else None,
            pinned=statement.pinned,
        )
        quotes = tuple(
            Quote(said.turn, (said.when.timestamp(), row), _mark(told[row], outdated.get(row)))
            for row, said in zip(rows, proof, strict=True)
        )
        # Rows of turns are positive: a statement's order can be none of theirs.
        order = (statement.since, -statement.row if is_fact else -statement.row - 0.5)
        quote = Quote(shown, order, precision=statement.since_precision)
        ranked[match] = Ranked(hit, quote, quotes if is_fact else ())
    return ranked


def _marks(match: Match, told: Sequence[Provenance], now: float) -> list[str]:
    """What stands behind a statement: its time, who told it, and what speaks against it."""
    statement = match.statement
    if statement.tier != "ltm":
        return []
    since = _date(statement.since, statement.since_precision, *told)
    until = _date(statement.until or 0.0, statement.until_precision, *told)
    planned = statement.kind == "plan" and match.instead is None
    when = f"since {since}"
    if planned and statement.until is not None:
        when = f"{'was ' * (statement.until <= now)}planned for {until}"
    elif _is_over(statement, now):
        when = f"until {until}"
        if (then := match.instead) is not None:
            began = _date(then.since, then.since_precision, *told)
            when += _instead(
                until, began, then.text, at_once=then.since <= (statement.until or 0.0)
            )
    elif planned:
        when = f"planned {since}"
    elif statement.kind == "event":
        when = since
    by = ["(the assistant said)"] if statement.told_by == "assistant" else []
    return [f"({when})", *by, *([f"(unsure: {statement.doubt})"] if statement.doubt else [])]


def _is_over(statement: Statement, now: float) -> bool:
    """Whether it is over by now; a plan is, where something took its place."""
    ended = statement.kind != "plan" or statement.successor is not None
    return ended and statement.until is not None and statement.until <= now


def _that_may_fit(turns: Turns, places: Sequence[int], always: int, max_tokens: int) -> list[int]:
    """The first places and pinned ones in any case, and the others whose turns may fit behind them.

    Reading a turn takes longer than the rest of showing it.
    """
    kept, room = [], max_tokens
    for rank, place in enumerate(places):
        size = _HEAD + len(turns.texts[place]) // _CHARACTERS
        if size <= room:
            room -= size
        elif rank >= always and not turns.pinned[place]:
            continue
        kept.append(place)
    return kept


def _mark(told: Told, change: Outdated | None) -> str:
    """What stands behind the words of a turn that do not hold any more; empty if they do."""
    if told.unsaid:
        return _taken_back(told.unsaid)
    return "" if change is None else _since_then(change, told.said)


def _taken_back(said: Sequence[TakenBack]) -> str:
    last = said[-_MOST_TAKEN_BACK:]
    marks = [
        f"retracted: {each.statement}" if each.corrected is None else f"corrected: {each.corrected}"
        for each in last
    ]
    return f" ({'; '.join(marks)})"


def _since_then(change: Outdated, said: Provenance) -> str:
    until = _date(change.until, change.until_precision, said)
    began = _date(change.since, change.since_precision, said)
    at_once = change.since <= change.until
    instead = _instead(until, began, change.instead, at_once=at_once) if change.instead else ""
    return f" (until {until}{instead})"


def _instead(until: str, began: str, text: str, *, at_once: bool) -> str:
    """What took a place, and when, where that was not at once."""
    return f"; since {'then' if at_once or began == until else began}: {text}"


def _date(seconds: float, precision: Precision, *told: Provenance) -> str:
    return date_words(_moment(seconds, precision, *told), precision)


def _moment(seconds: float, precision: Precision, *told: Provenance) -> dt.datetime:
    """A time, by the calendar of the turns that say so."""
    zones = dict.fromkeys(each.when.tzinfo or dt.timezone.utc for each in told)
    return by_calendar(seconds, precision, *zones)


def _around(selection: Selection, place: int) -> list[int]:
    """Places of the turns just before and after that may be shown."""
    turns = selection.turns
    return [
        near
        for near in (place - 1, place + 1)
        if 0 <= near < len(turns)
        and turns.sessions[near] == turns.sessions[place]
        and abs(turns.positions[near] - turns.positions[place]) == 1
        and selection.showable[near]
    ]
