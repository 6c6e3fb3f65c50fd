"""Cache of one user's facts in a run of consolidation, by their blocking key and meaning."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.facts import StoredFact, read_facts, revision_of
from lightmem_integrations.storage.index import cosines
from lightmem_integrations.storage.knowledge_vectors import vectors_of_facts

Key = tuple[str, str, str]
"""Blocking key of record linkage: facts that may contradict or duplicate each other share it."""

_MARGIN = 8
"""More facts that are looked at, as some of the nearest are superseded: a guess."""


def blocking_key(subject_key: str, attribute_key: str, value_key: str, *, single: bool) -> Key:
    """Blocking key: facts that may contradict or duplicate each other share it.

    Of a thing that has one value at a time, all values; of what has many, only the same value:
    "Ann likes ..." would grow without end.
    """
    return subject_key, attribute_key, "" if single else value_key


def blocking_key_of(fact: StoredFact) -> Key:
    """The blocking key of a fact."""
    return blocking_key(fact.subject_key, fact.attribute_key, fact.value_key, single=fact.single)


class FactCache:
    """Cache of a user's facts that stand, brought up to date by what changed since.

    Held for one run of consolidation: the run's cost grows with what is new, not with what is
    known.

    Args:
        user_row: Whose facts.
    """

    def __init__(self, user_row: int) -> None:
        self.user_row = user_row
        self.revision = 0
        self._facts: dict[int, StoredFact] = {}
        self._by_key: dict[Key, set[int]] = {}
        self._places: dict[int, int] = {}
        self._rows: list[int] = []
        self._matrix: Vectors = np.zeros((0, 0), np.float32)

    def refresh(self, connection: Connection) -> None:
        """Read what changed since the last time."""
        revision, erased = revision_of(connection, self.user_row)
        if erased > self.revision or revision < self.revision:
            self.__init__(self.user_row)  # type: ignore[misc]  # some of it was erased: begin anew
        if revision == self.revision:
            return
        changed = read_facts(
            connection, self.user_row, after_revision=self.revision, retracted=True
        )
        for fact in changed:
            self._put(fact)
        missing = [fact.row for fact in changed if fact.row not in self._places]
        self._append(*vectors_of_facts(connection, self.user_row, missing))
        self.revision = revision

    def about(self, key: Key) -> list[StoredFact]:
        """Facts of that blocking key, in the order in which they were recorded."""
        return [self._facts[row] for row in sorted(self._by_key.get(key, ()))]

    def fact(self, row: int) -> StoredFact | None:
        """The fact of a row; ``None`` if it does not stand any more."""
        return self._facts.get(row)

    def nearest_to_any(self, vectors: Sequence[Vectors], count: int) -> list[StoredFact]:
        """Facts in force that mean most nearly the same as some of these texts, nearest first.

        The nearest of each text, then the second nearest of each: one text that is near to much
        does not take the places of the others.
        """
        each = [self.nearest(vector, count) for vector in vectors]
        found: dict[int, StoredFact] = {}
        for ranked in zip_longest(*each):
            together = [near for near in ranked if near is not None]
            for fact, _ in sorted(together, key=lambda near: -near[1]):
                if len(found) < count:
                    found.setdefault(fact.row, fact)
        return list(found.values())

    def nearest(self, vector: Vectors, count: int) -> list[tuple[StoredFact, float]]:
        """Facts that stand and mean most nearly the same, with their cosine, nearest first."""
        if not self._rows or self._matrix.shape[1] != len(vector):
            return []
        similar = cosines(self._matrix[: len(self._rows)], vector)
        best = np.argsort(-similar, kind="stable")[: count + _MARGIN]
        found = [
            (self._facts[self._rows[place]], float(similar[place]))
            for place in best
            if self._rows[place] in self._facts
        ]
        return [each for each in found if each[0].superseded_by is None][:count]

    def _put(self, fact: StoredFact) -> None:
        before = self._facts.pop(fact.row, None)
        if before is not None:
            self._by_key[blocking_key_of(before)].discard(fact.row)
        if fact.retracted_at is None:
            self._facts[fact.row] = fact
            self._by_key.setdefault(blocking_key_of(fact), set()).add(fact.row)

    def _append(self, rows: Sequence[int], vectors: Vectors) -> None:
        if not rows:
            return
        count = len(self._rows)
        if count + len(rows) > len(self._matrix) or self._matrix.shape[1] != vectors.shape[1]:
            # Twice as long each time, so that growing costs linear time in all.
            larger: Vectors = np.zeros((2 * (count + len(rows)), vectors.shape[1]), np.float32)
            if self._matrix.shape[1] == vectors.shape[1]:
                larger[:count] = self._matrix[:count]
            self._matrix = larger
        self._matrix[count : count + len(rows)] = vectors
        self._places |= {row: count + place for place, row in enumerate(rows)}
        self._rows += rows
