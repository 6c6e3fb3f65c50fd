"""Copies and pickles of an open store: a copy is the same store, a pickled one opens its folder."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightmem_integrations.display import described
from lightmem_integrations.errors import StorageError
from lightmem_integrations.storage.postgresql.url import without_password

if TYPE_CHECKING:
    from typing_extensions import Self

    from lightmem_integrations.engine.store import Store


class Reopened:
    """Mixin of what a folder opens: shown by its path, the same if copied, reopened if unpickled.

    In the process that pickled it, the open store is shared. Another process can open the folder
    once this one has closed it; models come along as far as they can be pickled.
    """

    path: Path | None
    _store: Store
    _options: dict[str, Any]

    def __new__(cls, *_: Any, **options: Any) -> Self:  # noqa: D102 - called by Python
        made = super().__new__(cls)
        made._options = {name: each for name, each in options.items() if name != "path"}
        return made

    @property
    def place(self) -> str | None:
        """Where the store lies: its folder, or the URL of its database without the password."""
        if self._store.url is not None:
            return without_password(self._store.url)
        return None if self.path is None else str(self.path.absolute())

    def __repr__(self) -> str:
        place: dict[str, Any] = {"path": str(self.path)} if self.path else {"temporary": True}
        if self._store.url is not None:
            place = {"ledger": self._store.ledger.name}
        closed = True if self._store.closed else None
        return described(self, **place, embedder=self._store.embedder.name, closed=closed)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        place = self._store.url or self.path
        if place is None:
            raise StorageError(
                "A memory without a folder of its own cannot be pickled, as nobody else could open "
                "it. Give it one: LightMem('./memory')."
            )
        return functools.partial(type(self), **self._options), (place,)
