"""Which episodes came back from recalls: counted in memory, written when there is time for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from lightmem_integrations.records.conversation import Hit
from lightmem_integrations.storage.episodes import note_access
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.users import find_user


class AccessLog:
    """Counts for the utility by which episodes are kept or dropped.

    A recall writes nothing. What a crash loses is a count, and the cost of that is that an episode
    seems a little less used than it was.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, dict[str, int]] = {}

    def note(self, user_id: str, hits: Iterable[Hit]) -> None:
        """These hits came back to this user; each episode counts once."""
        episodes = {each.source.episode_id for each in hits if each.source.episode_id}
        if not episodes:
            return
        with self._lock:
            counts = self._seen.setdefault(user_id, {})
            for each in episodes:
                counts[each] = counts.get(each, 0) + 1

    def write(self, ledger: Ledger) -> None:
        """Add what was counted to the ledger.

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
                user = find_user(connection, user_id)
                if user is not None:
                    note_access(connection, user.row, counts, now)
