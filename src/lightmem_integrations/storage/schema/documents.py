"""The ledger's tables of documents: JSON values under namespaces, and their vectors."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from lightmem_integrations.storage.schema.turns import metadata

namespaces = Table(
    "namespaces",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(32), nullable=False, unique=True),
    Column("path", Text, nullable=False),
    sqlite_autoincrement=True,
)

# One row for each beginning of each namespace: what lies under a prefix is found by equality of
# its key, whatever characters its labels are made of and however the database sorts them.
namespace_prefixes = Table(
    "namespace_prefixes",
    metadata,
    Column("prefix", String(32), primary_key=True),
    Column("namespace", Integer, ForeignKey("namespaces.id"), primary_key=True),
    Index("prefixes_by_namespace", "namespace"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("namespace", Integer, ForeignKey("namespaces.id"), nullable=False),
    Column("key", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    # Which parts of the value are searched by meaning, as JSON; NULL for none of it.
    Column("fields", Text),
    # Whether those parts have their vectors: not yet, where the embedder failed or was replaced.
    Column("embedded", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("ttl_minutes", Double),
    Column("expires_at", Double),
    UniqueConstraint("namespace", "key"),
    Index("documents_by_time", "namespace", "updated_at"),
    Index("documents_by_expiry", "expires_at"),
    Index("documents_to_embed", "embedded"),
    sqlite_autoincrement=True,
)

# AUTOINCREMENT: as with turns, an entry that outlived its document is nobody else's.
document_vectors = Table(
    "document_vectors",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("document", Integer, ForeignKey("documents.id"), nullable=False, index=True),
    Column("namespace", Integer, ForeignKey("namespaces.id"), nullable=False),
    Column("vector", LargeBinary, nullable=False),
    # ABSENT, WRITING or HELD, of document_vectors.py.
    Column("indexed", SmallInteger, nullable=False),
    Index("document_vectors_by_namespace", "namespace", "indexed"),
    sqlite_autoincrement=True,
)
