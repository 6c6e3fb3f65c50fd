"""The access log: recalls of each episode, counted in memory and written when there is time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from lightmem_integrations.records.conversation import Hit
from lightmem_integrations.storage.episodes import note_access
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.users import memory_of_space, row_of


class AccessLog:
    """Access counts of episodes, part of the utility by which they are kept or dropped.

    A recall writes nothing. What a crash loses is a count, and the cost of that is that an episode
    seems a little less used than it was.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Counter[str]] = {}

    def note(self, user_id: str, hits: Iterable[Hit]) -> None:
        """Count the episodes of a recall's hits, each of them once, in the memory that it is of."""
        episodes = {
            (user_id if source.space is None else memory_of_space(source.space), source.episode_id)
            for source in (hit.source for hit in hits)
            if source.episode_id
        }
        with self._lock:
            for memory, episode in episodes:
                self._seen.setdefault(memory, Counter())[episode] += 1

    def noted(self) -> frozenset[str]:
        """Public ids of the episodes whose counts are not written yet."""
        with self._lock:
            return frozenset(episode for counts in self._seen.values() for episode in counts)

    def write(self, ledger: Ledger) -> None:
        """Add the counts to the ledger, unless that is only read, and begin anew.

        Raises:
            StorageError: The ledger cannot be written; the counts are lost.
        """
        with self._lock:
            seen, self._seen = self._seen, {}
        if not seen or ledger.read_only:
            return
        now = ledger.now()
        for user_id, counts in seen.items():  # who waits for one user holds up no other
            with ledger.write() as connection:
                note_access(connection, row_of(connection, user_id), counts, now)
