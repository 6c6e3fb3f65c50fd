"""All turns of a user that were not superseded, as columns that stay in memory.

In portions, and vectors apart: what is read and let go would leave holes between what is kept, of
16 MiB with 10,000 turns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, bindparam

from lightmem_integrations.arrays import Rows
from lightmem_integrations.storage.expressions import unindexed
from lightmem_integrations.storage.packed_vectors import PackedVectors
from lightmem_integrations.storage.schema import turns, vectors
from lightmem_integrations.storage.turn_reads import COLUMNS, Turns, as_columns, beside_vectors
from lightmem_integrations.storage.turns import stands
from lightmem_integrations.storage.vector_bytes import packed_rows

_PORTION = 500  # rows read at once: 200 took as much memory, 1,000 took 2 MiB more


def standing_turns(connection: Connection, user_row: int, after: int = 0) -> Turns:
    """All turns of a user that were not superseded, of those with a row greater than ``after``.

    Without vectors, which `standing_vectors` reads.
    """
    found = connection.execute(_STANDING, {"user": user_row, "after": after})
    return Turns.together([as_columns([]), *map(as_columns, found.partitions(_PORTION))])


def standing_vectors(
    connection: Connection, user_row: int, most: int, after: int = 0
) -> tuple[Rows, PackedVectors]:
    """Vectors of the turns that `standing_turns` reads.

    Args:
        connection: The same read transaction on the ledger.
        user_row: Whose.
        most: How many turns these are.
        after: Only of turns with a greater row.

    Returns:
        Rows of the turns that have a vector; and their vectors, with room for ``most``.
    """
    found = connection.execute(_STANDING_VECTORS, {"user": user_row, "after": after})
    owners: list[int] = []
    held = PackedVectors.zeros(0, 0)
    for portion in found.partitions(_PORTION):
        rows, read = packed_rows(portion)
        if not owners:
            held = PackedVectors.zeros(most, read.width)
        held.put(len(owners), read)
        owners += rows
    return np.array(owners, np.int64), held


def _standing(*columns: ColumnElement[Any]) -> Select[Any]:
    # SQLite is kept from walking everybody's newer rows instead of this user's.
    newer = unindexed(turns.c.id) > bindparam("after")
    return beside_vectors(*columns).where(turns.c.user == bindparam("user"), newer, stands())


_STANDING = _standing(*COLUMNS)
_STANDING_VECTORS = _standing(turns.c.id, vectors.c.vector).where(vectors.c.vector.is_not(None))
