"""The vector index of a ledger in PostgreSQL: tables of its own schema, in pgvector's half vectors.

A row goes with the vector that it is made of, in the transaction that erases that. So nothing is
found that is not there, nobody else's is found, and there is nothing to clean up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.display import described
from lightmem_integrations.errors import IndexUnavailableError, LedgerError
from lightmem_integrations.storage.document_vectors import FIRST_ID
from lightmem_integrations.storage.index import Batch, Neighbour, nearest
from lightmem_integrations.storage.index_contents import HOLDER
from lightmem_integrations.storage.ledger import Ledger, get_meta, put_meta
from lightmem_integrations.storage.postgresql.ledger import without_limits
from lightmem_integrations.storage.vector_bytes import unpack_rows


@dataclass(frozen=True, slots=True)
class _Kind:
    """Vectors of one kind: their table in the index, and where the ledger has them and whose."""

    table: str
    vectors: str
    item: str
    owner: str
    key: str
    owners: str
    first_id: int


_KINDS = (
    _Kind("nearest_turns", "vectors", "turn", '"user"', '"user", turn', "users", 0),
    _Kind("nearest_documents", "document_vectors", "id", "namespace", "id", "namespaces", FIRST_ID),
)

# The server sorts out who may make an extension. In ``public``, as every schema of the database
# shares it, and it must outlive this one.
_EXTENSION = "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public"
_HALF_VECTORS = text(
    "SELECT quote_ident(n.nspname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
    " JOIN pg_depend d ON d.objid = t.oid AND d.deptype = 'e'"
    " JOIN pg_extension e ON e.oid = d.refobjid"
    " WHERE t.typname = 'halfvec' AND e.extname = 'vector'"
    " AND (:made OR to_regclass(format('%I.nearest_documents', current_schema())) IS NOT NULL)"
)
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('lightmem index ' || current_schema(), 0))"
_TABLES = """
CREATE TABLE IF NOT EXISTS nearest_turns (
    "user" BIGINT NOT NULL, turn BIGINT NOT NULL, embedding {place}.halfvec NOT NULL,
    PRIMARY KEY ("user", turn),
    FOREIGN KEY (turn, "user") REFERENCES vectors (turn, "user") ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS nearest_documents (
    id BIGINT NOT NULL, namespace BIGINT NOT NULL, embedding {place}.halfvec NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (id) REFERENCES document_vectors (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS nearest_of_namespace ON nearest_documents (namespace)
"""


class PgVectorIndex:
    """Vectors of large users and namespaces in the ledger's own database, compared one by one.

    Where the database has no pgvector, and may not make it, the ledger's vectors are compared here.

    Args:
        ledger: In PostgreSQL.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        with ledger.read() as connection:
            self._place = _place(connection)
        if self._place is None:
            with ledger.write() as connection:
                without_limits(connection)  # of many that start at once, the last waits for all
                self._place = _made(connection)
                if get_meta(connection, HOLDER) is None and not _any_indexed(connection):
                    put_meta(connection, HOLDER, self._holder)  # a new one: nothing to rebuild

    def __repr__(self) -> str:
        return described(self, at=self._ledger.name, extension=self._place is not None)

    def upsert(self, batch: Batch) -> None:
        """Add vectors, or replace those of the same ids, as far as the ledger has them still."""
        with self._answering(), self._ledger.write() as connection:
            self._upsert(connection, batch)

    def search(self, scope: str, vector: Vectors, limit: int, *, size: int) -> list[Neighbour]:
        """The nearest items of a scope, nearest first."""
        with self._answering(), self._ledger.read() as connection:
            return self.search_in(connection, scope, vector, limit, size=size)

    def search_in(
        self,
        connection: Connection,
        scope: str,
        vector: Vectors,
        limit: int,
        *,
        size: int,  # noqa: ARG002 - of no use to a search that is exact
    ) -> list[Neighbour]:
        """The nearest items of a scope as a transaction on the ledger sees them, nearest first."""
        for kind in _KINDS:
            owner = _owner(connection, kind, scope)
            if owner is None:
                continue
            if self._place is None:
                found = _compared(connection, kind, owner, vector, limit)
            else:
                found = self._nearest(connection, kind, owner, vector, limit)
            if found:
                return found
        return []

    def delete(self, scope: str, ids: Sequence[int]) -> None:
        """Erase items that the ledger still has; all others are gone with what it had of them."""
        if self._place is None:
            return
        with self._answering(), self._ledger.write() as connection:
            for kind, rows, _ in _by_kind(ids):
                owner = _owner(connection, kind, scope, lock=True)
                gone = f"DELETE FROM {kind.table} WHERE {kind.owner} = :owner"  # noqa: S608
                gone += f" AND {kind.item} = ANY(:rows)"
                connection.execute(text(gone), {"owner": owner, "rows": rows})

    def replace(self, batches: Iterable[Batch]) -> None:
        """Hold exactly these batches: all of it or, on an error, what was held before."""
        with self._answering(), self._ledger.write() as connection:
            without_limits(connection)
            self._place = _made(connection)
            if self._place is not None:
                for kind in _KINDS:
                    connection.exec_driver_sql(f"DELETE FROM {kind.table}")  # noqa: S608
            for batch in batches:
                self._upsert(connection, batch, lock=False)  # adding goes on meanwhile
            put_meta(connection, HOLDER, self._holder)

    def healthy(self, least: Mapping[str, int], most: Mapping[str, int]) -> bool:  # noqa: ARG002
        """True if what is on no work list is here, and not in an index that was used before."""
        with self._ledger.read() as connection:
            return get_meta(connection, HOLDER) == self._holder

    def close(self) -> None:
        """Nothing to let go of: the ledger has the connections."""

    @property
    def _holder(self) -> str:
        return "ledger" if self._place is None else "pgvector"

    def _upsert(self, connection: Connection, batch: Batch, *, lock: bool = True) -> None:
        if self._place is None:
            self._place = _place(connection)  # another process may have made it since
        if self._place is None:
            return
        for kind, rows, places in _by_kind(batch.ids):
            owner = _owner(connection, kind, batch.scope, lock=lock)
            if owner is None:
                continue
            # Of two processes that index, or of one that erases, each row sees one after another.
            added = f"""
                INSERT INTO {kind.table} ({kind.owner}, {kind.item}, embedding)
                SELECT v.{kind.owner}, v.{kind.item}, n.embedding::{self._place}.halfvec
                FROM unnest(CAST(:rows AS bigint[]), CAST(:embeddings AS text[]))
                    AS n (item, embedding)
                JOIN {kind.vectors} v ON v.{kind.item} = n.item AND v.{kind.owner} = :owner
                ORDER BY v.{kind.item} FOR KEY SHARE OF v
                ON CONFLICT ({kind.key}) DO UPDATE SET embedding = excluded.embedding
            """  # noqa: S608
            halves = batch.vectors.astype(np.float16)
            embeddings = [str(halves[place].tolist()) for place in places]
            given = {"owner": owner, "rows": rows, "embeddings": embeddings}
            connection.execute(text(added), given)

    def _nearest(
        self, connection: Connection, kind: _Kind, owner: int, vector: Vectors, limit: int
    ) -> list[Neighbour]:
        # The question keeps its precision: about as quick, and the ranking that any index gives.
        away = (
            f"CAST(embedding AS {self._place}.vector)"
            f" OPERATOR({self._place}.<=>) CAST(:vector AS {self._place}.vector)"
        )
        query = f"SELECT {kind.item}, {away} AS away FROM {kind.table}"  # noqa: S608
        query += f" WHERE {kind.owner} = :owner ORDER BY away LIMIT :limit"
        given = {"vector": str(vector.tolist()), "owner": owner, "limit": limit}
        rows = connection.execute(text(query), given)
        return [Neighbour(kind.first_id + row, 1.0 - away) for row, away in rows]

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except LedgerError as error:
            raise IndexUnavailableError(str(error)) from error


def _place(connection: Connection, *, made: bool = False) -> str | None:
    """The schema in which pgvector lies, where it and the tables are there."""
    return connection.execute(_HALF_VECTORS, {"made": made}).scalar()


def _made(connection: Connection) -> str | None:
    """Make what is missing, as far as this user may; returns the schema in which pgvector lies."""
    connection.exec_driver_sql(_ALONE)
    if (place := _place(connection)) is not None:  # another process was first
        return place
    _tried(connection, _EXTENSION)
    place = _place(connection, made=True)
    if place is not None:
        _tried(connection, _TABLES.format(place=place))
    return _place(connection)


def _any_indexed(connection: Connection) -> bool:
    found = "SELECT EXISTS (SELECT FROM users WHERE indexed)"
    found += " OR EXISTS (SELECT FROM document_vectors WHERE indexed > 0)"
    return bool(connection.exec_driver_sql(found).scalar_one())


def _tried(connection: Connection, statements: str) -> None:
    nested = connection.begin_nested()
    try:
        connection.exec_driver_sql(statements)
        nested.commit()
    except DBAPIError as error:
        nested.rollback()
        if error.connection_invalidated:
            raise


def _owner(connection: Connection, kind: _Kind, scope: str, *, lock: bool = False) -> int | None:
    """The row of the user or namespace with that key; ``lock``: whom nobody else writes then."""
    query = f"SELECT id FROM {kind.owners} WHERE key = :scope"  # noqa: S608
    query += " FOR NO KEY UPDATE" if lock else ""
    return connection.execute(text(query), {"scope": scope}).scalar()


def _compared(
    connection: Connection, kind: _Kind, owner: int, vector: Vectors, limit: int
) -> list[Neighbour]:
    """The nearest of the ledger's vectors, without pgvector."""
    query = f"SELECT {kind.item}, vector FROM {kind.vectors} WHERE {kind.owner} = :owner"  # noqa: S608
    rows, matrix = unpack_rows(connection.execute(text(query), {"owner": owner}))
    ids = [kind.first_id + row for row in rows]
    return nearest(ids, matrix, vector, limit) if rows else []


def _by_kind(ids: Sequence[int]) -> Iterator[tuple[_Kind, list[int], list[int]]]:
    """The kinds that some ids are of, with their rows and their places among the ids."""
    for kind in _KINDS:
        places = [n for n, each in enumerate(ids) if (each >= FIRST_ID) == (kind.first_id > 0)]
        if places:
            yield kind, [ids[n] - kind.first_id for n in places], places
