"""URLs of ledgers in PostgreSQL: the database, and the numbers with which it is used."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from lightmem_integrations.errors import LedgerError

if TYPE_CHECKING:  # `lightmem --help` asks only whether something is a URL
    from sqlalchemy import URL

_DRIVER = "postgresql+psycopg"
_LONGEST_NAME = 63  # bytes of a name in PostgreSQL (NAMEDATALEN)


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """Where a ledger in PostgreSQL is, and how it is used; every field but one is in the URL.

    Attributes:
        url: Of the database, with what libpq reads in it.
        schema: In which the tables are; made if need be.
        pool_size: Connections kept open by this process.
        max_overflow: Further ones while many threads ask at once.
        pool_timeout: Seconds that a thread waits for one of them, and while the server is full or
            starts.
        pool_recycle: Seconds after which one is replaced: before a firewall forgets it.
        statement_timeout: Milliseconds that a statement may take; 0 for no limit.
        lock_timeout: Milliseconds to wait for another writer of the same user; 0 for no limit.
        idle_timeout: Milliseconds after which the server gives up a transaction of which it hears
            nothing more, such as that of a machine that lost its network; 0 for never.
        rewrite_mebibytes: Tables up to this size are written anew by an erasure that purges, while
            nobody can use them; larger ones are only vacuumed. 0 for any size.
        prepare_threshold: Times that a statement is run before the server keeps it prepared; 0 for
            never, as PgBouncer before 1.22 needs it in transaction mode. ``None``: psycopg's 5,
            and never where a pooler stands between.
    """

    url: URL
    # Guesses, all of them, but for what `docs/scaling.md` measured.
    schema: str = "lightmem"
    pool_size: int = 5
    max_overflow: int = 10
    pool_timeout: int = 30
    pool_recycle: int = field(default=1_800)
    statement_timeout: int = 60_000
    lock_timeout: int = 10_000
    idle_timeout: int = 60_000
    rewrite_mebibytes: int = 128  # about a second
    prepare_threshold: int | None = None

    @property
    def name(self) -> str:
        """For people: the database and the schema, without a password."""
        shown = self.url.set(query={}).render_as_string(hide_password=True)
        return f"{shown}?schema={self.schema}"


def is_postgres_url(given: object) -> bool:
    """True for what is meant as the URL of a PostgreSQL database, and not as a folder."""
    scheme = given.partition("://")[0] if isinstance(given, str) and "://" in given else ""
    return scheme.partition("+")[0] in {"postgresql", "postgres"}


def without_password(given: str) -> str:
    """The URL of a database as it may be written down: libpq finds the password elsewhere.

    In the environment variable ``PGPASSWORD``, or in the file ``.pgpass``.
    """
    from sqlalchemy import URL, make_url

    url = make_url(given)
    parts = {name: getattr(url, name) for name in ("username", "host", "port", "database", "query")}
    return URL.create(url.drivername, **parts).render_as_string()


def postgres_url(given: str) -> PostgresUrl:
    """Read a URL.

    Raises:
        LedgerError: It is none, or an option in it makes no sense.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise LedgerError(
            "The URL of the PostgreSQL database cannot be read. Give one like "
            f"{_DRIVER}://user:password@host:5432/database; characters such as @ and / in a "
            "password are written as %40 and %2F."
        ) from error
    if url.drivername not in {"postgresql", "postgres", _DRIVER}:
        raise LedgerError(
            f"The URL names the driver {url.drivername!r}; the ledger uses psycopg. "
            f"Give one like {_DRIVER}://user:password@host:5432/database."
        )
    for name, value in url.query.items():
        if not isinstance(value, str):
            raise LedgerError(
                f"The URL of the database gives {name!r} {len(value)} times; give it once, and "
                "several hosts and ports as host=a,b&port=5432,5433."
            )
    query = dict(url.query)
    own: dict[str, Any] = {
        each.name: query.pop(each.name) for each in fields(PostgresUrl) if each.name in query
    }
    if own.pop("url", None) is not None:
        raise LedgerError("The URL of the database holds a parameter 'url', which means nothing.")
    read = PostgresUrl(url.set(drivername=_DRIVER, query=query))
    return replace(read, **{name: _read(name, value) for name, value in own.items()})


def check_options(url: URL, libpq: Collection[str]) -> None:
    """Refuse a misspelled name in a URL.

    Args:
        url: Without our own options.
        libpq: The names of its options.

    Raises:
        LedgerError: Neither we nor libpq know one.
    """
    own = [each.name for each in fields(PostgresUrl) if each.name != "url"]
    for name in url.query:
        if name not in libpq:
            near = get_close_matches(name.lower(), [*own, *libpq], 1)
            meant = f" Is {near[0]!r} meant?" if near else ""
            raise LedgerError(
                f"The URL of the database gives {name!r}, which is no option of this library nor "
                f"of libpq.{meant}"
            )


def _read(name: str, value: str) -> Any:
    if name == "schema":
        if value and len(value.encode()) <= _LONGEST_NAME and "\0" not in value:
            return value
        reason = f"must be the name of a schema, of 1 to {_LONGEST_NAME} bytes"
    elif value.isascii() and value.isdigit():
        least = 1 if name in {"pool_size", "pool_timeout", "pool_recycle"} else 0
        if least <= int(value) < 2**31:
            return int(value)
        reason = f"must be a whole number from {least} to {2**31 - 1}"
    else:
        reason = "must be one whole number"
    raise LedgerError(f"{name}={value!r} in the URL of the database {reason}.")
