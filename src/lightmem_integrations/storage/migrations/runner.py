"""Migration: the numbered steps of SQL that bring a new or an older ledger up to date."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import Connection, Engine, inspect

from lightmem_integrations.errors import LedgerError

STEPS = [
    file.read_text(encoding="utf-8")
    for file in sorted(
        (file for file in files(__package__).iterdir() if file.name.endswith(".sql")),
        key=lambda file: int(file.name.split("_")[0]),
    )
]
"""The SQL of each step: step n brings a ledger from version n - 1 to n."""

VERSION = len(STEPS)
"""Version of a ledger that is up to date."""


def migrate(engine: Engine, target: int = VERSION, *, may_write: bool = True) -> None:
    """Bring a ledger to a version, each step in a transaction of its own.

    Args:
        engine: The ledger's database.
        target: The version, by default today's.
        may_write: False for a ledger that can only be read, and must be of that version.

    Raises:
        LedgerError: The ledger was written by a newer version of this library; or by an older
            one, and cannot be written.
    """
    with engine.begin() as connection:
        version = _version(connection)
    if version > VERSION:
        raise LedgerError(
            f"The ledger is of version {version}; this library knows versions up to "
            f"{VERSION}. Update lightmem-integrations."
        )
    if version < target and not may_write:
        raise LedgerError(
            f"The ledger is of version {version} and cannot be written here, so it cannot be "
            f"brought to version {target}. Open it once as a user who may write its folder."
        )
    while version < target:
        # Looked at again under the lock: another process may have taken the step meanwhile.
        with engine.execution_options(writes=True).begin() as connection:
            version = _version(connection)
            if version < target:
                version += 1
                _take(connection, version)


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table("meta"):
        return 0
    found = connection.exec_driver_sql("SELECT value FROM meta WHERE name = 'version'").scalar()
    return int(found or 0)


def _take(connection: Connection, number: int) -> None:
    for statement in STEPS[number - 1].split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        "INSERT INTO meta (name, value) VALUES ('version', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (str(number),),
    )
