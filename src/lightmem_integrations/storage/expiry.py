"""Expiry: what of a user's memory is over at a moment, whether it was swept yet or not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    bindparam,
    func,
    literal,
    select,
    union,
    union_all,
)

from lightmem_integrations.records.conversation import Tier
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.expressions import of_same_user, unindexed
from lightmem_integrations.storage.schema import (
    assertions,
    episode_turns,
    evidence,
    facts,
    sessions,
    turns,
    users,
)
from lightmem_integrations.storage.sql import select_in
from lightmem_integrations.storage.users import every_memory
from lightmem_integrations.text.temporal import SECONDS_A_DAY

_NEVER = -1e12  # seconds since 1970: before anything


@dataclass(frozen=True, slots=True)
class Expired:
    """Rows of one user's memory whose time is over.

    Attributes:
        turns: Turns.
        facts: Facts with an end of their own.
        tainted: Facts that also say what expired turns said, or may: they stay in other words, or
            go, once the turns are erased. Until then nobody is shown them.
        episodes: Episodes of expired turns.
    """

    turns: frozenset[int] = frozenset()
    facts: frozenset[int] = frozenset()
    tainted: frozenset[int] = frozenset()
    episodes: frozenset[int] = frozenset()

    def hides(self, fact_row: int) -> bool:
        """True for a fact that nobody is to be shown."""
        return fact_row in self.facts or fact_row in self.tainted

    def hides_statement(self, tier: Tier, row: int) -> bool:
        """True for a fact or an episode that nobody is to be shown."""
        return self.hides(row) if tier == "ltm" else row in self.episodes


NOTHING = Expired()


def expired(connection: Connection, user_row: int, settings: Settings, at: float) -> Expired:
    """What is over of a user's memory.

    A turn is by its own ``expires_at``; without one by the lifetimes of the settings, unless it is
    pinned, or a pinned fact came of its episode.

    Args:
        connection: To read with.
        user_row: Whose memory.
        settings: The lifetimes of turns and sessions without a time of their own.
        at: The moment, in seconds since 1970.
    """
    query = _DUE if settings.session_lifetime_days is None else _DUE_WITH_SESSIONS
    found = connection.execute(
        query,
        {
            "user": user_row,
            "at": at,
            "said": _before(at, settings.lifetime_days),
            "quiet": _before(at, settings.session_lifetime_days),
        },
    ).all()
    if not found:
        return NOTHING
    rows = frozenset(row for row, is_fact in found if not is_fact)
    over = select_in(connection, select(episode_turns.c.episode), episode_turns.c.turn, rows)
    episodes = frozenset(row for (row,) in over)
    return Expired(
        turns=rows,
        facts=frozenset(row for row, is_fact in found if is_fact),
        tainted=_facts_of(connection, episodes),
        episodes=episodes,
    )


def memories_with_expired(connection: Connection, settings: Settings, at: float) -> list[str]:
    """Ids of the memories of which something is over; not of those being imported."""
    where = [users.c.staged.is_(None)]
    if settings.lifetime_days is None and settings.session_lifetime_days is None:
        due = (select(each.c.user).where(each.c.expires_at <= at) for each in _KEPT)
        where.append(users.c.id.in_(union(*due)))
    return [
        memory
        for row, memory in every_memory(connection, *where).items()
        if expired(connection, row, settings, at) != NOTHING
    ]


def next_expiry(connection: Connection) -> float | None:
    """Earliest time at which a turn or a fact with an end of its own is over; ``None`` for none.

    Not of a memory that is being imported: it is swept once it is shown.
    """
    staged = select(users.c.id).where(users.c.staged.is_not(None))
    ends = [
        connection.execute(
            # Only so does SQLite look into the index of those that end, instead of at all turns.
            select(func.min(each.c.expires_at)).where(
                each.c.expires_at.is_not(None), each.c.user.not_in(staged)
            )
        ).scalar()
        for each in _KEPT
    ]
    return min((end for end in ends if end is not None), default=None)


def _before(at: float, days: float | None) -> float:
    return _NEVER if days is None else at - days * SECONDS_A_DAY


def _facts_of(connection: Connection, episodes: Collection[int]) -> frozenset[int]:
    """Facts that episodes brought, and what persons said on the grounds of their turns."""
    brought = select(assertions.c.fact)
    corrected = select(evidence.c.fact).join(episode_turns, episode_turns.c.turn == evidence.c.turn)
    found = [
        *select_in(connection, brought, assertions.c.episode, episodes),
        *select_in(connection, corrected, episode_turns.c.episode, episodes),
    ]
    return frozenset(row for (row,) in found)


_KEPT = (turns, facts)
_USER: BindParameter[int] = bindparam("user")
_AT: BindParameter[float] = bindparam("at")


def _due(*, with_sessions: bool) -> CompoundSelect[Any]:
    proof = (
        select(evidence.c.turn)
        .join(facts, of_same_user(evidence.c.fact, facts))
        .where(facts.c.user == _USER, facts.c.pinned)
    )
    beside = episode_turns.alias("beside")
    together = (
        select(beside.c.turn)
        .join(
            episode_turns,
            (episode_turns.c.episode == beside.c.episode) & (episode_turns.c.user == beside.c.user),
        )
        .where(episode_turns.c.turn.in_(proof))
    )
    by_default = select(turns.c.id, literal(0)).where(
        turns.c.expires_at.is_(None), ~turns.c.pinned,
        turns.c.id.not_in(proof), turns.c.id.not_in(together),
    )  # fmt: skip
    # Both values of ``searchable``, so that SQLite finds old turns by the index of times.
    said = turns.c.searchable.in_([False, True]), turns.c.said_at <= bindparam("said")
    parts = [
        select(turns.c.id, literal(0)).where(turns.c.user == _USER, turns.c.expires_at <= _AT),
        by_default.where(turns.c.user == _USER, *said),
        select(facts.c.id, literal(1)).where(facts.c.user == _USER, facts.c.expires_at <= _AT),
    ]
    if with_sessions:
        spoken = turns.alias("spoken")
        last = (
            select(spoken.c.said_at)
            .where(spoken.c.session == sessions.c.id)
            .order_by(spoken.c.position.desc())
            .limit(1)
            .scalar_subquery()
        )
        quiet = select(sessions.c.id).where(sessions.c.user == _USER, last <= bindparam("quiet"))
        # SQLite is kept from walking all turns of the user to find those of a few sessions.
        parts.append(by_default.where(unindexed(turns.c.user) == _USER, turns.c.session.in_(quiet)))
    return union_all(*parts)


# Built once: building a statement takes SQLAlchemy longer than SQLite takes to answer it.
_DUE, _DUE_WITH_SESSIONS = _due(with_sessions=False), _due(with_sessions=True)
