"""Open stores of this process: whoever opens one a second time shares what is open.

A cell of a notebook that runs twice, two agents with one folder: each has a memory of its own,
closed by itself, and the last one to close lets the folder go.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

from lightmem_integrations.engine.embedder import StoreEmbedder
from lightmem_integrations.engine.indexer import Indexer
from lightmem_integrations.engine.tombstones import Tombstones
from lightmem_integrations.errors import StoreLockedError
from lightmem_integrations.safety import short_repr
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.column_cache import ColumnCache
from lightmem_integrations.storage.index import VectorIndex
from lightmem_integrations.storage.ledger import Ledger
from lightmem_integrations.storage.process_guard import ProcessGuard
from lightmem_integrations.storage.statement_cache import StatementCache

Place: TypeAlias = Path | str
"""Where a store lies: its folder, or its database."""


@dataclass(eq=False)
class OpenStore:
    """The parts of a store that all who opened it in one process share.

    Attributes:
        place: Its folder, or the name of its database.
        guard: Keeps other processes away from a folder, and forks from what is their parent's.
        ledger: The truth.
        index: What is searched.
        embedder: Makes the vectors.
        indexer: Keeps the index in step with the ledger.
        options: What it was opened with, by the names that a user knows.
        close_seconds: How long closing may wait for what is under way.
        columns: The turns of those asked about last, in memory.
        statements: The facts of those asked about last, in memory.
        tombstones: Of the last calls of ``forget``.
        users: Of each who opened it and did not close it yet, some object.
        closed: True once everything was let go.
        temporary: True if the folder goes with it.
    """

    place: Place
    guard: ProcessGuard
    ledger: Ledger
    index: VectorIndex
    embedder: StoreEmbedder
    indexer: Indexer
    options: Mapping[str, object]
    close_seconds: float
    columns: ColumnCache
    statements: StatementCache
    tombstones: Tombstones = field(default_factory=Tombstones)
    users: set[object] = field(default_factory=set)
    closed: bool = False
    temporary: bool = False

    def release(self, user: object, seconds: float | None = None) -> None:
        """Give one use back; the last one lets everything go.

        Interrupted, it does all but wait. Whatever it did not come to, the next call does.

        Args:
            user: Who gives it back; twice is fine.
            seconds: To wait for what is under way, instead of ``close_seconds``.
        """
        if not self.guard.is_this_process():
            return  # a forked child inherits this call; the store is still its parent's
        with _opening:
            self.users.discard(user)
            if self.users or self.closed:
                return
            for key in [key for key, store in _open.items() if store is self]:
                del _open[key]
        try:
            self.indexer.stop(self.close_seconds if seconds is None else seconds)
        finally:
            try:
                self.index.close()
            finally:
                self.columns.clear()
                self.statements.clear()
                self.ledger.close()
                self.guard.release()
        if self.temporary:
            shutil.rmtree(self.place, ignore_errors=True)
        self.closed = True


_open: dict[Place, OpenStore] = {}
_opening = threading.RLock()  # the collector may release a store while one is opened


def shared(
    place: Place, options: Mapping[str, object], opened: Callable[[], OpenStore], user: object
) -> OpenStore:
    """The open store at a place: the one that this process has already, or a new one.

    Args:
        place: Its folder, or the URL of its database.
        options: What it must have been opened with.
        opened: Opens it.
        user: Stands for whoever opens it.

    Raises:
        StoreLockedError: It is open with other options.
    """
    key = place.resolve() if isinstance(place, Path) else place
    with _opening:
        known = _open.get(key)
        if known is not None and known.users and known.guard.holds():
            _check_same(known, options)
            known.users.add(user)
            return known
        store = opened()
        store.users.add(user)
        _open[key] = store
        return store


def options_of(
    ledger: str | None, index: VectorIndex | None, embedder: str, settings: Settings
) -> dict[str, object]:
    """Identity of an opening: two of one folder must agree in it."""
    numbers = asdict(settings)
    numbers |= {f"consolidation.{name}": n for name, n in numbers.pop("consolidation").items()}
    named = {f"settings.{name}": value for name, value in numbers.items()}
    return {"ledger": ledger, "index": index, "embedder": embedder, **named}


def _check_same(known: OpenStore, options: Mapping[str, object]) -> None:
    differences = [
        f"{name} is {short_repr(known.options[name])} there and {short_repr(value)} here"
        for name, value in options.items()
        if known.options[name] != value
    ]
    if differences:
        raise StoreLockedError(
            f"The store {str(known.place)!r} is open in this process already, and "
            f"{'; '.join(differences)}. Use the memory that is open, or close it first "
            "(memory.close(); in a notebook, restart the kernel if its variable is gone)."
        )


def _forget_parent() -> None:
    """Forget the parent's open stores after a fork: they are not this process's to share."""
    global _opening  # noqa: PLW0603 - a thread of the parent may have held it
    _open.clear()
    _opening = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_forget_parent)
