"""Asynchronous twins of blocking methods, and closing at the end of a block of either kind."""

from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

P = ParamSpec("P")
R = TypeVar("R")


def awaitable(method: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """The asynchronous twin of a method: it runs in a thread, and the event loop goes on.

    Args:
        method: A method that blocks.

    Returns:
        A coroutine function of the same arguments, named ``a`` and the method's name.
    """

    @functools.wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(method, *args, **kwargs)

    run.__name__ = f"a{method.__name__}"
    run.__qualname__ = method.__qualname__.replace(method.__name__, run.__name__)
    run.__doc__ = f"``{method.__name__}`` without blocking the event loop; same arguments."
    return run


class Closing(ABC):
    """A context manager of both kinds: ``close`` at the end of ``with`` or ``async with``."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)
