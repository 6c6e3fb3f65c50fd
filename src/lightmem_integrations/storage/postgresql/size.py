"""Size of a ledger in PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Connection, text

# A partitioned table has no size of its own; its partitions are tables of the same schema.
_TABLES = text(
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
    " WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind = 'r'"
)


def size_of_tables(connection: Connection) -> int:
    """Bytes on disk of a store's tables with their indexes, free room in them included."""
    return int(connection.execute(_TABLES).scalar_one())
