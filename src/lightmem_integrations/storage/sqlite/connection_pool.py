"""A pool of SQLite connections that an interrupt cannot leave locked."""

from __future__ import annotations

from collections import deque
from typing import Any

from sqlalchemy import Pool
from sqlalchemy.pool import ConnectionPoolEntry

_KEPT = 8
"""Connections kept open between two reads: a guess; as many as are needed are opened."""


class ConnectionPool(Pool):
    """Connections that wait for their next read.

    SQLAlchemy's own queue locks in Python, where Ctrl-C may strike between taking the lock and
    noting that it was taken. The operations of a deque need no lock.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: deque[ConnectionPoolEntry] = deque()

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return self._kept.pop()
        except IndexError:
            return self._create_connection()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if len(self._kept) < _KEPT:
            self._kept.append(record)
        else:
            record.close()

    def recreate(self) -> ConnectionPool:
        """An empty pool like this one, as SQLAlchemy asks for after ``dispose``."""
        return ConnectionPool(
            self._creator, echo=self.echo, _dispatch=self.dispatch, dialect=self._dialect
        )

    def dispose(self) -> None:
        """Close the connections that nobody uses."""
        while self._kept:
            self._kept.pop().close()

    def status(self) -> str:
        """A line for humans."""
        return f"{len(self._kept)} connections wait."
