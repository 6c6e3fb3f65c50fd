"""Connections to a PostgreSQL database, and the transactions that begin on them.

One message to the server begins a transaction and sets its limits, all of which end with it, so it
may be another's connection next. A connection that was lost while it was idle shows at that
message, and is replaced before anything was done.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from lightmem_integrations.storage.postgresql.url import PostgresUrl, check_options

_LONGEST_PAUSE = 1.0  # seconds between two tries to connect: a guess

_LATE_SECONDS = 5.0
"""After the server's own limit of a statement, this process stops waiting for the answer that says
so: it, or the network, is gone. A guess."""

# What libpq says of a server that will answer soon: out of connections, starting or ending. Of a
# failed connection it gives no SQLSTATE.
_REFUSED = (
    "too many clients", "remaining connection slots", "too many connections", "starting up",
    "shutting down", "not yet accepting", "recovery mode", "no more connections allowed",
)  # fmt: skip

# What libpq is told where the URL does not. A network that swallows everything is noticed at
# connect in 10 s, and in the middle of a statement in 25: guesses.
_DEFAULTS = {
    "application_name": "lightmem",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


class _Connection(psycopg.Connection[Any]):
    """A connection on which nobody waits for an answer without end: also TCP may be answered for.

    A proxy, or the system of a server that was stopped, keeps a connection alive on which nothing
    comes any more.
    """

    seconds: float | None = None
    """How long the answer to one message may take."""

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        limited = gen if self.seconds is None else self._limited(gen, self.seconds)
        return super().wait(limited, *args, **options)

    def _limited(self, gen: Generator[Any, Any, Any], seconds: float) -> Generator[Any, Any, Any]:
        until = time.monotonic() + seconds
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited  # several times a second, with nothing where nothing came
                if not ready and time.monotonic() > until:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer came within {seconds:g} s")
                awaited = gen.send(ready)
        except StopIteration as end:
            return end.value


_PREPARED_AFTER = 5
"""Times that a statement is run before it is prepared: psycopg's own default. An add then takes the
server half the time (`benchmarks/postgres.py`)."""

_engines: weakref.WeakKeyDictionary[Engine, None] = weakref.WeakKeyDictionary()


def _leave_to_parent() -> None:
    """After a fork: the parent's connections are the parent's, and are not closed either."""
    for engine in list(_engines):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_leave_to_parent)


def engine_of(place: PostgresUrl) -> Engine:
    """The pool of connections to a database.

    A transaction of it reads, or with the execution option ``writes`` also writes. With ``patient``
    it waits as long as it takes: the limits of the URL are for calls of users.

    Raises:
        LedgerError: The URL gives an option that nobody knows.
    """
    check_options(place.url, {each.keyword.decode() for each in psycopg.pq.Conninfo.get_defaults()})
    engine = create_engine(
        place.url,
        poolclass=QueuePool,
        pool_size=place.pool_size,
        max_overflow=place.max_overflow,
        pool_timeout=place.pool_timeout,
        pool_recycle=place.pool_recycle,
        pool_use_lifo=True,
        connect_args=_DEFAULTS | {"autocommit": True} | dict(place.url.query),
        hide_parameters=True,  # what people said does not belong into a traceback
    )
    _engines[engine] = None

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, _args: object, given: dict[str, Any]) -> Any:
        made = _Connection.connect(**given)
        made.seconds = place.pool_timeout  # a pooler may have no free connection yet
        try:
            threshold = place.prepare_threshold
            if threshold is None:
                threshold = 0 if _is_pooled(made) else _PREPARED_AFTER
        except BaseException:
            made.close()
            raise
        made.prepare_threshold = threshold or None
        return made

    schema = engine.dialect.identifier_preparer.quote(place.schema)
    path = f"SET LOCAL search_path TO {schema}, public;"
    limits = (
        f"SET LOCAL statement_timeout TO {place.statement_timeout};"
        f"SET LOCAL lock_timeout TO {place.lock_timeout};"
        f"SET LOCAL idle_in_transaction_session_timeout TO {place.idle_timeout}"
    )
    none = "SET LOCAL statement_timeout TO 0;SET LOCAL lock_timeout TO 0"
    reads = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    writes = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
    answered = place.statement_timeout / 1_000 + _LATE_SECONDS if place.statement_timeout else None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        raw: Any = connection.connection.dbapi_connection
        raw.seconds = place.pool_timeout
        begin = writes if options.get("writes") else reads
        connection.exec_driver_sql(begin + path + (none if options.get("patient") else limits))
        raw.seconds = None if options.get("patient") else answered

    return engine


def waiting(seconds: float) -> Retrying:
    """Calls again what a server refused that will soon answer: one that is full, starts or ends."""
    return Retrying(
        retry=retry_if_exception(_is_refused),
        stop=stop_after_delay(seconds),
        wait=wait_random_exponential(multiplier=0.1, max=_LONGEST_PAUSE),
        reraise=True,
    )


@contextmanager
def begun(engine: Engine, seconds: float) -> Iterator[Connection]:
    """A connection in a transaction; a connection that was lost since its last one is replaced.

    Args:
        engine: The pool.
        seconds: To wait while the server is full or starts, or until a connection is free here.

    Raises:
        SQLAlchemyError: The database refused, or the connection was lost in between.
    """
    with ExitStack() as ending:

        def begin() -> Connection:
            try:
                return ending.enter_context(engine.begin())
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # On a new one: all that were open by now are given up.
                return ending.enter_context(engine.begin())

        yield waiting(seconds)(begin)


def _is_pooled(connection: _Connection) -> bool:
    """True where a pooler answers: it names another process at the other end than the server does.

    It may pass the next transaction to another session, which knows nothing of what was prepared.
    """
    found = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return found != (connection.pgconn.backend_pid,)


def _is_refused(error: BaseException) -> bool:
    """True for a server that may answer a moment later: it starts, ends, or is full."""
    return isinstance(error, OperationalError) and any(each in str(error.orig) for each in _REFUSED)
