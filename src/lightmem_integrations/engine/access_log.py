"""The access log: recalls of each episode, counted in memory and written when there is time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable

from lightmem_integrations.records.conversation import Hit
from lightmem_integrations.storage.episodes import note_access
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.users import row_of


class AccessLog:
    """Access counts of episodes, part of the utility by which they are kept or dropped.

    A recall writes nothing. What a crash loses is a count, and the cost of that is that an episode
    seems a little less used than it was.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Counter[str]] = {}

    def note(self, user_id: str, hits: Iterable[Hit]) -> None:
        """Count the episodes of a recall's hits, each of them once."""
        episodes = {hit.source.episode_id for hit in hits if hit.source.episode_id}
        if episodes:
            with self._lock:
                self._seen.setdefault(user_id, Counter()).update(episodes)

    def write(self, ledger: Ledger) -> None:
        """Add the counts to the ledger, and begin anew.

        Raises:
            StorageError: The ledger cannot be written; the counts are lost.
        """
        with self._lock:
            seen, self._seen = self._seen, {}
        if not seen:
            return
        now = time.time()
        with ledger.write() as connection:
            for user_id, counts in seen.items():
                note_access(connection, row_of(connection, user_id), counts, now)
