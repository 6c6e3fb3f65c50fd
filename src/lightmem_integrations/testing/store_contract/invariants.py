"""Invariants: whatever is written in whatever order, a store is like a dictionary of items."""

from __future__ import annotations

import uuid
from types import ModuleType
from typing import Any

import pytest
from langgraph.store.base import BaseStore, GetOp, Item, Op, PutOp

from lightmem_integrations.testing.store_contract.base import Contract

# Few, so that they meet; and those that SQL, paths and patterns take for something else.
LABELS = ("a", "A", "ab", "a/b", "a_", "a%", "*", "é", "e\u0301", "a ", "'", '"', "\\")
KEYS = ("k", "K", "k.k", "k/k", "k%", "k_", "kk", "*", "é", "'", "k\n")
EXAMPLES = 40


def hypothesis() -> ModuleType:
    """Hypothesis, or the test is skipped and says how to have it."""
    reason = "the invariants need Hypothesis: pip install 'lightmem-integrations[contract]'"
    found: ModuleType = pytest.importorskip("hypothesis", reason=reason)
    return found


def values(given: Any) -> Any:
    """A strategy for values that JSON can say; without zero bytes, which have a test."""
    text = given.text(
        given.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8
    )
    numbers = given.integers(-(2**53), 2**53) | given.floats(-1e6, 1e6)
    leaves = given.none() | given.booleans() | numbers | text
    fields = given.recursive(
        leaves, lambda inner: given.lists(inner, max_size=3) | given.dictionaries(text, inner,
        max_size=3), max_leaves=6,
    )  # fmt: skip
    return given.dictionaries(given.sampled_from(["n", "text", "more"]), fields, max_size=3)


class Invariants(Contract):
    """Drawn by Hypothesis, against a model in memory. Each example has a root label of its own."""

    def test_a_store_is_a_dictionary_of_items(self, store: BaseStore) -> None:
        """After any puts and deletes, every ``get``, ``search`` and listing is the model's.

        ``Item``, ``SearchOp.namespace_prefix``, ``BaseStore.list_namespaces``.
        """
        drawn = hypothesis()
        given = drawn.strategies
        paths = given.lists(given.sampled_from(LABELS), max_size=3).map(tuple)
        change = given.tuples(paths, given.sampled_from(KEYS), given.none() | values(given))

        def check(changes: list[tuple[tuple[str, ...], str, dict[str, Any] | None]]) -> None:
            root = uuid.uuid4().hex
            try:
                compare(root, changes)
            finally:  # or a search over the items of hundreds of examples takes ever longer
                for path, key, _ in changes:
                    store.delete((root, *path), key)

        def compare(
            root: str, changes: list[tuple[tuple[str, ...], str, dict[str, Any] | None]]
        ) -> None:
            model: dict[tuple[tuple[str, ...], str], dict[str, Any]] = {}
            for path, key, value in changes:
                place = (root, *path)
                if value is None:
                    store.delete(place, key)
                    model.pop((place, key), None)
                else:
                    store.put(place, key, value)
                    model[place, key] = value
            for path, key, _ in changes:
                item = store.get((root, *path), key)
                assert (item and item.value) == model.get(((root, *path), key))
            for prefix in {(root, *path[:size]) for path, _, _ in changes for size in range(4)}:
                found = store.search(prefix, limit=1_000)
                assert len(found) == len({(item.namespace, item.key) for item in found})
                assert {(item.namespace, item.key): item.value for item in found} == {
                    place: value
                    for place, value in model.items()
                    if place[0][: len(prefix)] == prefix
                }
            # Namespaces that lost their last item may be listed or not.
            listed = set(store.list_namespaces(prefix=(root,), limit=1_000))
            holding = {namespace for namespace, _ in model}
            assert holding <= listed <= {(root, *path) for path, _, _ in changes}

        self._run(drawn, check, given.lists(change, max_size=12))

    def test_pages_are_always_the_whole(self, store: BaseStore) -> None:
        """For any limit and offset a page is that part of the whole result.

        ``SearchOp.limit``, ``SearchOp.offset``.
        """
        drawn = hypothesis()
        given = drawn.strategies
        root = uuid.uuid4().hex
        store.batch([PutOp((root, f"n{n % 3}"), f"k{n}", {"n": n % 5}) for n in range(20)])

        def check(asked: tuple[int, int, int | None]) -> None:
            limit, offset, least = asked
            chosen = None if least is None else {"n": {"$gte": least}}
            whole = store.search((root,), filter=chosen, limit=100)
            assert len(whole) == len([n for n in range(20) if n % 5 >= (least or 0)])
            page = store.search((root,), filter=chosen, limit=limit, offset=offset)
            place = slice(offset, offset + limit)
            assert [(item.namespace, item.key) for item in page] == [
                (item.namespace, item.key) for item in whole[place]
            ]

        least = given.none() | given.integers(0, 5)
        asked = given.tuples(given.integers(1, 25), given.integers(0, 25), least)
        self._run(drawn, check, asked)

    def test_a_depth_is_the_cut_of_the_listing(self, store: BaseStore) -> None:
        """For any prefix and suffix, ``max_depth`` gives the listing cut, each path once.

        ``ListNamespacesOp.max_depth``: "Namespaces deeper than this level will be truncated."
        """
        drawn = hypothesis()
        given = drawn.strategies
        label = given.sampled_from((*LABELS[:6], "*"))

        def check(asked: tuple[list[tuple[str, ...]], tuple[str, ...], int]) -> None:
            paths, suffix, depth = asked
            root = uuid.uuid4().hex
            store.batch([PutOp((root, *path), "k", {"n": 1}) for path in paths])
            expected = {
                (root, *path)
                for path in paths
                if len(suffix) <= len(path) + 1
                and all(
                    asked in ("*", there)
                    for asked, there in zip(suffix[::-1], (root, *path)[::-1], strict=False)
                )
            }
            whole = store.list_namespaces(prefix=(root,), suffix=suffix or None, limit=500)
            assert sorted(whole) == sorted(expected)
            cut = store.list_namespaces(
                prefix=(root,), suffix=suffix or None, max_depth=depth, limit=500
            )
            assert sorted(cut) == sorted({namespace[:depth] for namespace in expected})

        paths = given.lists(given.lists(label, max_size=3).map(tuple), min_size=1, max_size=6)
        suffixes = given.lists(label, max_size=2).map(tuple)
        self._run(drawn, check, given.tuples(paths, suffixes, given.integers(1, 5)))

    def test_a_batch_is_its_operations_one_by_one(self, store: BaseStore) -> None:
        """A batch of writes of different keys, and one of reads, are as those calls in turn.

        ``BaseStore.batch``: "each result corresponds to an operation in the input".
        """
        drawn = hypothesis()
        given = drawn.strategies
        places = given.lists(
            given.tuples(given.sampled_from(LABELS), given.sampled_from(KEYS)),
            unique=True,
            max_size=15,
        )

        def check(written: list[tuple[str, str]]) -> None:
            root = uuid.uuid4().hex
            puts: list[Op] = [
                PutOp((root, label), key, {"n": n}) for n, (label, key) in enumerate(written)
            ]
            assert store.batch(puts) == [None] * len(puts)
            got = store.batch([GetOp((root, label), key) for label, key in written])
            found = [item.value["n"] for item in got if isinstance(item, Item)]
            assert found == list(range(len(written)))

        self._run(drawn, check, places)

    def _run(self, drawn: ModuleType, check: Any, strategy: Any) -> None:
        # No database of examples and no deadline: the store may be anywhere.
        settings = drawn.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(drawn.HealthCheck),
        )
        settings(drawn.given(strategy)(check))()
