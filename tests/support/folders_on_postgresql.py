"""The suites on PostgreSQL, their bodies untouched: where a test opens a folder, a schema opens.

A folder has a schema of its own, found again by its path; a temporary store has a new one.
"""

import functools
import hashlib
import os
import time
import uuid
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.sqlite.folder import folder_of

DATABASE = "LIGHTMEM_TEST_DATABASE"
"""Name of the environment variable with the URL of the database that the schemas lie in."""


def schema_of(folder: str | os.PathLike[str] | None) -> str:
    if folder is None:
        return f"none_{uuid.uuid4().hex}"
    whole = str(Path(folder).expanduser().resolve())
    return f"folder_{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def url_of(folder: str | os.PathLike[str] | None, **settings: str) -> str:
    """URL of the schema in place of the folder, or of the file of a ledger."""
    query = {"schema": schema_of(folder)} | settings
    url = make_url(os.environ[DATABASE]).update_query_dict(query)
    return url.render_as_string(hide_password=False)


_opened: "WeakKeyDictionary[Any, str]" = WeakKeyDictionary()


def in_place_of_folders(facade: Any) -> None:
    """Makes the class open the schema that belongs to a folder, where it is given a folder.

    The folder is made as well, with an empty file where the ledger would be, and is the memory's
    ``path``: so commands that look for a store find one. A file given as the ledger has its own
    schema, and as on SQLite each who opens it has connections of its own.
    """
    init = facade.__init__

    @functools.wraps(init)
    def open_schema(self: Any, path: Any = None, **options: Any) -> None:
        ledger = options.get("ledger")
        if isinstance(ledger, str) and ledger.startswith("sqlite:///"):
            del options["ledger"]
            url = url_of(ledger.removeprefix("sqlite:///"), application_name=uuid.uuid4().hex)
        elif ledger is None and _is_folder(path):
            url = url_of(path)
        else:
            init(self, path, **options)
            return
        init(self, url, **options)
        _opened[self] = url
        if path is not None:
            self.path = folder_of(path)
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "ledger.sqlite").touch()

    facade.__init__ = open_schema
    _let_tests_move_the_clock()


def _let_tests_move_the_clock() -> None:
    """Schemas in place of folders go by ``time.time`` where a test has changed that."""
    now, real = PostgresLedger.now, time.time

    def moved(self: PostgresLedger) -> float:
        stands_in = "schema=folder_" in self.name or "schema=none_" in self.name
        return now(self) + (time.time() - real() if stands_in and time.time is not real else 0.0)

    PostgresLedger.now = moved


def url_opened(memory: Any) -> str | None:
    """URL of the schema that a memory opened; ``None`` where it opened a folder."""
    return _opened.get(memory)


def _is_folder(path: Any) -> bool:
    return path is None or (
        isinstance(path, str | os.PathLike) and "://" not in str(path) and path != ""
    )


def schemas(url: str) -> set[str]:
    """Schemas in the database that stand in for folders."""
    with _connected(url) as database:
        found = database.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(none|folder)_'"
        ).fetchall()
    return {name for (name,) in found}


def drop_schemas(url: str, names: set[str]) -> None:
    with _connected(url) as database:
        for name in names:  # one transaction each: a lock for each table and index
            database.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def _connected(url: str) -> psycopg.Connection:
    plain = make_url(url).set(drivername="postgresql", query={})
    return psycopg.connect(
        plain.render_as_string(hide_password=False),
        autocommit=True,
        options="-c lock_timeout=20s -c client_min_messages=warning",
    )
