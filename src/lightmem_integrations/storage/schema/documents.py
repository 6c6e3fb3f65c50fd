"""The ledger's tables of documents: JSON values under namespaces, and their vectors."""

from __future__ import annotations

from sqlalchemy import Column, Index, SmallInteger, UniqueConstraint

from lightmem_integrations.storage.schema import columns as column
from lightmem_integrations.storage.schema.columns import table

namespaces = table("namespaces", column.row_id(), column.public_key(), *column.texts("path"))

# One row for each beginning of each namespace: what lies under a prefix is found by equality of
# its key, whatever characters its labels are made of and however the database sorts them.
namespace_prefixes = table(
    "namespace_prefixes",
    Column("prefix", column.KEY, primary_key=True),
    column.reference("namespace", "namespaces", primary=True),
    Index("prefixes_by_namespace", "namespace"),
)

documents = table(
    "documents",
    column.row_id(),
    column.reference("namespace", "namespaces"),
    *column.keys("key"),
    *column.texts("name", "value"),
    # Which parts of the value are searched by meaning, as JSON; NULL for none of it.
    *column.texts("fields", optional=True),
    # Whether those parts have their vectors: not yet, where the embedder failed or was replaced.
    column.flag("embedded"),
    *column.reals("created_at", "updated_at"),
    *column.reals("ttl_minutes", "expires_at", optional=True),
    UniqueConstraint("namespace", "key"),
    Index("documents_by_time", "namespace", "updated_at"),
    Index("documents_by_expiry", "expires_at"),
    Index("documents_to_embed", "embedded"),
)

document_vectors = table(
    "document_vectors",
    column.row_id(),
    column.reference("document", "documents"),
    column.reference("namespace", "namespaces"),
    column.blob("vector"),
    # ABSENT, WRITING or HELD, of document_vectors.py.
    Column("indexed", SmallInteger, nullable=False),
    Index("ix_document_vectors_document", "document"),
    Index("document_vectors_by_namespace", "namespace", "indexed"),
)
