"""Where a ledger lies: a file, or the URL of one."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from lightmem_integrations.errors import LedgerError
from lightmem_integrations.safety import short_repr


def file_of(place: str | Path) -> Path:
    """The file of a ledger, given that or its URL.

    Raises:
        LedgerError: The URL is of no SQLite database.
    """
    if isinstance(place, Path):
        return place
    return Path(parsed_url(place).database or ":memory:").absolute()


def parsed_url(given: str) -> URL:
    """The URL of a ledger.

    Raises:
        LedgerError: It is none, or that of another database.
    """
    try:
        parsed = make_url(given)
    except ArgumentError as error:
        raise LedgerError(
            f"ledger={short_repr(given)} is no URL. "
            "Give one like sqlite:///path/to/ledger.sqlite, or a folder alone."
        ) from error
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise LedgerError(
            f"ledger= names a database of {parsed.drivername!r}, and a ledger is SQLite. "
            "Give a URL like sqlite:///path/to/ledger.sqlite, or a folder alone."
        )
    return parsed


def file_url(file: Path, *, read_only: bool) -> URL:
    """The URL of a file, put together from parts: whatever its name holds means nothing in it."""
    if not read_only:
        return URL.create("sqlite", database=str(file.absolute()))
    query = {"uri": "true", "mode": "ro"}
    if not (file.with_name(f"{file.name}-wal").exists() or os.access(file.parent, os.W_OK)):
        query["immutable"] = "1"  # SQLite makes files beside it even to read, and cannot there
    return URL.create("sqlite", database=file.absolute().as_uri(), query=query)
