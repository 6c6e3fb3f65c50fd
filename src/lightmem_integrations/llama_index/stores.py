"""Open stores by a name that JSON can hold: a saved memory finds its own again.

Workflows save their memory as JSON and read it back at every re-use of a context. JSON cannot
hold an open store, so it holds the store's name, and this process knows the store by that name.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from pydantic import TypeAdapter

from lightmem_integrations.errors import ForkedProcessError, StorageError, StoreClosedError
from lightmem_integrations.lightmem import LightMem, open_memories
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.postgresql.url import is_postgres_url, without_password

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_by_name: WeakValueDictionary[str, LightMem] = WeakValueDictionary()
_names: WeakKeyDictionary[LightMem, str] = WeakKeyDictionary()
# A store opened here belongs to nobody else: it stays open until the process ends, since another
# part of the program may hold its name.
_opened: dict[str, LightMem] = {}


def store_name(store: LightMem) -> str:
    """The name by which this process finds an open store again."""
    with _lock:
        name = _names.setdefault(store, uuid.uuid4().hex)
        _by_name[name] = store
        return name


def opened(
    path: str | os.PathLike[str], settings: Settings | Mapping[str, Any] | None = None
) -> LightMem:
    """The store at a place: the one that is open in this process, or opened now."""
    place = without_password(str(path)) if is_postgres_url(path) else _folder(path)
    numbers = None if settings is None else TypeAdapter(Settings).validate_python(settings)
    with _lock:
        for store in list(open_memories):
            there = None if store.path is None else _folder(store.path)
            if place in {there, store.place} and is_usable(store):
                _tell_differences(store.settings, numbers)
                return store
        _opened[place] = LightMem(str(path) if is_postgres_url(path) else place, settings=numbers)
        return _opened[place]


def _folder(path: str | os.PathLike[str]) -> str:
    return str(Path(path).expanduser().resolve())


def _tell_differences(there: Settings, saved: Settings | None) -> None:
    used = asdict(there)
    differences = [
        f"{name} is {used[name]!r} there and {value!r} here"
        for name, value in ({} if saved is None else asdict(saved)).items()
        if used[name] != value
    ]
    if differences:
        logger.warning(
            "A saved memory uses the store that is open, with its settings, not with the saved "
            "ones: %s. Open it with those, or save the memory anew.",
            "; ".join(differences),
        )


def is_usable(store: LightMem) -> bool:
    """True for a store that is open, in this process."""
    try:
        # Adding nothing checks the store without reading it: this may run on an event loop.
        store.add([], user_id="-")
    except (StoreClosedError, ForkedProcessError):
        return False
    return True


def found(
    name: str | None,
    path: str | os.PathLike[str] | None,
    settings: Settings | Mapping[str, Any] | None = None,
) -> LightMem:
    """The store that a saved memory belongs to.

    Args:
        name: Its name in this process, from ``store_name``.
        path: Its folder, or the URL of its database, if it has one.
        settings: What it is opened with, if it is not open.

    Raises:
        StorageError: It lived in memory only and is gone, or was closed.
    """
    store = _by_name.get(name) if name else None
    if store is not None and is_usable(store):
        return store
    if path is not None:
        if name is not None and settings is not None:
            logger.info(
                "A saved memory looks for its store in %s. If that needs an embedder, a reranker "
                "or a model of its own, open it with LightMem(...) first.",
                path,
            )
        return opened(path, settings)
    raise StorageError(
        "The store of this saved memory was held in memory only and is gone. Give the restored "
        "memory a store with a folder or a database: LightMem('./memory')."
    )
