"""``BaseStore``'s ten methods as single operations, so that ``batch`` alone decides what is valid.

Upstream's refuse labels with a dot before ``batch`` sees them, which a store that takes any label
cannot have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from langgraph.store.base import (
    NOT_PROVIDED,
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    MatchCondition,
    NamespacePath,
    NotProvided,
    PutOp,
    SearchItem,
    SearchOp,
)

_RESERVED = "langgraph"


class StoreMethods(BaseStore):
    """The methods of a store that supports TTL; ``batch`` and ``abatch`` are its subclass's."""

    supports_ttl = True

    def get(
        self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None
    ) -> Item | None:
        """The item of that key, or ``None``."""
        return self.batch([self._get(namespace, key, refresh_ttl)])[0]  # type: ignore[return-value]

    async def aget(
        self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None
    ) -> Item | None:
        """The item of that key, or ``None``."""
        return (await self.abatch([self._get(namespace, key, refresh_ttl)]))[0]  # type: ignore[return-value]

    def search(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,  # noqa: A002 - upstream's name
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Items under a prefix: the nearest to ``query``, or without one the last written."""
        refresh = self._refresh(refresh_ttl)
        op = SearchOp(tuple(namespace_prefix), filter, limit, offset, query, refresh)
        return self.batch([op])[0]  # type: ignore[return-value]

    async def asearch(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,  # noqa: A002 - upstream's name
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Items under a prefix: the nearest to ``query``, or without one the last written."""
        refresh = self._refresh(refresh_ttl)
        op = SearchOp(tuple(namespace_prefix), filter, limit, offset, query, refresh)
        return (await self.abatch([op]))[0]  # type: ignore[return-value]

    def put(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Store an item, in place of one of the same key."""
        self.batch([self._put(namespace, key, value, index, ttl)])

    async def aput(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Store an item, in place of one of the same key."""
        await self.abatch([self._put(namespace, key, value, index, ttl)])

    def delete(self, namespace: tuple[str, ...], key: str) -> None:
        """Erase an item, if it is there."""
        self.batch([PutOp(tuple(namespace), str(key), None)])

    async def adelete(self, namespace: tuple[str, ...], key: str) -> None:
        """Erase an item, if it is there."""
        await self.abatch([PutOp(tuple(namespace), str(key), None)])

    def list_namespaces(
        self,
        *,
        prefix: NamespacePath | None = None,
        suffix: NamespacePath | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[tuple[str, ...]]:
        """The namespaces that hold items, sorted; ``*`` stands for any one label."""
        op = ListNamespacesOp(_conditions(prefix, suffix), max_depth, limit, offset)
        return self.batch([op])[0]  # type: ignore[return-value]

    async def alist_namespaces(
        self,
        *,
        prefix: NamespacePath | None = None,
        suffix: NamespacePath | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[tuple[str, ...]]:
        """The namespaces that hold items, sorted; ``*`` stands for any one label."""
        op = ListNamespacesOp(_conditions(prefix, suffix), max_depth, limit, offset)
        return (await self.abatch([op]))[0]  # type: ignore[return-value]

    def _get(
        self,
        namespace: tuple[str, ...],
        key: str,
        refresh_ttl: bool | None,  # noqa: FBT001
    ) -> GetOp:
        return GetOp(tuple(namespace), str(key), self._refresh(refresh_ttl))

    def _put(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None,
        ttl: float | NotProvided | None,
    ) -> PutOp:
        if namespace and namespace[0] == _RESERVED:
            raise InvalidNamespaceError(f"The first label of a namespace cannot be {_RESERVED!r}.")
        if isinstance(ttl, NotProvided):
            ttl = (self.ttl_config or {}).get("default_ttl")
        return PutOp(tuple(namespace), str(key), value, index, ttl)

    def _refresh(self, wanted: bool | None) -> bool:  # noqa: FBT001
        if wanted is not None:
            return wanted
        return (self.ttl_config or {}).get("refresh_on_read", True)


def _conditions(
    prefix: NamespacePath | None, suffix: NamespacePath | None
) -> tuple[MatchCondition, ...]:
    given = (("prefix", prefix), ("suffix", suffix))
    return tuple(MatchCondition(kind, tuple(path)) for kind, path in given if path)  # type: ignore[arg-type]
