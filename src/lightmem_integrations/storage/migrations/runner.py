"""Migration: the numbered steps of SQL that bring a new or an older ledger up to date."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.schema import CreateSchema

from lightmem_integrations.errors import LedgerError


def _steps(dialect: str) -> dict[int, str]:
    found = {
        int(file.name.split("_")[0]): file.read_text(encoding="utf-8")
        for file in (files(__package__) / dialect).iterdir()
        if file.name.endswith(".sql")
    }
    return dict(sorted(found.items()))


STEPS = {dialect: _steps(dialect) for dialect in ("sqlite", "postgresql")}
"""The SQL of each step by database: step n brings a ledger to version n, a new one to the first."""

VERSION = max(STEPS["sqlite"])
"""Version of a ledger that is up to date."""

LEAST = "least_version"
"""Under this name a ledger keeps the version of the oldest library that may use it. Steps only add
to what is there, so that old and new code run side by side while machines are upgraded; one that
does more says so by raising this number."""


def migrate(
    engine: Engine, target: int = VERSION, *, may_write: bool = True, schema: str | None = None
) -> None:
    """Bring a ledger to a version: a new one in one transaction, an older one in one for each step.

    However many processes do this at once, each step is taken once.

    Args:
        engine: The ledger's database.
        target: The version, by default today's.
        may_write: False for a ledger that can only be read, and must be of that version.
        schema: Of its tables, on PostgreSQL.

    Raises:
        LedgerError: The ledger was written by a newer version of this library; or by an older
            one, and cannot be written.
    """
    with engine.begin() as connection:
        version = _version(connection, schema)
        if version > VERSION:
            _check_usable(connection, version)
    if version < target and not may_write:
        raise LedgerError(
            f"The ledger is of version {version} and cannot be written here, so it cannot be "
            f"brought to version {target}. Open it once as a user who may write its folder."
        )
    steps = STEPS[engine.dialect.name]
    while version < target:
        # Looked at again under the lock: another process may have taken the step meanwhile.
        with engine.execution_options(writes=True, patient=True).begin() as connection:
            if schema is not None:
                _lock(connection, schema)
            version = _version(connection, schema)
            new = not version  # all or nothing of it
            while version < target:
                version = next((number for number in steps if number > version), target)
                _take(connection, version, steps.get(version, ""))  # some are of one database alone
                if not new:
                    break


def _lock(connection: Connection, schema: str) -> None:
    """Wait until nobody else migrates this schema, and make it where there is none.

    The lock ends with the transaction, in which nothing waits for other transactions to end, as
    an index that is made ``CONCURRENTLY`` does: so nobody can wait for each other.
    """
    locked = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    connection.execute(locked, {"name": f"lightmem migrates {schema}"})
    if not inspect(connection).has_schema(schema):  # else nobody needs the right to make one
        connection.execute(CreateSchema(schema))


def _version(connection: Connection, schema: str | None) -> int:
    if not inspect(connection).has_table("meta", schema):
        return 0
    found = connection.exec_driver_sql("SELECT value FROM meta WHERE name = 'version'").scalar()
    return int(found or 0)


def _check_usable(connection: Connection, version: int) -> None:
    found = connection.exec_driver_sql(f"SELECT value FROM meta WHERE name = '{LEAST}'").scalar()  # noqa: S608
    if int(found or version) > VERSION:
        raise LedgerError(
            f"The ledger is of version {version}; this library knows versions up to "
            f"{VERSION}. Update lightmem-integrations."
        )


def _take(connection: Connection, number: int, sql: str) -> None:
    if connection.dialect.name == "sqlite":
        for statement in sql.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    elif sql:
        connection.exec_driver_sql(sql)
    connection.execute(
        text(
            "INSERT INTO meta (name, value) VALUES ('version', :version)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"version": str(number)},
    )
