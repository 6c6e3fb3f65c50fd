"""Documents in the ledger: JSON values by namespace and key, written, read, listed and erased."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.document_vectors import delete_vectors, insert_vectors
from lightmem_integrations.storage.expressions import lasts
from lightmem_integrations.storage.namespaces import (
    Path,
    ensure_namespace,
    erase_if_empty,
    find_namespace,
    key_of_path,
    path_of,
    under,
)
from lightmem_integrations.storage.schema import documents, namespaces
from lightmem_integrations.storage.sql import in_batches, insert_row, select_in

_AT_ONCE = 500  # rows read at a time; a guess
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to write, or to erase if ``value`` is ``None``.

    Attributes:
        namespace: Where it belongs.
        key: Its name there.
        value: JSON text of what it says.
        fields: Which parts of it are searched by meaning.
        vectors: Their vectors, ``(parts, dimension)``; ``None`` if they are still to be made.
        ttl_minutes: How long it lives after it was last written or read; ``None`` for ever.
    """

    namespace: Path
    key: str
    value: str | None
    fields: tuple[str, ...] = ()
    vectors: Vectors | None = None
    ttl_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is stored. Times are seconds since 1970."""

    row: int
    namespace: Path
    key: str
    value: Mapping[str, Any]
    created_at: float
    updated_at: float
    ttl_minutes: float | None


@dataclass(slots=True)
class ErasedDocuments:
    """Documents that left the ledger: their number; by scope, ids that the index still holds."""

    documents: int = 0
    index_ids: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: ErasedDocuments) -> None:
        """Count in what else was erased."""
        self.documents += other.documents
        for scope, ids in other.index_ids.items():
            self.index_ids.setdefault(scope, []).extend(ids)


def find_document(
    connection: Connection, namespace: Path, key: str, *, live_at: float | None = None
) -> Document | None:
    """The document of that key, or ``None``."""
    row = find_namespace(connection, namespace)
    if row is None:
        return None
    query = _live(_DOCUMENTS, live_at).where(
        documents.c.namespace == row, documents.c.key == key_of(key)
    )
    found = connection.execute(query).first()
    return None if found is None or found.name != key else _document(found)


def documents_under(
    connection: Connection, prefix: Path, *, live_at: float | None = None, most: int | None = None
) -> Generator[Document, None, None]:
    """The documents of every namespace under a prefix, the last written first.

    Without ``most``, they are read as they are asked for, which takes more messages to a server;
    who asks for no more closes it.
    """
    query = under(_live(_DOCUMENTS, live_at).limit(most), documents.c.namespace, prefix)
    query = query.order_by(documents.c.updated_at.desc(), documents.c.id.desc())
    options = {} if most is not None else {"yield_per": _AT_ONCE}
    with connection.execute(query, execution_options=options) as rows:
        for row in rows:
            yield _document(row)


def documents_of(
    connection: Connection, rows: Sequence[int], *, live_at: float | None = None
) -> dict[int, Document]:
    """Documents by row, at most 500 of them at once."""
    query = _live(_DOCUMENTS, live_at).where(documents.c.id.in_(rows))
    return {row.id: _document(row) for row in connection.execute(query)}


def documents_to_embed(
    connection: Connection, prefix: Path, limit: int, after: int = 0
) -> list[tuple[Document, tuple[str, ...]]]:
    """Documents under a prefix whose vectors are still to be made, and their fields, by row."""
    query = _DOCUMENTS.where(documents.c.embedded.is_(False), documents.c.id > after)
    query = under(query.order_by(documents.c.id).limit(limit), documents.c.namespace, prefix)
    return [(_document(row), tuple(json.loads(row.fields))) for row in connection.execute(query)]


def write_documents(
    connection: Connection, new: Sequence[NewDocument], now: float
) -> ErasedDocuments:
    """Write documents, or erase those without a value. The time of creation is kept.

    Of several with one name the last is written.
    """
    final = {(each.namespace, key_of(each.key)): each for each in new}
    spaces = _locked(connection, final)
    known = _known(connection, spaces, final)
    gone = ErasedDocuments()
    for (namespace, key), each in final.items():
        if each.value is None:
            continue
        waits = bool(each.fields) and each.vectors is None
        values = {
            "value": each.value,
            "fields": json.dumps(each.fields) if each.fields else None,
            "embedded": not waits,
            "updated_at": now,
            "ttl_minutes": each.ttl_minutes,
            "expires_at": None if each.ttl_minutes is None else now + _MINUTE * each.ttl_minutes,
        }
        row = known.get((namespace, key))
        if row is None:
            row = insert_row(
                connection, documents, namespace=spaces[namespace], key=key, name=each.key,
                created_at=now, **values,
            )  # fmt: skip
        else:
            connection.execute(update(documents).where(documents.c.id == row).values(values))
            gone.add(ErasedDocuments(0, delete_vectors(connection, [row])))
        if each.vectors is not None:
            insert_vectors(connection, row, each.vectors)
    # Last: a namespace that is empty goes, and one that is written to is not empty by now.
    ended = [place for place, each in final.items() if each.value is None and place in known]
    gone.add(erase_documents(connection, [known[place] for place in ended]))
    return gone


def embed_documents(connection: Connection, made: Sequence[tuple[Document, Vectors]]) -> None:
    """Give documents their vectors, but for those that were written anew meanwhile."""
    lock_documents(connection, [document.row for document, _ in made])
    for document, vectors in made:
        done = connection.execute(
            update(documents)
            .where(
                documents.c.id == document.row,
                documents.c.updated_at == document.updated_at,
                documents.c.embedded.is_(False),
            )
            .values(embedded=True)
        )
        if done.rowcount:
            insert_vectors(connection, document.row, vectors)


def erase_documents(connection: Connection, rows: Collection[int]) -> ErasedDocuments:
    """Erase documents with all that was made of them, and namespaces that are empty then.

    Their namespaces are locked by the caller.
    """
    gone = ErasedDocuments()
    for part in in_batches(rows):
        spaces = select(documents.c.namespace).where(documents.c.id.in_(part)).distinct()
        touched = list(connection.execute(spaces).scalars())
        index_ids = delete_vectors(connection, part)
        done = connection.execute(delete(documents).where(documents.c.id.in_(part)))
        erase_if_empty(connection, touched)
        gone.add(ErasedDocuments(done.rowcount, index_ids))
    return gone


def erase_expired(connection: Connection, now: float) -> ErasedDocuments:
    """Erase documents whose time is over, at most 500 of them."""
    over = select(documents.c.id).where(documents.c.expires_at <= now).limit(_AT_ONCE)
    rows = list(connection.execute(over).scalars())
    if not rows:
        return ErasedDocuments()
    lock_documents(connection, rows)
    # Some may have been read or written anew before they were locked.
    query = over.where(documents.c.id.in_(rows)).with_for_update()
    return erase_documents(connection, list(connection.execute(query).scalars()))


def refresh(connection: Connection, rows: Collection[int], now: float) -> None:
    """Let the time of documents that have one begin anew."""
    for part in in_batches(rows):
        mine = select(documents.c.id).where(documents.c.id.in_(part))
        mine = mine.where(documents.c.ttl_minutes.is_not(None))
        # Whoever has one locked writes it anew, or refreshes it too.
        mine = mine.with_for_update(key_share=True, skip_locked=True)
        connection.execute(
            update(documents)
            .where(documents.c.id.in_(mine))
            .values(expires_at=now + _MINUTE * documents.c.ttl_minutes)
        )


def lock_documents(connection: Connection, rows: Sequence[int]) -> None:
    """Lock the namespaces of documents, at most 500 of these, until the transaction ends."""
    of_them = select(documents.c.namespace).where(documents.c.id.in_(rows))
    query = select(namespaces.c.id).where(namespaces.c.id.in_(of_them)).order_by(namespaces.c.key)
    connection.execute(query.with_for_update(key_share=True))


def _locked(connection: Connection, new: Mapping[tuple[Path, str], NewDocument]) -> dict[Path, int]:
    """Rows of the namespaces to write to, locked; those that get a document are made."""
    filled = {namespace for (namespace, _), each in new.items() if each.value is not None}
    rows = {
        path: ensure_namespace(connection, path)
        if path in filled
        else find_namespace(connection, path, lock=True)
        for path in sorted({namespace for namespace, _ in new}, key=key_of_path)
    }
    return {path: row for path, row in rows.items() if row is not None}


def _known(
    connection: Connection, spaces: Mapping[Path, int], places: Collection[tuple[Path, str]]
) -> dict[tuple[Path, str], int]:
    """Rows of the documents that there are already, by namespace and key."""
    keys: dict[Path, list[str]] = {}
    for namespace, key in places:
        keys.setdefault(namespace, []).append(key)
    found: dict[tuple[Path, str], int] = {}
    for namespace, row in spaces.items():
        query = select(documents.c.key, documents.c.id).where(documents.c.namespace == row)
        for key, document in select_in(connection, query, documents.c.key, keys[namespace]):
            found[namespace, key] = document
    return found


_DOCUMENTS = select(documents, namespaces.c.path).join(
    namespaces, namespaces.c.id == documents.c.namespace
)


def _live(query: Select[Any], moment: float | None) -> Select[Any]:
    return query if moment is None else query.where(lasts(documents, moment))


def _document(row: Any) -> Document:
    return Document(
        row.id,
        path_of(row.path),
        row.name,
        json.loads(row.value),
        row.created_at,
        row.updated_at,
        row.ttl_minutes,
    )
