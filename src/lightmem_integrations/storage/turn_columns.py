"""Column store: all turns of one user in memory, as recall compares them.

Reading some 800 turns around the candidates from the ledger takes longer than all that is computed
of them. So the turns of a user who is asked about stay in memory, as `Turns`.

The vectors lie beside each other, in 8 bits a number, and all of them are compared. That takes less
time than Chroma's search for the 48 about nearest: measured on two busy cores with 4 bytes a
number, 0.2 against 1.4 ms for 1,000 turns, 1.1 against 1.8 ms for 10,000, but 13.5 against 8.5 ms
for 30,000. In 8 bits 10,000 took 1.0 ms where they took 0.7.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from lightmem_integrations.arrays import Rows, Vectors, objects
from lightmem_integrations.storage.packed_vectors import PackedVectors
from lightmem_integrations.storage.schema import vectors
from lightmem_integrations.storage.sql import select_in
from lightmem_integrations.storage.standing_turns import standing_turns, standing_vectors
from lightmem_integrations.storage.turn_filter import RowFilter
from lightmem_integrations.storage.turn_reads import Turns
from lightmem_integrations.storage.vector_bytes import packed_rows
from lightmem_integrations.text.answer_cues import answer_cues

BYTES_A_TURN = 850
"""Of a short turn without token vectors, to tell beforehand whether a user's turns will fit: 384
numbers of 1 byte, and a guess for the words."""

EXACT_UP_TO = 15_000
"""Vectors up to which comparing all of them is as quick as Chroma, by the times above; between
10,000 and 30,000 a guess."""

_ROW_BYTES = 200
"""Of a turn in all other columns: nine numbers of 8 bytes, seven references, and its cues."""

_FARTHEST = 1_000
"""Positions around a turn that can be asked for; far more than anybody does."""

_VECTORS = select(vectors.c.turn, vectors.c.vector, vectors.c.tokens)
_TOKENS = select(vectors.c.turn, vectors.c.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class TurnColumns:
    """All turns of one user that were not superseded, and their vectors.

    Attributes:
        revision: Of the user's turns, for which they hold.
        turns: The turns by session and position, without vectors; without token vectors too where
            these would not fit.
        keys: Session and position of each turn as one number, ascending.
        by_row: Places of the turns by ascending row.
        held: The vectors in the order in which they came, with room for more at the end.
        owners: Rows of the turns whose vectors they are.
        places: Place of each turn's vector among them, -1 for none.
        tokens_held: False where token vectors are read from the ledger.
        bytes: How many bytes of memory they take, about.
    """

    revision: int
    turns: Turns
    keys: NDArray[np.int64]
    by_row: NDArray[np.int64]
    held: PackedVectors
    owners: Rows
    places: NDArray[np.int64]
    tokens_held: bool
    bytes: int

    @classmethod
    def of(
        cls,
        revision: int,
        turns: Turns,
        held: PackedVectors,
        owners: Rows,
        *,
        tokens: bool,
        size: int,
    ) -> TurnColumns:
        """The columns of turns, in any order, and of vectors with their owners.

        Args:
            revision: Of the user's turns.
            turns: The turns.
            held: The vectors, and room for more.
            owners: Rows of the turns that these are of.
            tokens: Whether to hold the token vectors.
            size: Bytes of texts, terms and token vectors.
        """
        order = np.lexsort((turns.rows, turns.positions, turns.sessions))
        if not np.array_equal(order, np.arange(len(order))):
            turns = turns.take(order)
        nothing = np.zeros((len(turns), 0), np.float32)
        known = turns.tokens if tokens else np.full(len(turns), None, np.object_)
        session = np.cumsum(np.diff(turns.sessions, prepend=turns.sessions[:1]) > 0)
        by_row = np.argsort(turns.rows)
        places = np.full(len(turns), -1, np.int64)
        places[by_row[np.searchsorted(turns.rows, owners, sorter=by_row)]] = np.arange(len(owners))
        return cls(
            revision=revision,
            turns=replace(turns, vectors=nothing, tokens=known),
            keys=session * (int(turns.positions.max(initial=0)) + 2 * _FARTHEST) + turns.positions,
            by_row=by_row,
            held=held,
            owners=owners,
            places=places,
            tokens_held=tokens,
            bytes=size,
        )

    @property
    def last(self) -> int:
        """The greatest row of a turn."""
        return int(self.turns.rows[self.by_row[-1]]) if len(self.turns) else 0

    def nearest(self, vector: Vectors, limit: int, limits: RowFilter) -> list[int]:
        """Rows of the turns within limits whose vectors are nearest, nearest first."""
        rows = self.owners
        if not len(rows):
            return []
        similar = self.held.first(len(rows)).cosines(vector)
        if limits.allowed is not None or len(limits.excluded):
            within = limits.admits(rows)
            rows, similar = rows[within], similar[within]
        if limit < len(rows):
            least = np.partition(similar, len(rows) - limit)[len(rows) - limit]
            rows, similar = rows[similar >= least], similar[similar >= least]
        best: list[int] = rows[np.lexsort((rows, -similar))[:limit]].tolist()
        return best

    def neighbourhood(self, connection: Connection, rows: Collection[int], around: int) -> Turns:
        """The turns with these rows and those said up to ``around`` places before and after."""
        wanted = np.fromiter(rows, np.int64, len(rows))
        known = self.turns.rows[self.by_row]
        at = np.searchsorted(known, wanted)
        hits = self.keys[self.by_row[at[at < np.searchsorted(known, wanted, "right")]]]
        near = np.zeros(len(self.keys) + 1, np.int64)
        np.add.at(near, np.searchsorted(self.keys, hits - around, "left"), 1)
        np.add.at(near, np.searchsorted(self.keys, hits + around, "right"), -1)
        chosen = np.flatnonzero(np.cumsum(near[:-1]))
        found = self.turns.take(chosen)
        at = self.places[chosen]
        read = self.held.unpacked(at) if len(self.owners) else np.zeros((len(at), 0), np.float32)
        read[at < 0] = 0
        tokens = found.tokens
        if not self.tokens_held:
            there = found.rows.tolist()
            blobs = dict(map(tuple, select_in(connection, _TOKENS, vectors.c.turn, there)))
            tokens = objects([blobs.get(row) for row in there])
        return replace(found, vectors=read, tokens=tokens)


def read_columns(connection: Connection, user_row: int, revision: int, most: int) -> TurnColumns:
    """The columns of a user, without token vectors if they would take more bytes than ``most``."""
    turns = _with_cues(standing_turns(connection, user_row))
    owners, held = standing_vectors(connection, user_row, len(turns))
    turns.embedded[:] = np.isin(turns.rows, owners)
    size = _size(turns, tokens=True) + held.nbytes
    tokens = size <= most
    if not tokens:
        size = _size(turns, tokens=False) + held.nbytes
    return TurnColumns.of(revision, turns, held, owners, tokens=tokens, size=size)


def extended_columns(
    connection: Connection, user_row: int, old: TurnColumns, revision: int
) -> TurnColumns:
    """The columns with the turns and the vectors that were added since."""
    more = _with_cues(standing_turns(connection, user_row, after=old.last))
    newer, read = standing_vectors(connection, user_row, len(more), after=old.last)
    united = Turns.together([old.turns, more])
    waiting = old.turns.rows[old.turns.searchable & ~old.turns.embedded].tolist()
    late = {
        row: blobs
        for row, *blobs in select_in(
            connection, _VECTORS.where(vectors.c.user == user_row), vectors.c.turn, waiting
        )
    }
    rows, made = packed_rows((row, vector) for row, (vector, _) in late.items())
    if late:
        embedded = np.isin(united.rows, rows)
        found = [late[row][1] for row in united.rows[embedded].tolist()]
        united.tokens[embedded] = objects(found)
    owners = np.concatenate([old.owners, np.array(rows, np.int64), newer])
    united.embedded[:] = np.isin(united.rows, owners)
    held = _grown(old.held, len(old.owners), made, read.first(len(newer)))
    tokens = old.tokens_held
    size = old.bytes + _size(more, tokens=tokens) + held.nbytes - old.held.nbytes
    size += sum(sys.getsizeof(tokens) for _, tokens in late.values()) if tokens else 0
    return TurnColumns.of(revision, united, held, owners, tokens=tokens, size=size)


def _with_cues(turns: Turns) -> Turns:
    cues = [answer_cues(*each) for each in zip(turns.texts, turns.terms, strict=True)]
    return replace(turns, cues=objects(cues))


def _size(turns: Turns, *, tokens: bool) -> int:
    """Bytes of memory that turns take, about."""
    held = [*turns.texts, *turns.terms, *(turns.tokens if tokens else ())]
    return turns.vectors.nbytes + _ROW_BYTES * len(turns) + sum(map(sys.getsizeof, held))


def _grown(held: PackedVectors, used: int, *added: PackedVectors) -> PackedVectors:
    """The vectors with others behind those used; what was read from them before stays as it is."""
    for each in added:
        if not len(each):
            continue
        if used + len(each) > len(held) or held.width != each.width:
            # Room for an eighth more, so that growing costs linear time in all; a guess.
            larger = PackedVectors.zeros(used + len(each) + used // 8, each.width)
            if used:
                larger.put(0, held.first(used))
            held = larger
        held.put(used, each)
        used += len(each)
    return held
