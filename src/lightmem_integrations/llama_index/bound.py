"""A memory class that knows its user, for ``memory_cls=`` of chat engines."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from llama_index.core.memory import BaseMemory

from lightmem_integrations.safety import check_known, check_user_id

_Memory = TypeVar("_Memory", bound=BaseMemory)


def bound_to(memory_class: type[_Memory], defaults: Mapping[str, Any]) -> type[_Memory]:
    """The class with these arguments for ``from_defaults``, which chat engines call.

    Raises:
        ScopeError: ``user_id`` is not among them, or is not a valid one.
        InvalidRequestError: One of them is not known.
    """
    check_user_id(defaults.get("user_id"))
    takes = (memory_class.__init__, memory_class.from_defaults)
    names = {name for each in takes for name in inspect.signature(each).parameters}
    check_known(defaults, names - {"self", "kwargs"}, memory_class.__name__)

    class Bound(memory_class):  # type: ignore[valid-type,misc]
        @classmethod
        def from_defaults(cls, **kwargs: Any) -> _Memory:
            return cast("_Memory", super().from_defaults(**{**kwargs, **defaults}))

    # Workflows write down the name of a class and import it when they read a context back.
    Bound.__name__, Bound.__module__ = memory_class.__name__, memory_class.__module__
    return cast("type[_Memory]", Bound)
