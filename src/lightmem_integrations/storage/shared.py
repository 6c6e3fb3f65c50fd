"""Shared knowledge in the ledger: statements, and the users who speak for them.

Whether enough users speak for a statement is asked of their facts themselves, whenever it is read:
a fact that was retracted, superseded or erased speaks for nothing from that moment on.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import Connection, Select, delete, exists, func, insert, or_, select

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.safety import digest
from lightmem_integrations.storage.facts import STANDING, StoredFact, read_facts, valid_at
from lightmem_integrations.storage.ledger import put_meta
from lightmem_integrations.storage.schema import (
    assertions,
    episodes,
    facts,
    revisions,
    shared_seen,
    shared_statements,
    shared_support,
    speakers,
    users,
)
from lightmem_integrations.storage.sql import delete_in, insert_new, insert_rows, select_in
from lightmem_integrations.storage.users import lock_users
from lightmem_integrations.storage.vector_bytes import pack_vector, unpack_rows
from lightmem_integrations.text.temporal import SECONDS_A_DAY

LEAST_USERS = 3
"""So many different users must say the same before anybody else reads it: a promise to users."""

MOST = 5_000
"""So many shared statements are compared, the newest: one by one, as they are few. A guess."""

_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact as it would be shared: it speaks for its text or, if personal, against sharing it.

    Attributes:
        fact: Row of the fact.
        text: What would be read.
        personal: Whether it names somebody or something, for the user whose fact it is.
    """

    fact: int
    text: str
    personal: bool

    @property
    def digest(self) -> str:
        """The same for the same text, whoever said it."""
        return digest(self.text, 16)


@dataclass(frozen=True, slots=True)
class SharedStatement:
    """A statement that several users made; ``since``: when it was shared, in seconds since 1970."""

    row: int
    key: str
    text: str
    since: float


@dataclass(frozen=True, slots=True)
class Seen:
    """Mark of how far a user's memory reaches, or was looked at."""

    user: int
    revision: int
    episode: int


def changed_users(connection: Connection, without: Collection[str]) -> list[Seen]:
    """Users whose facts or episodes changed since they were looked at, but those ``without``."""
    newest = (
        select(episodes.c.user, func.max(episodes.c.id).label("episode"))
        .group_by(episodes.c.user)
        .subquery()
    )
    reaches = func.coalesce(newest.c.episode, 0)
    query = (
        select(revisions.c.user, revisions.c.revision, reaches)
        .join(users, users.c.id == revisions.c.user)
        .outerjoin(newest, newest.c.user == revisions.c.user)
        .outerjoin(shared_seen, shared_seen.c.user == revisions.c.user)
        .where(
            or_(
                shared_seen.c.user.is_(None),
                shared_seen.c.revision != revisions.c.revision,
                shared_seen.c.episode != reaches,
            ),
            users.c.name.not_in(list(without)),
            ~users.c.space,  # what its members said there is theirs, and counts for none of them
        )
        .order_by(revisions.c.user)
    )
    return [Seen(*row) for row in connection.execute(query)]


def facts_in_force(
    connection: Connection, user_row: int, now: float
) -> list[tuple[StoredFact, list[str]]]:
    """A user's facts that hold, each with every sentence that was made of it."""
    sentences: dict[int, list[str]] = {}
    said = select(assertions.c.fact, assertions.c.statement).where(assertions.c.user == user_row)
    for row, sentence in connection.execute(said):
        sentences.setdefault(row, []).append(sentence)
    return [
        (fact, [fact.statement, *sentences.get(fact.row, ())])
        for fact in read_facts(connection, user_row)
        if fact.superseded_by is None and fact.holds(now)
    ]


def names_in_memory(connection: Connection, user_row: int) -> tuple[frozenset[str], frozenset[str]]:
    """Speakers of a user's memory, and single words of all names in it, both without case."""
    said = select(speakers.c.name).where(speakers.c.user == user_row)
    people = {name for name in connection.execute(said).scalars() if name}
    whose = select(users.c.name).where(users.c.id == user_row)
    named = people | set(connection.execute(whose).scalars())
    subjects = select(facts.c.subject).where(facts.c.user == user_row).distinct()
    capital = set(connection.execute(subjects).scalars())
    for table in (facts, assertions, episodes):
        lists = select(table.c.entities).where(table.c.user == user_row).distinct()
        for each in connection.execute(lists).scalars():
            capital.update(json.loads(each))
    # A model also lists things as entities; only those written like names are names.
    named |= {each for each in capital if each != each.lower()}
    words = {word.casefold() for each in named for word in _LETTERS.findall(each)}
    return frozenset(each.casefold() for each in people), frozenset(words)


def set_support(connection: Connection, seen: Seen, found: Sequence[Candidate]) -> bool:
    """Replace what a user speaks for; ``False`` if the user's facts changed meanwhile."""
    lock_users(connection, [seen.user])
    there = select(revisions.c.revision).where(revisions.c.user == seen.user)
    if connection.execute(there).scalar() != seen.revision:
        return False
    connection.execute(delete(shared_support).where(shared_support.c.user == seen.user))
    connection.execute(delete(shared_seen).where(shared_seen.c.user == seen.user))
    rows = [
        {"fact": each.fact, "user": seen.user, "digest": each.digest, "personal": each.personal}
        for each in found
    ]
    insert_rows(connection, shared_support, rows)
    connection.execute(
        insert(shared_seen).values(user=seen.user, revision=seen.revision, episode=seen.episode)
    )
    return True


def leave_out(connection: Connection, names: Collection[str]) -> None:
    """Withdraw all support that these users, by public id, give to shared statements."""
    rows = list(connection.execute(select(users.c.id).where(users.c.name.in_(names))).scalars())
    for table in (shared_support, shared_seen):
        delete_in(connection, table, table.c.user, rows)


def agreed(connection: Connection, now: float) -> list[tuple[str, int, int]]:
    """Digests that enough users speak for and that are not shared yet.

    Each with the row of a fact that speaks for it, and of its user.
    """
    known = select(shared_statements.c.digest)
    new = _supported(now).where(shared_support.c.digest.not_in(known)).subquery()
    query = select(new.c.digest, facts.c.id, facts.c.user).join(facts, facts.c.id == new.c.fact)
    return [(digest, row, user) for digest, row, user in connection.execute(query)]


def still_agreed(connection: Connection, digests: Collection[str], now: float) -> set[str]:
    """Of these digests, those that enough users speak for."""
    found = select_in(connection, _supported(now), shared_support.c.digest, digests)
    return {supported.digest for supported in found}


def insert_shared(
    connection: Connection, found: Mapping[str, str], vectors: Mapping[str, Vectors], now: float
) -> int:
    """Share statements, by their digests, that are still agreed on; returns how many."""
    _hold(connection)
    still = still_agreed(connection, found.keys(), now)
    shared = [
        insert_new(
            connection, shared_statements, key=uuid.uuid4().hex, digest=digest, statement=text,
            # The day only: the minute could tell who was the one to speak for it last.
            created_at=float(now // SECONDS_A_DAY * SECONDS_A_DAY),
            vector=pack_vector(vectors[digest]),
        )
        for digest, text in found.items()
        if digest in still
    ]  # fmt: skip
    return len(shared) - shared.count(None)


def drop_support(connection: Connection, fact_rows: Sequence[int], now: float) -> None:
    """Withdraw the support of facts that are to be erased, and what too few then speak for."""
    mine = shared_support.c.fact.in_(fact_rows)
    query = select(shared_support.c.digest).where(mine)
    touched = set(connection.execute(query.distinct()).scalars())
    if touched:
        _hold(connection)
        connection.execute(delete(shared_support).where(mine))
        _withdraw(connection, touched, now)


def withdraw_unsupported(connection: Connection, now: float) -> None:
    """Erase what too few users speak for by now."""
    shared = set(connection.execute(select(shared_statements.c.digest)).scalars())
    _withdraw(connection, shared, now)


def withdraw_all(connection: Connection) -> None:
    """Erase every shared statement, as after a change of the embedder; they are made anew."""
    connection.execute(delete(shared_statements))


def shared_entries(connection: Connection) -> tuple[list[int], Vectors]:
    """Rows of shared statements with their vectors, the newest `MOST`."""
    query = select(shared_statements.c.id, shared_statements.c.vector)
    newest = query.order_by(shared_statements.c.id.desc()).limit(MOST)
    return unpack_rows(connection.execute(newest))


def read_shared(
    connection: Connection, rows: Sequence[int] | None, now: float
) -> list[SharedStatement]:
    """Shared statements that enough users speak for: those of these rows, in order, or all."""
    query = select(shared_statements).order_by(shared_statements.c.id)
    if rows is not None:
        query = query.where(shared_statements.c.id.in_(list(rows)))
    found = connection.execute(query).all()
    still = still_agreed(connection, {each.digest for each in found}, now)
    kept = {
        each.id: SharedStatement(each.id, each.key, each.statement, each.created_at)
        for each in found
        if each.digest in still
    }
    return list(kept.values()) if rows is None else [kept[row] for row in rows if row in kept]


def _hold(connection: Connection) -> None:
    """Let nobody else share a statement, or withdraw one, until the transaction ends.

    Else what is shared in one process could rest on what is erased in another one meanwhile.
    """
    put_meta(connection, "shared", "")


def _supported(now: float) -> Select[tuple[str, int]]:
    """Digests that enough users speak for, and none of them against, with a fact of each."""
    other = shared_support.alias("other")
    against = exists().where(other.c.digest == shared_support.c.digest, other.c.personal)
    return (
        select(shared_support.c.digest, func.min(shared_support.c.fact).label("fact"))
        .join(facts, facts.c.id == shared_support.c.fact)
        .where(STANDING, valid_at(now), ~against)
        .group_by(shared_support.c.digest)
        .having(func.count(shared_support.c.user.distinct()) >= LEAST_USERS)
    )


def _withdraw(connection: Connection, digests: Set[str], now: float) -> None:
    gone = digests - still_agreed(connection, digests, now)
    delete_in(connection, shared_statements, shared_statements.c.digest, gone)
