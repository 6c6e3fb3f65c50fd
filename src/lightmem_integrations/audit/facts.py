"""Checks of one user's facts: what says the same, is vague, stale, or contradicts another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lightmem_integrations.audit.exact import exact_duplicates
from lightmem_integrations.knowledge.beliefs import stored_belief
from lightmem_integrations.records.audit import Check
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.facts import StoredFact
from lightmem_integrations.storage.knowledge_reads import MOST
from lightmem_integrations.storage.turns import moment
from lightmem_integrations.storage.vector_bytes import unpack_vectors
from lightmem_integrations.text.denial import agree
from lightmem_integrations.text.names import NOBODY, name_key
from lightmem_integrations.text.precision import by_calendar, short_date
from lightmem_integrations.text.temporal import SECONDS_A_DAY

_BLOCK = 512
"""Facts whose vectors are compared with all before them at once: a guess, 10 MB at the most."""

_CANDIDATES = 20
"""Near facts, or facts of one thing, that are compared one by one at most: a guess."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding before it is known whose memory it is in, and whether it is listed.

    Attributes:
        check: What was looked for.
        ids: Public ids of facts or episodes.
        text: What the first of them says.
        why: What is wrong with it.
        turns: Rows of turns, where it is about turns.
        conflict_id: Public id of an open conflict.
    """

    check: Check
    ids: tuple[str, ...]
    text: str
    why: str
    turns: tuple[int, ...] = ()
    conflict_id: str | None = None


def check_facts(
    standing: Sequence[tuple[StoredFact, bytes | None]],
    conflicts: Collection[frozenset[int]],
    now: float,
    settings: ConsolidationSettings,
) -> Iterator[Found]:
    """What is wrong with the facts of a user that were neither retracted nor superseded.

    Args:
        standing: The facts, oldest first, with their vectors.
        conflicts: Rows of those in each open conflict.
        now: The time, in seconds since 1970.
        settings: The cosine of what means the same, and how long a fact lasts without support.
    """
    current = [fact for fact, _ in standing if fact.holds(now)]
    disputed = {row for pair in conflicts for row in pair}
    doubled = exact_duplicates(current, disputed)
    for group in doubled:
        yield _together("duplicate", group, f"{len(group)} facts, word for word")
    again = {fact.row for group in doubled for fact in group[1:]}
    once = [fact for fact in current if fact.row not in again]
    vectors = {fact.row: vector for fact, vector in standing if vector is not None}
    yield from _near(once, vectors, settings.same_meaning)
    for fact in current:
        reasons = list(_vague(fact))
        if reasons:
            yield _together("vague", [fact], "; ".join(reasons))
    for fact, _ in standing:
        reason = _stale(fact, now, settings.half_life_days)
        if reason:
            yield _together("stale", [fact], reason)
    yield from _contradicting(once, conflicts)


def _near(
    facts: Sequence[StoredFact], vectors: Mapping[int, bytes], same_meaning: float
) -> Iterator[Found]:
    """Facts about one subject whose vectors are near; the newest `MOST`, as in recall."""
    about: dict[tuple[str, str], list[StoredFact]] = {}
    size = max(map(len, vectors.values()), default=0)
    for fact in facts[-MOST:]:
        if len(vectors.get(fact.row, b"")) == size:  # of one embedder
            about.setdefault((fact.subject_key, fact.kind), []).append(fact)
    for group in about.values():
        if len(group) < 2:  # noqa: PLR2004
            continue
        matrix = unpack_vectors([vectors[fact.row] for fact in group])
        first: list[int] = []
        for start in range(0, len(group), _BLOCK):
            similar = matrix[start : start + _BLOCK] @ matrix[: start + _BLOCK].T
            for place, row in enumerate(similar, start):
                near = np.flatnonzero(row[:place] >= same_meaning)[:_CANDIDATES].tolist()
                twin = next((at for at in near if _same(group[at], group[place])), None)
                first.append(place if twin is None else first[twin])
        together: dict[int, list[StoredFact]] = {}
        for fact, leader in zip(group, first, strict=True):
            together.setdefault(leader, []).append(fact)
        for alike in together.values():
            if len(alike) > 1:
                others = "; ".join(fact.statement for fact in alike[1:3])
                yield _together("near_duplicate", alike, f"nearly the same: {others}")


def _same(first: StoredFact, second: StoredFact) -> bool:
    names = [{name_key(name) for name in fact.entities} for fact in (first, second)]
    return (
        (names[0] <= names[1] or names[1] <= names[0])
        and agree(first.statement, second.statement)
        and not stored_belief(first).is_apart(stored_belief(second).claim)
    )


def _vague(fact: StoredFact) -> Iterator[str]:
    if name_key(fact.subject) in NOBODY:
        yield f"it is about {fact.subject!r}"
    if name_key(fact.value) in NOBODY:
        yield f"its value is {fact.value!r}" if fact.value.strip() else "it has no value"
    if fact.doubt is not None:
        yield f"in doubt: {fact.doubt}"


def _stale(fact: StoredFact, now: float, half_life_days: float) -> str:
    if fact.kind == "plan":
        day = fact.valid_to
        over = day is not None and day + SECONDS_A_DAY <= now and fact.supported_at <= day
        if not over or day is None:
            return ""
        planned = short_date(
            by_calendar(day, fact.valid_to_precision, dt.timezone.utc), fact.valid_to_precision
        )
        return f"planned for {planned}, and nothing said since"
    days = (now - fact.supported_at) / SECONDS_A_DAY
    lasting = fact.kind in {"state", "preference"} and not fact.pinned and fact.holds(now)
    if not lasting or days <= half_life_days:
        return ""
    return f"said last on {moment(fact.supported_at):%Y-%m-%d}, {days:,.0f} days ago"


def _contradicting(
    current: Sequence[StoredFact], conflicts: Collection[frozenset[int]]
) -> Iterator[Found]:
    """Facts that hold and differ in what has one value at a time, where no conflict says so."""
    things: dict[tuple[str, str], list[StoredFact]] = {}
    for fact in current:
        things.setdefault((fact.subject_key, fact.attribute_key), []).append(fact)
    for group in things.values():
        if not any(fact.single for fact in group):
            continue
        differ = list({fact.value_key: fact for fact in group}.values())[-_CANDIDATES:]
        pairs = {frozenset((one.row, other.row)) for one, other in combinations(differ, 2)}
        if not pairs.issubset(conflicts):
            said = "; ".join(fact.statement for fact in differ[1:3])
            yield _together("contradiction", differ, f"it differs from: {said}")


def _together(check: Check, facts: Sequence[StoredFact], why: str) -> Found:
    return Found(check, tuple(fact.key for fact in facts), facts[0].statement, why)
