"""Namespaces: paths of labels, found by themselves or by what they begin with.

One writer a namespace: where several processes write one database, whoever changes documents locks
the rows of their namespaces first, in the order of their keys, and keeps them until it commits. So
no two wait for each other, a namespace is made once, and none goes while a document comes into it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, select

from lightmem_integrations.storage.expressions import lasts
from lightmem_integrations.storage.schema import documents, namespace_prefixes, namespaces
from lightmem_integrations.storage.sql import delete_in, insert_new, insert_rows

Path = tuple[str, ...]

_Query = TypeVar("_Query", bound=Select[Any])

# Marks the keys of namespaces, so that no user's key is ever one of them.
_PERSON = b"lightmem-space"


def key_of_path(path: Sequence[str]) -> str:
    """A fixed-length key of a namespace: 32 hexadecimal characters, one for each path.

    It is also the scope of its vectors in the index.
    """
    return hashlib.blake2b(_text(path).encode("ascii"), digest_size=16, person=_PERSON).hexdigest()


def find_namespace(connection: Connection, path: Path, *, lock: bool = False) -> int | None:
    """The row of a namespace, or ``None`` if it holds nothing."""
    query = select(namespaces.c.id).where(
        namespaces.c.key == key_of_path(path), namespaces.c.path == _text(path)
    )
    return connection.execute(query.with_for_update(key_share=True) if lock else query).scalar()


def ensure_namespace(connection: Connection, path: Path) -> int:
    """The row of a namespace, locked; made if need be."""
    while True:
        found = find_namespace(connection, path, lock=True)
        if found is not None:
            return found
        # Nothing comes back where somebody else makes it at this moment, and maybe erases it.
        new = insert_new(connection, namespaces, key=key_of_path(path), path=_text(path))
        if new is not None:
            begins = [key_of_path(path[:n]) for n in range(1, len(path) + 1)]
            rows = [{"prefix": each, "namespace": new} for each in begins]
            insert_rows(connection, namespace_prefixes, rows)
            return new


def under(query: _Query, namespace: ColumnElement[int], prefix: Path) -> _Query:
    """The query for what lies in a namespace that begins with a prefix: in any for an empty one."""
    if not prefix:
        return query
    begun = namespace_prefixes.c.prefix == key_of_path(prefix)
    return query.where(namespace.in_(select(namespace_prefixes.c.namespace).where(begun)))


def list_paths(connection: Connection, prefix: Path, *, live_at: float | None = None) -> list[Path]:
    """The namespaces under a prefix, sorted; with ``live_at``, those that hold something then."""
    query = under(select(namespaces.c.path), namespaces.c.id, prefix)
    if live_at is not None:
        live = select(documents.c.namespace).where(lasts(documents, live_at))
        query = query.where(namespaces.c.id.in_(live))
    return sorted(path_of(text) for text in connection.execute(query).scalars())


def erase_if_empty(connection: Connection, rows: Sequence[int]) -> None:
    """Erase the namespaces among these that hold nothing any more: labels may name a person."""
    filled = set(
        connection.execute(
            select(documents.c.namespace).where(documents.c.namespace.in_(rows)).distinct()
        ).scalars()
    )
    empty = [row for row in rows if row not in filled]
    delete_in(connection, namespace_prefixes, namespace_prefixes.c.namespace, empty)
    delete_in(connection, namespaces, namespaces.c.id, empty)


def path_of(text: str) -> Path:
    """A namespace from the form in which it is stored."""
    return tuple(json.loads(text))


def _text(path: Sequence[str]) -> str:
    """The stored form: JSON of ASCII characters only, so any label can be stored anywhere."""
    return json.dumps(list(path))
