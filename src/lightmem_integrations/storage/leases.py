"""Leases: who consolidates a user's memory at the moment, and until when."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from lightmem_integrations.storage.schema_consolidation import leases


def take_lease(
    connection: Connection, user_row: int, worker: str, *, now: float, seconds: float
) -> bool:
    """Take the lease on a user, or renew one's own.

    The lease of a worker that died runs out by itself.

    Args:
        connection: Of a write transaction.
        user_row: Whose memory.
        worker: Who takes it; a name that no other worker has.
        now: The time, in seconds since 1970.
        seconds: How long it is held without being renewed.

    Returns:
        Whether the worker has it now; ``False`` while another one holds it.
    """
    query = select(leases).where(leases.c.user == user_row).with_for_update()
    held = connection.execute(query).first()
    if held is None:
        connection.execute(insert(leases).values(user=user_row, worker=worker, until=now + seconds))
        return True
    if held.worker != worker and held.until > now:
        return False
    connection.execute(
        update(leases).where(leases.c.user == user_row).values(worker=worker, until=now + seconds)
    )
    return True


def holds_lease(connection: Connection, user_row: int, worker: str) -> bool:
    """Whether nobody else took the lease since; one that ran out unnoticed still counts."""
    query = select(leases.c.worker).where(leases.c.user == user_row)
    return connection.execute(query).scalar() == worker


def drop_lease(connection: Connection, user_row: int, worker: str) -> None:
    """Give one's lease back."""
    connection.execute(delete(leases).where(leases.c.user == user_row, leases.c.worker == worker))
