"""The ledger's tables of episodes and facts, and of the work that makes them.

Every row carries its user, and every read asks for it: no row of another user can come along,
whatever its id.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from lightmem_integrations.storage.schema.turns import (
    metadata,
    sessions,
    turns,
    users,
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _user() -> Column[int]:
    return Column("user", Integer, ForeignKey(users.c.id), nullable=False)


# Compared and swapped by whoever changes facts; what else was read at that number still holds.
revisions = Table(
    "revisions",
    metadata,
    Column("user", Integer, ForeignKey(users.c.id), primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    # The revision of the last erasure: who knows an older one must read everything anew.
    Column("erased", Integer, nullable=False, default=0),
)

episodes = Table(
    "episodes",
    metadata,
    _id(),
    Column("key", String(32), nullable=False, unique=True),
    _user(),
    Column("session", Integer, ForeignKey(sessions.c.id), nullable=False),
    Column("begins", Double, nullable=False),
    Column("ends", Double, nullable=False),
    Column("summary", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("keywords", Text, nullable=False),
    Column("entities", Text, nullable=False),
    Column("speakers", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("accesses", Integer, nullable=False, default=0),
    Column("accessed_at", Double),
    Column("writer", Text, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("recorded_at", Double, nullable=False),
    Index("episodes_by_user", "user", "state"),
    Index("episodes_by_session", "session"),
    sqlite_autoincrement=True,
)

# The turn is the key: it belongs to one episode at most, whoever tries.
episode_turns = Table(
    "episode_turns",
    metadata,
    Column("turn", Integer, ForeignKey(turns.c.id), primary_key=True, autoincrement=False),
    Column("episode", Integer, ForeignKey(episodes.c.id), nullable=False),
    _user(),
    Index("episode_turns_by_episode", "episode"),
    Index("episode_turns_by_user", "user"),
)

facts = Table(
    "facts",
    metadata,
    _id(),
    Column("key", String(32), nullable=False, unique=True),
    _user(),
    Column("subject", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("attribute_key", Text, nullable=False),
    Column("value_key", Text, nullable=False),
    Column("entities", Text, nullable=False),
    Column("single", Boolean, nullable=False),
    Column("valid_from", Double, nullable=False),
    Column("valid_to", Double),
    # What the writer said about its end; valid_to may be earlier, where a newer fact ends it.
    Column("stated_to", Double),
    Column("recorded_at", Double, nullable=False),
    Column("superseded_by", Integer),
    Column("superseded_at", Double),
    Column("retracted_at", Double),
    Column("reason", Text),
    Column("confidence", Double, nullable=False),
    Column("supported_at", Double, nullable=False),
    Column("agent", Text),
    Column("writer", Text, nullable=False),
    Column("author", String(8), nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("revision", Integer, nullable=False),
    Index("facts_by_attribute", "user", "subject_key", "attribute_key"),
    Index("facts_by_revision", "user", "revision"),
    Index("facts_by_successor", "superseded_by"),
    sqlite_autoincrement=True,
)

# What one episode said of a fact, in its own words: what is left of a fact when another of its
# sources is forgotten.
assertions = Table(
    "assertions",
    metadata,
    _id(),
    _user(),
    Column("fact", Integer, ForeignKey(facts.c.id), nullable=False),
    Column("episode", Integer, ForeignKey(episodes.c.id)),
    Column("subject", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("entities", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("said_at", Double, nullable=False),
    Column("stated_to", Double),
    Column("confidence", Double, nullable=False),
    Column("agent", Text),
    Column("recorded_at", Double, nullable=False),
    Index("assertions_by_fact", "fact"),
    Index("assertions_by_episode", "episode"),
    sqlite_autoincrement=True,
)

evidence = Table(
    "evidence",
    metadata,
    Column(
        "assertion", Integer, ForeignKey(assertions.c.id), primary_key=True, autoincrement=False
    ),
    Column("turn", Integer, ForeignKey(turns.c.id), primary_key=True, autoincrement=False),
    Column("fact", Integer, ForeignKey(facts.c.id), nullable=False),
    _user(),
    Index("evidence_by_fact", "fact"),
    Index("evidence_by_turn", "turn"),
)

# Two facts are linked where they mention one entity or come from one episode. The pairs
# themselves would grow with the square of what is known about somebody.
mentions = Table(
    "mentions",
    metadata,
    Column("fact", Integer, ForeignKey(facts.c.id), primary_key=True, autoincrement=False),
    Column("entity", Text, primary_key=True),
    _user(),
    Index("mentions_by_entity", "user", "entity"),
)

conflicts = Table(
    "conflicts",
    metadata,
    _id(),
    Column("key", String(32), nullable=False, unique=True),
    _user(),
    Column("first", Integer, ForeignKey(facts.c.id), nullable=False),
    Column("second", Integer, ForeignKey(facts.c.id), nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("resolved_at", Double),
    Column("resolution", Text),
    UniqueConstraint("first", "second"),
    Index("conflicts_by_user", "user"),
    Index("conflicts_by_second", "second"),
    sqlite_autoincrement=True,
)

# A person said that what a turn seems to prove is not so. Holds no text, only a digest of it, and
# is erased with the turn.
refusals = Table(
    "refusals",
    metadata,
    _id(),
    _user(),
    Column("turn", Integer, ForeignKey(turns.c.id), nullable=False),
    Column("digest", String(32), nullable=False),
    Column("refused_at", Double, nullable=False),
    Index("refusals_by_digest", "user", "digest"),
    Index("refusals_by_turn", "turn"),
    sqlite_autoincrement=True,
)

episode_vectors = Table(
    "episode_vectors",
    metadata,
    Column("episode", Integer, ForeignKey(episodes.c.id), primary_key=True, autoincrement=False),
    Column("user", Integer, nullable=False, index=True),
    Column("vector", LargeBinary, nullable=False),
)

fact_vectors = Table(
    "fact_vectors",
    metadata,
    Column("fact", Integer, ForeignKey(facts.c.id), primary_key=True, autoincrement=False),
    Column("user", Integer, nullable=False, index=True),
    Column("vector", LargeBinary, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("user", Integer, ForeignKey(users.c.id), primary_key=True, autoincrement=False),
    Column("worker", String(64), nullable=False),
    Column("until", Double, nullable=False),
)

failures = Table(
    "failures",
    metadata,
    Column("session", Integer, ForeignKey(sessions.c.id), primary_key=True, autoincrement=False),
    _user(),
    Column("turn", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("again_at", Double, nullable=False),
    Column("reason", Text, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("turn", Integer, ForeignKey(turns.c.id), primary_key=True, autoincrement=False),
    Column("session", Integer, ForeignKey(sessions.c.id), nullable=False),
    _user(),
    Column("reason", Text, nullable=False),
    Column("recorded_at", Double, nullable=False),
    Index("quarantine_by_session", "session"),
    Index("quarantine_by_user", "user"),
)
