"""Refusals: namespaces that are none, and time to live where a store has none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.store.base import (
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    SearchOp,
)

from lightmem_integrations.testing.store_contract.base import Contract, awaits, left_open, value_of

BAD_LABELS: dict[str, Any] = {
    "empty label": ("a", ""),
    "period": ("a.b",),
    "number": ("a", 1),
    "none": ("a", None),
}


class Refusals(Contract):
    """What raises, and that nothing was changed then."""

    @pytest.mark.parametrize("name", [*BAD_LABELS, "no label", "langgraph"])
    def test_put_refuses_a_bad_namespace(self, store: BaseStore, name: str) -> None:
        """``put`` raises, and stores nothing.

        ``BaseStore.put``: "InvalidNamespaceError: If the namespace is empty, its root label is
        "langgraph", or a label is empty, is not a string, or contains a period".
        """
        bad = {**BAD_LABELS, "no label": (), "langgraph": ("langgraph", "x")}[name]
        with pytest.raises(InvalidNamespaceError):
            store.put(bad, "k", {"n": 1})
        assert store.search(()) == []

    @pytest.mark.parametrize("name", BAD_LABELS)
    def test_reading_and_deleting_refuse_a_bad_label(self, store: BaseStore, name: str) -> None:
        """``get``, ``search`` and ``delete`` raise.

        ``BaseStore.get``, ``search``, ``delete``: "InvalidNamespaceError: If a namespace label is
        empty, is not a string, or contains a period".
        """
        bad = BAD_LABELS[name]
        for call in (
            lambda: store.get(bad, "k"),
            lambda: store.search(bad),
            lambda: store.delete(bad, "k"),
        ):
            with pytest.raises(InvalidNamespaceError):
                call()

    @awaits
    @pytest.mark.parametrize("name", BAD_LABELS)
    def test_the_twins_refuse_a_bad_label(self, store: BaseStore, name: str) -> None:
        """``aput``, ``aget``, ``asearch`` and ``adelete`` raise as their twins do.

        ``BaseStore.aput``, ``aget``, ``asearch``, ``adelete``: "Raises: InvalidNamespaceError".
        """
        bad = BAD_LABELS[name]
        for call in (
            lambda: store.aput(bad, "k", {"n": 1}),
            lambda: store.aget(bad, "k"),
            lambda: store.asearch(bad),
            lambda: store.adelete(bad, "k"),
        ):
            with pytest.raises(InvalidNamespaceError):
                asyncio.run(call())
        assert store.search(()) == []

    @pytest.mark.parametrize("name", BAD_LABELS)
    def test_listing_refuses_a_bad_label(self, store: BaseStore, name: str) -> None:
        """``list_namespaces`` raises for a label of its prefix or suffix.

        ``BaseStore.list_namespaces``: "InvalidNamespaceError: If a `prefix` or `suffix` label is
        empty, is not a string, or contains a period".
        """
        bad = BAD_LABELS[name]
        with pytest.raises(InvalidNamespaceError):
            store.list_namespaces(prefix=bad)
        with pytest.raises(InvalidNamespaceError):
            store.list_namespaces(suffix=bad)

    @pytest.mark.parametrize("kind", ["get", "put", "delete", "search", "list"])
    def test_an_operation_with_a_period_reaches_no_other_namespace(
        self, store: BaseStore, kind: str
    ) -> None:
        """In ``batch``, which skips the checks, ``("foo.bar",)`` is not ``("foo", "bar")``.

        ``validate_op_namespace``: "so a label such as "foo.bar" cannot address the namespace
        ("foo", "bar")". Whether the store refuses or keeps them apart is its own affair.
        """
        store.put(("foo", "bar"), "k", {"n": 1})
        ops: dict[str, Op] = {
            "get": GetOp(("foo.bar",), "k"),
            "put": PutOp(("foo.bar",), "k", {"n": 2}),
            "delete": PutOp(("foo.bar",), "k", None),
            "search": SearchOp(("foo.bar",)),
            "list": ListNamespacesOp((MatchCondition("prefix", ("foo.bar",)),)),
        }
        try:
            results = store.batch([ops[kind]])
        except InvalidNamespaceError:
            results = [None]
        assert not results[0]
        assert value_of(store.get(("foo", "bar"), "k")) == {"n": 1}

    @left_open
    def test_a_batch_with_a_bad_operation_does_nothing(self, store: BaseStore) -> None:
        """Where one operation is refused, none is carried out.

        Left open: the reference does not say what of a batch was done when it raises.
        """
        with pytest.raises(InvalidNamespaceError):
            store.batch([PutOp(("a",), "k", {"n": 1}), PutOp(("a.b",), "k", {"n": 1})])
        assert store.search(()) == []

    def test_time_to_live_is_refused_where_there_is_none(self, store: BaseStore) -> None:
        """A ``ttl`` raises where the store has ``supports_ttl = False``, and is taken elsewhere.

        ``BaseStore.put`` raises ``NotImplementedError`` then; ``BaseStore``: "Subclasses must
        explicitly set `supports_ttl = True` to enable this feature."
        """
        if store.supports_ttl:
            store.put(("a",), "k", {"n": 1}, ttl=60)
            assert value_of(store.get(("a",), "k")) == {"n": 1}
            return
        with pytest.raises(NotImplementedError):
            store.put(("a",), "k", {"n": 1}, ttl=60)
        store.put(("a",), "k", {"n": 1}, ttl=None)
        assert value_of(store.get(("a",), "k")) == {"n": 1}
