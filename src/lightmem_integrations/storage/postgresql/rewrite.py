"""Rewriting of tables and log, so that what was deleted is left in no file of the database.

PostgreSQL keeps deleted rows until a vacuum, their bytes in the pages until something is written
over them, and all that was ever written in its log for a while. ``VACUUM FULL`` writes a table and
its indexes anew; the log goes on in a new file, and those kept for later use are written over. Each
is done as far as rights, sizes and others who are at work let it.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from lightmem_integrations.storage.postgresql.url import PostgresUrl

_PAUSE = 0.05  # seconds between two tries to get a table for oneself: a guess

_MOST_LOG_FILES = 16
"""Files of the log, of 16 MB, that are written over for one erasure at most: a guess, three times
what a server at rest keeps (``min_wal_size``)."""

_TABLES = """
SELECT c.oid::regclass::text, c.relname, pg_total_relation_size(c.oid), pg_relation_filenode(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND pg_table_size(c.oid) > 0
"""
_SEEN = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND pid <> pg_backend_pid() AND age(backend_xmin) > age(%s::xid)
"""
_LOG_FILES = "SELECT name FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"


def rewrite_tables(engine: Engine, place: PostgresUrl) -> tuple[list[str], list[str]]:
    """Write the schema's tables anew.

    A table of more than ``rewrite_mebibytes`` is only vacuumed: nobody can use one that is being
    rewritten.

    Returns:
        Names of the tables that somebody kept from it, and of those that are too large.
    """
    busy, large = [], []
    until = time.monotonic() + (place.lock_timeout or 10_000) / 1_000
    with closing(engine.raw_connection()) as pooled:
        raw: Any = pooled.driver_connection
        raw.seconds = None
        mark = raw.execute("SELECT pg_current_xact_id()::xid::text").fetchone()[0]
        while raw.execute(_SEEN, [mark]).fetchone()[0] and time.monotonic() < until:
            time.sleep(_PAUSE)
        seen = raw.execute(_SEEN, [mark]).fetchone()[0]  # what others read is kept for them
        for _, name, size, node in raw.execute(_TABLES, [place.schema]).fetchall():
            table = sql.Identifier(place.schema, name)
            if place.rewrite_mebibytes and size > place.rewrite_mebibytes * 2**20:
                raw.execute(sql.SQL("VACUUM {}").format(table))
                large.append(name)
                continue
            command = sql.SQL("VACUUM (FULL, SKIP_LOCKED) {}").format(table)
            node_of = sql.SQL("SELECT pg_relation_filenode({}::regclass)").format(
                sql.Literal(table.as_string(raw))
            )
            raw.execute(command)
            while (kept := raw.execute(node_of).fetchone()[0] == node) and time.monotonic() < until:
                time.sleep(_PAUSE)
                raw.execute(command)
            if kept or seen:
                busy.append(name)
    return busy, large


def rewrite_log(engine: Engine) -> bool:
    """Write over the server's log as far as it is needed no more; returns whether all of it was.

    Takes the rights of a superuser, and a log that nobody else keeps.
    """
    with closing(engine.raw_connection()) as pooled:
        raw: Any = pooled.driver_connection
        raw.seconds = None
        try:
            raw.execute("SELECT pg_switch_wal()")
            raw.execute("CHECKPOINT")
            (current,) = raw.execute(
                "SELECT pg_walfile_name(pg_current_wal_insert_lsn())"
            ).fetchone()
            files = sorted(name for (name,) in raw.execute(_LOG_FILES).fetchall())
            later = [name for name in files if name > current]
            for _ in range(min(len(later), _MOST_LOG_FILES) + 1):  # to the end of the last one
                raw.execute("SELECT pg_logical_emit_message(false, 'lightmem', '')")
                raw.execute("SELECT pg_switch_wal()")
        except psycopg.Error:  # may not
            return False
    return len(later) <= _MOST_LOG_FILES and files[0] >= current


def copied_elsewhere(engine: Engine) -> bool:
    """True where an archive, a replica or a subscriber gets what the log says."""
    with closing(engine.raw_connection()) as pooled:
        raw: Any = pooled.driver_connection
        asked = "SELECT current_setting('archive_mode') <> 'off' OR EXISTS (SELECT FROM {})"
        return any(
            raw.execute(asked.format(view)).fetchone()[0]
            for view in ("pg_stat_replication", "pg_replication_slots")
        )
