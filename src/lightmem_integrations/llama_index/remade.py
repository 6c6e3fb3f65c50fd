"""Copies and pickles of components: made anew of what they were made with."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class Remade:
    """Mixin of a component with locks or functions of its own, which no copy could take along.

    LlamaIndex's own way would leave them out and hand over a component that fails when it is used.
    """

    def made_with(self) -> dict[str, Any]:
        """The arguments that make another one like it."""
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return type(self)(**self.made_with())

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(type(self), **self.made_with()), ()
