"""The ledger's tables of episodes and facts, and of the work that makes them.

Every row carries its user, and every read asks for it: no row of another user can come along,
whatever its id.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Text, UniqueConstraint

from lightmem_integrations.storage.schema import columns as column
from lightmem_integrations.storage.schema.columns import table

# Compared and swapped by whoever changes facts; what else was read at that number still holds.
revisions = table(
    "revisions",
    column.reference("user", "users", primary=True),
    *column.numbers("revision"),
    # The revision of the last erasure: who knows an older one must read everything anew.
    *column.counts("erased"),
)

episodes = table(
    "episodes",
    column.row_id(),
    column.public_key(),
    column.user(),
    column.reference("session", "sessions"),
    *column.reals("begins", "ends", "recorded_at"),
    *column.texts("summary", "terms", "keywords", "entities", "speakers", "writer"),
    column.words("state", 12),
    *column.counts("accesses"),
    *column.reals("accessed_at", optional=True),
    *column.counts("version", start=1),
    Index("episodes_by_user", "user", "state"),
    Index("episodes_by_session", "session"),
)

# The turn is the key: it belongs to one episode at most, whoever tries.
episode_turns = table(
    "episode_turns",
    column.reference("turn", "turns", primary=True),
    column.reference("episode", "episodes"),
    column.user(),
    Index("episode_turns_by_episode", "episode"),
    Index("episode_turns_by_user", "user"),
)

facts = table(
    "facts",
    column.row_id(),
    column.public_key(),
    column.user(),
    *column.texts("subject", "attribute", "value", "statement", "terms", "entities"),
    *column.texts("subject_key", "attribute_key", "value_key"),
    column.flag("single"),
    *column.reals("valid_from", "recorded_at", "confidence", "supported_at"),
    # What the writer said about its end is stated_to; valid_to may be earlier, where a newer fact
    # ends it.
    *column.reals("valid_to", "stated_to", "superseded_at", "retracted_at", optional=True),
    *column.numbers("superseded_by", optional=True),
    *column.texts("reason", "agent", optional=True),
    *column.texts("writer"),
    column.words("author", 8),
    *column.counts("version", start=1),
    *column.numbers("revision"),
    Index("facts_by_attribute", "user", "subject_key", "attribute_key"),
    Index("facts_by_revision", "user", "revision"),
    Index("facts_by_successor", "superseded_by"),
)

# What one episode said of a fact, in its own words: what is left of a fact when another of its
# sources is forgotten.
assertions = table(
    "assertions",
    column.row_id(),
    column.user(),
    column.reference("fact", "facts"),
    column.reference("episode", "episodes", optional=True),
    *column.texts("subject", "attribute", "value", "statement", "terms", "entities"),
    *column.reals("since", "said_at", "confidence", "recorded_at"),
    *column.reals("stated_to", optional=True),
    *column.texts("agent", optional=True),
    Index("assertions_by_fact", "fact"),
    Index("assertions_by_episode", "episode"),
)

evidence = table(
    "evidence",
    column.reference("assertion", "assertions", primary=True),
    column.reference("turn", "turns", primary=True),
    column.reference("fact", "facts"),
    column.user(),
    Index("evidence_by_fact", "fact"),
    Index("evidence_by_turn", "turn"),
)

# Two facts are linked where they mention one entity or come from one episode. The pairs
# themselves would grow with the square of what is known about somebody.
mentions = table(
    "mentions",
    column.reference("fact", "facts", primary=True),
    Column("entity", Text, primary_key=True),
    column.user(),
    Index("mentions_by_entity", "user", "entity"),
)

conflicts = table(
    "conflicts",
    column.row_id(),
    column.public_key(),
    column.user(),
    column.reference("first", "facts"),
    column.reference("second", "facts"),
    *column.reals("opened_at"),
    *column.reals("resolved_at", optional=True),
    *column.texts("resolution", optional=True),
    UniqueConstraint("first", "second"),
    Index("conflicts_by_user", "user"),
    Index("conflicts_by_second", "second"),
)

# A person said that what a turn seems to prove is not so. Holds no text, only a digest of it, and
# is erased with the turn.
refusals = table(
    "refusals",
    column.row_id(),
    column.user(),
    column.reference("turn", "turns"),
    *column.keys("digest"),
    *column.reals("refused_at"),
    Index("refusals_by_digest", "user", "digest"),
    Index("refusals_by_turn", "turn"),
)

episode_vectors = table(
    "episode_vectors",
    column.reference("episode", "episodes", primary=True),
    Column("user", Integer, nullable=False, index=True),
    column.blob("vector"),
)

fact_vectors = table(
    "fact_vectors",
    column.reference("fact", "facts", primary=True),
    Column("user", Integer, nullable=False, index=True),
    column.blob("vector"),
)

leases = table(
    "leases",
    column.reference("user", "users", primary=True),
    column.words("worker", 64),
    *column.reals("until"),
)

failures = table(
    "failures",
    column.reference("session", "sessions", primary=True),
    column.user(),
    *column.numbers("turn", "tries"),
    *column.reals("again_at"),
    *column.texts("reason"),
)

quarantine = table(
    "quarantine",
    column.reference("turn", "turns", primary=True),
    column.reference("session", "sessions"),
    column.user(),
    *column.texts("reason"),
    *column.reals("recorded_at"),
    Index("quarantine_by_session", "session"),
    Index("quarantine_by_user", "user"),
)
