"""The ledger's tables of shared knowledge: who speaks for a statement, and what is shared.

A statement that is not shared (yet) stands nowhere but in its users' own facts: what is kept of it
here is a digest.
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
)

from lightmem_integrations.storage.schema.knowledge import facts
from lightmem_integrations.storage.schema.turns import metadata, users

shared_support = Table(
    "shared_support",
    metadata,
    Column("fact", Integer, ForeignKey(facts.c.id), primary_key=True, autoincrement=False),
    Column("user", Integer, ForeignKey(users.c.id), nullable=False),
    Column("digest", String(32), nullable=False),
    # Words of it name somebody or something in this user's memory: then nobody gets to read it.
    Column("personal", Boolean, nullable=False),
    Index("shared_support_by_digest", "digest"),
    Index("shared_support_by_user", "user"),
)

# A row is there only while enough users speak for it; nothing is left of what was withdrawn.
shared_statements = Table(
    "shared_statements",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(32), nullable=False, unique=True),
    Column("digest", String(32), nullable=False, unique=True),
    Column("statement", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

# How far a user's memory has been looked at.
shared_seen = Table(
    "shared_seen",
    metadata,
    Column("user", Integer, ForeignKey(users.c.id), primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    Column("episode", Integer, nullable=False),
)
