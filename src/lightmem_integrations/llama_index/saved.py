"""A memory that is written down and read back: as JSON, pickled, copied."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from weakref import WeakValueDictionary

from llama_index.core.memory import BaseMemory
from pydantic import Field, PrivateAttr
from typing_extensions import Self

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.llama_index import stores
from lightmem_integrations.llama_index.failures import OnError

_alive: WeakValueDictionary[str, SavedMemory] = WeakValueDictionary()


class SavedMemory(BaseMemory):
    """The part of a memory that finds its store, and itself, again.

    Attributes:
        path: Folder of the store, or URL of its database without a password; ``None`` if it has
            neither.
        settings: The store's.
        store: Its name in this process.
        instance: The memory's own name in this process.
    """

    path: str | None = None
    settings: dict[str, Any] = Field(repr=False)
    store: str = Field(repr=False)
    instance: str = Field(repr=False)

    _memory: LightMem = PrivateAttr()
    _tokenizer_fn: Callable[[str], Sequence[Any]] = PrivateAttr()
    _on_error: OnError | None = PrivateAttr()

    @property
    def memory(self) -> LightMem:
        """The open store."""
        return self._memory

    @property
    def tokenizer_fn(self) -> Callable[[str], Sequence[Any]]:
        """Text to tokens; chat engines measure their system prompt with it."""
        return self._tokenizer_fn

    def keep_findable(self) -> None:
        """Let `from_dict` find this very object while it is alive."""
        _alive[self.instance] = self

    def to_string(self) -> str:
        """The result of ``to_dict``, as text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_string(cls, text: str) -> Self:
        """The memory that was saved with ``to_string``; see ``from_dict``."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """The memory that was saved with ``to_dict``.

        In the process that saved it, this is the very same object while it is alive. Elsewhere
        its folder is opened again.

        Args:
            data: What ``to_dict`` returned.
            kwargs: Arguments that replace saved ones.

        Raises:
            StorageError: The store was held in memory only and is gone.
        """
        saved = {key: value for key, value in data.items() if key != "class_name"} | kwargs
        alive = _alive.get(saved.get("instance", ""))
        if alive is not None:
            same = alive.to_dict() == saved | {"class_name": cls.class_name()}
            if same and stores.is_usable(alive.memory):
                return cast("Self", alive)
            saved.pop("instance")
        if "memory" in kwargs:
            saved |= {"path": None, "store": None}
        return cls(**saved)

    def model_copy(
        self,
        *,
        update: Mapping[str, Any] | None = None,
        deep: bool = False,  # noqa: ARG002 - pydantic's
    ) -> Self:
        """The memory itself; with ``update``, another one of the same store."""
        if not update:
            return self
        own: dict[str, Any] = {"memory": self._memory, "path": None, "instance": None}
        own |= {"settings": None, "tokenizer_fn": self._tokenizer_fn, "on_error": self._on_error}
        return type(self)(**dict(self) | own | dict(update))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in type(self).model_fields:
            raise InvalidRequestError(
                f"{name} of a LightMemMemory cannot be changed, since it has begun a conversation. "
                f"Make another one: memory.model_copy(update={{{name!r}: ...}})."
            )
        super().__setattr__(name, value)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_dict, (self.to_dict(),)
