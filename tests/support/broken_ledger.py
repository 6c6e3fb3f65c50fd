"""A database that does not answer for a while."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from sqlalchemy import make_url

from folders_on_postgresql import url_opened
from lightmem_integrations import LightMem


@contextmanager
def broken_ledger(memory: LightMem) -> Iterator[None]:
    """The ledger of the memory loses its table of turns for a while."""
    if url := url_opened(memory):
        yield from _broken_in_postgresql(url)
        return
    assert memory.path is not None
    with closing(sqlite3.connect(memory.path / "ledger.sqlite", timeout=30)) as database:
        database.execute("PRAGMA legacy_alter_table = ON")
        database.execute("ALTER TABLE turns RENAME TO elsewhere")
        database.commit()
        yield
        database.execute("ALTER TABLE elsewhere RENAME TO turns")
        database.commit()


def _broken_in_postgresql(url: str) -> Iterator[None]:
    parsed = make_url(url)
    plain = parsed.set(drivername="postgresql", query={}).render_as_string(hide_password=False)
    schema = parsed.query["schema"]
    with psycopg.connect(plain, autocommit=True) as database:
        database.execute(f"ALTER TABLE {schema}.turns RENAME TO elsewhere")
        yield
        database.execute(f"ALTER TABLE {schema}.elsewhere RENAME TO turns")
