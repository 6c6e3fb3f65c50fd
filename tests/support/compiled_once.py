"""SQL statements compiled once for all stores of a process, and not anew for each store.

SQLAlchemy compiles for each engine, since engines may differ; those of the tests' stores do in
where they lead. It is up to a quarter of the processor time of a short test with its own store.
"""

from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

Key = tuple[Any, ...]


def _of_all_engines(key: Key) -> Key:
    dialect, *statement = key
    return type(dialect), dialect.server_version_info, *statement


class _Statements(LRUCache):
    """Found by the kind of database and its version, where SQLAlchemy goes by the engine's own."""

    def get(self, key: Key, default: Any = None) -> Any:
        return super().get(_of_all_engines(key), default)

    def __getitem__(self, key: Key) -> Any:
        return super().__getitem__(_of_all_engines(key))

    def __setitem__(self, key: Key, value: Any) -> None:
        super().__setitem__(_of_all_engines(key), value)


def compile_once() -> None:
    """Lets all engines of this process keep their statements in one place."""
    statements = _Statements(10_000)
    Engine._compiled_cache = property(lambda _: statements, lambda *_: None)
