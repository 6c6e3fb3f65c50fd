"""The store's secret: with it, ids are hashed that leave the store, in telemetry."""

from __future__ import annotations

import secrets

from lightmem_integrations.storage.ledger import Ledger, claim_meta

_SECRET = "telemetry.secret"  # noqa: S105 - its name
_BYTES = 32


def secret_of(ledger: Ledger) -> bytes:
    """The secret of a store, made when it is first asked for; the same in all its processes.

    Without it, a hash of an id could be undone by hashing all ids that somebody may have. A ledger
    that is only read and has none yet gets one that this process keeps to itself.

    Raises:
        StorageError: The ledger does not answer.
    """
    kept = ledger.get(_SECRET)
    if kept is None and ledger.read_only:
        return secrets.token_bytes(_BYTES)
    if kept is None:
        with ledger.write() as connection:
            kept = claim_meta(connection, _SECRET, secrets.token_hex(_BYTES))
    return bytes.fromhex(kept)
