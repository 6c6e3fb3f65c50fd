"""Reads for a profile: the newest facts of each kind that hold, and turns that give guidance."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)

from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.storage.expiry import Expired
from lightmem_integrations.storage.expressions import among_rows, lasts
from lightmem_integrations.storage.facts import valid_at
from lightmem_integrations.storage.schema import episode_turns, evidence, facts, sessions, turns
from lightmem_integrations.storage.tellers import BY_ASSISTANT
from lightmem_integrations.storage.turns import stands
from lightmem_integrations.text.guidance import Guidance

_MOST = 32  # of each kind, the newest: a guess, more than 300 tokens hold
_ALWAYS = 1e12  # seconds since 1970: later than anything


# The day that a plan is for, also of one that gave way to another since.
_is_for = and_(facts.c.kind == "plan", facts.c.stated_to.is_not(None))
_until = case((_is_for, facts.c.stated_to), else_=facts.c.valid_to)
_until_precision = case((_is_for, facts.c.stated_to_precision), else_=facts.c.valid_to_precision)
_newer = facts.alias("newer")
_BELIEVED = (
    select(facts.c.id, facts.c.key, facts.c.kind, facts.c.subject, facts.c.statement,
           facts.c.valid_from, _until.label("valid_to"), facts.c.valid_from_precision,
           _until_precision.label("valid_to_precision"), facts.c.pinned)
    .outerjoin(_newer, _newer.c.id == facts.c.superseded_by)
    .where(
        facts.c.user == bindparam("user"),
        or_(facts.c.retracted_at.is_(None), facts.c.retracted_at > bindparam("at")),
        or_(_newer.c.id.is_(None), _newer.c.valid_from > bindparam("at")),
        facts.c.doubt.is_(None),
        lasts(facts, bindparam("now")),
    )
    .order_by(facts.c.pinned.desc(), facts.c.id.desc())
    .limit(_MOST)
)  # fmt: skip
_HOLDING = _BELIEVED.where(facts.c.kind == bindparam("kind"), valid_at(bindparam("at")))
_AHEAD = _BELIEVED.where(
    or_(
        and_(facts.c.kind == "plan", _until >= bindparam("day")),
        and_(facts.c.kind == "event", facts.c.valid_from > bindparam("at")),
    )
)
# A turn whose episode was compressed is not searched any more, and what it asks for still stands.
_WISHES = (
    select(turns.c.id, turns.c.name, turns.c.speaker, turns.c.wishes, turns.c.said_at,
           turns.c.pinned, sessions.c.name.label("session_name"))
    .join(sessions, sessions.c.id == turns.c.session)
    .where(
        turns.c.user == bindparam("user"),
        turns.c.wishes.is_not(None),
        turns.c.said_at <= bindparam("until"),
        lasts(turns, bindparam("now")),
        or_(turns.c.searchable, turns.c.id.in_(select(episode_turns.c.turn))),
        stands(),
    )
    .order_by(turns.c.pinned.desc(), turns.c.id.desc())
    .limit(_MOST)
)  # fmt: skip
_GUIDED = (
    _WISHES.where(turns.c.guidance == Guidance.STANDING),
    _WISHES.where(turns.c.guidance.is_distinct_from(int(Guidance.STANDING))),
)
_PROOF = (
    select(evidence.c.fact, turns.c.id, turns.c.name, turns.c.said_at, BY_ASSISTANT.label("told"),
           sessions.c.name.label("session_name"),
           (func.lower(turns.c.speaker) == func.lower(facts.c.subject)).label("own"))
    .join(facts, facts.c.id == evidence.c.fact)
    .join(turns, turns.c.id == evidence.c.turn)
    .join(sessions, sessions.c.id == turns.c.session)
    .where(among_rows(evidence.c.fact), lasts(turns, bindparam("now")))
    .distinct()
    .order_by(turns.c.said_at, turns.c.id)
)  # fmt: skip
_RESTING = (
    select(evidence.c.turn, facts.c.value, facts.c.statement)
    .join(facts, facts.c.id == evidence.c.fact)
    .where(among_rows(evidence.c.turn))
    .distinct()
)
_PLANNED = (
    select(facts.c.id).where(facts.c.user == bindparam("user"), facts.c.kind == "plan").limit(1)
)


@dataclass(frozen=True, slots=True)
class ProfileReads:
    """What a ledger holds for a profile of one user.

    Attributes:
        connection: Of a read transaction.
        user: Row of the user.
        now: What is past its time now does not exist any more; in seconds since 1970.
        as_of: What was so then; ``None`` for now.
        over: What has expired.
    """

    connection: Connection
    user: int
    now: float
    as_of: float | None
    over: Expired

    def holding(self, kinds: Sequence[FactKind]) -> list[Row[Any]]:
        """Facts of these kinds that hold and that nothing speaks against, the newest of each."""
        found = [row for kind in kinds for row in self._read(_HOLDING, {"kind": kind})]
        return [row for row in found if not self.over.hides(row.id)]

    def ahead(self, day: float) -> list[Row[Any]]:
        """Plans for the day that begins then or a later one, and events that are to come."""
        return [row for row in self._read(_AHEAD, {"day": day}) if not self.over.hides(row.id)]

    def has_plans(self) -> bool:
        """Whether anything was ever planned."""
        return bool(self._read(_PLANNED))

    def guided(self) -> list[Row[Any]]:
        """Turns that give guidance or take it back, the newest first."""
        until = _ALWAYS if self.as_of is None else self.as_of
        # By two indexes, and instructions by themselves: nobody's many likes push one out.
        found = [row for query in _GUIDED for row in self._read(query, {"until": until})]
        found = [row for row in found if row.id not in self.over.turns]
        return sorted(found, key=lambda row: (-row.said_at, -row.id))

    def proof_of(self, rows: Collection[int]) -> list[Row[Any]]:
        """The turns that prove facts, oldest first; ``own``: whom it is about says so."""
        return self._read(_PROOF, {"rows": list(rows)})

    def facts_resting_on(self, rows: Collection[int]) -> list[Row[Any]]:
        """What all facts say that rest on turns, also those that are not believed any more."""
        return self._read(_RESTING, {"rows": list(rows)})

    def _read(self, query: Select[Any], asked: Mapping[str, Any] | None = None) -> list[Row[Any]]:
        at = self.now if self.as_of is None else self.as_of
        bound = {"user": self.user, "at": at, "now": self.now, **(asked or {})}
        return list(self.connection.execute(query, bound).all())
