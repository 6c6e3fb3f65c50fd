"""The ledger's tables of shared knowledge: who speaks for a statement, and what is shared.

A statement that is not shared (yet) stands nowhere but in its users' own facts: what is kept of it
here is a digest.
"""

from __future__ import annotations

from sqlalchemy import Column, Index

from lightmem_integrations.storage.schema import columns as column
from lightmem_integrations.storage.schema.columns import table

shared_support = table(
    "shared_support",
    column.reference("fact", "facts", primary=True),
    column.user(),
    *column.keys("digest"),
    # Words of it name somebody or something in this user's memory: then nobody gets to read it.
    column.flag("personal"),
    Index("shared_support_by_digest", "digest"),
    Index("shared_support_by_user", "user"),
)

# A row is there only while enough users speak for it; nothing is left of what was withdrawn.
shared_statements = table(
    "shared_statements",
    column.row_id(),
    column.public_key(),
    Column("digest", column.KEY, nullable=False, unique=True),
    *column.texts("statement"),
    *column.reals("created_at"),
    column.blob("vector"),
)

# How far a user's memory has been looked at.
shared_seen = table(
    "shared_seen",
    column.reference("user", "users", primary=True),
    *column.numbers("revision", "episode"),
)
