"""Listing namespaces: prefixes, suffixes, wildcards, depth and pages."""

from __future__ import annotations

import pytest
from langgraph.store.base import BaseStore, ListNamespacesOp, MatchCondition, NamespacePath

from lightmem_integrations.testing.store_contract.base import Contract, left_open

PLACES = [
    ("a", "b", "c"),
    ("a", "b", "d", "e"),
    ("a", "b", "d", "i"),
    ("a", "b", "f"),
    ("a", "c", "f"),
    ("b", "a", "f"),
    ("users",),
    ("users", "1", "profile"),
    ("users", "2", "profile"),
    ("users", "2", "settings", "v1"),
]

MATCHES: dict[str, tuple[NamespacePath | None, NamespacePath | None, list[tuple[str, ...]]]] = {
    "prefix": (("a", "b"), None, PLACES[:4]),
    "prefix that is a namespace": (("users",), None, PLACES[6:]),
    "prefix of nothing": (("nobody",), None, []),
    "half a label": (("user",), None, []),
    "suffix": (None, ("f",), [PLACES[3], PLACES[4], PLACES[5]]),
    "suffix of two": (None, ("2", "profile"), [PLACES[8]]),
    "whole namespace as suffix": (None, ("a", "b", "c"), [PLACES[0]]),
    "prefix and suffix": (("a",), ("f",), [PLACES[3], PLACES[4]]),
    "wildcard within": (("users", "*", "profile"), None, [PLACES[7], PLACES[8]]),
    "wildcard first": (("*", "a"), None, [PLACES[5]]),
    "wildcard last": (("a", "b", "*"), None, PLACES[:4]),
    "wildcard is one label at least": (("users", "*"), None, PLACES[7:]),
    "two wildcards": (("a", "*", "*", "*"), None, [PLACES[1], PLACES[2]]),
    "wildcard in a suffix": (None, ("2", "*"), [PLACES[8]]),
    "wildcard at the end of a suffix": (None, ("b", "*"), [PLACES[0], PLACES[3]]),
    "longer than all": (("a", "b", "c", "*", "*", "*"), None, []),
}


class Namespaces(Contract):
    """``list_namespaces``: "List and filter namespaces in the store"."""

    @pytest.fixture
    def places(self, store: BaseStore) -> BaseStore:
        """The store, with an item in each of ``PLACES``."""
        for namespace in PLACES:
            store.put(namespace, "k", {"n": 1})
        return store

    def test_an_empty_store_has_no_namespace(self, store: BaseStore) -> None:
        """Nothing is listed before the first ``put``.

        ``BaseStore.list_namespaces``: "namespaces in the store".
        """
        assert store.list_namespaces() == []

    def test_all_namespaces_are_listed_once(self, places: BaseStore) -> None:
        """Each namespace with an item is listed, once, as a tuple of its labels.

        ``BaseStore.list_namespaces``: "A list of namespace tuples that match the criteria."
        """
        places.put(PLACES[0], "another", {"n": 2})
        found = places.list_namespaces()
        assert sorted(found) == sorted(PLACES)
        assert all(isinstance(each, tuple) for each in found)

    @pytest.mark.parametrize("name", MATCHES)
    def test_a_prefix_and_a_suffix_choose(self, places: BaseStore, name: str) -> None:
        """A path matches label by label from its end, and ``*`` is any one label.

        ``NamespaceMatchType``: "Match from the start of the namespace", "from the end";
        ``NamespacePath``: ``("cache", "*", "v1")  # Any cache category with v1 version``.
        """
        prefix, suffix, expected = MATCHES[name]
        found = places.list_namespaces(prefix=prefix, suffix=suffix)
        assert sorted(found) == sorted(expected)

    def test_a_wildcard_is_no_two_labels(self, store: BaseStore) -> None:
        """``*`` between labels skips one of them, never several or none.

        ``NamespacePath``: ``("cache", "*", "v1")``, which names three labels.
        """
        for namespace in (("a", "b"), ("a", "x", "b"), ("a", "x", "y", "b")):
            store.put(namespace, "k", {"n": 1})
        assert store.list_namespaces(prefix=("a", "*", "b")) == [("a", "x", "b")]
        assert store.list_namespaces(suffix=("a", "*", "b")) == [("a", "x", "b")]

    def test_all_conditions_must_hold(self, places: BaseStore) -> None:
        """Several conditions of one operation narrow each other, whatever their types.

        ``ListNamespacesOp.match_conditions``: 'that start with "docs" and end with "draft"'.
        """
        conditions = (
            MatchCondition("prefix", ("a",)),
            MatchCondition("prefix", ("*", "b")),
            MatchCondition("suffix", ("f",)),
        )
        assert places.batch([ListNamespacesOp(conditions)]) == [[("a", "b", "f")]]

    def test_wildcards_of_sql_are_labels_like_others(self, store: BaseStore) -> None:
        """``%``, ``_``, ``?`` and brackets in a prefix or suffix match themselves alone.

        ``NamespacePath``: the one wildcard is ``*``.
        """
        for label in ("a%", "a_", "a?", "[a]", "abc", "ab"):
            store.put((label, "x"), "k", {"n": 1})
            store.put(("x", label), "k", {"n": 1})
        for label in ("a%", "a_", "a?", "[a]"):
            assert store.list_namespaces(prefix=(label,)) == [(label, "x")]
            assert store.list_namespaces(suffix=(label,)) == [("x", label)]

    @pytest.mark.parametrize("depth", [1, 2, 3, 4, 9])
    def test_what_is_deeper_is_cut_to_the_depth(self, places: BaseStore, depth: int) -> None:
        """Namespaces deeper than ``max_depth`` are cut, and what is then equal is listed once.

        ``BaseStore.list_namespaces``: "Namespaces deeper than this level will be truncated", and
        its example, in which two namespaces become one.
        """
        found = places.list_namespaces(max_depth=depth)
        assert sorted(found) == sorted({place[:depth] for place in PLACES})

    def test_the_example_of_the_reference(self, places: BaseStore) -> None:
        """``prefix=("a", "b"), max_depth=3`` gives what the reference says that it gives.

        ``BaseStore.list_namespaces``, "Examples".
        """
        found = places.list_namespaces(prefix=("a", "b"), max_depth=3)
        assert sorted(found) == [("a", "b", "c"), ("a", "b", "d"), ("a", "b", "f")]

    def test_a_suffix_is_matched_before_the_cut(self, places: BaseStore) -> None:
        """``max_depth`` cuts what was chosen; it does not change what is chosen.

        ``ListNamespacesOp.max_depth``: "Maximum depth of namespace hierarchy to return."
        """
        found = places.list_namespaces(suffix=("v1",), max_depth=2)
        assert found == [("users", "2")]

    @pytest.mark.parametrize("depth", [None, 2])
    def test_pages_are_the_whole(self, places: BaseStore, depth: int | None) -> None:
        """Pages of any size, put together, are the listing: nothing twice, nothing missing.

        ``ListNamespacesOp.limit``, ``offset``: "Number of namespaces to skip for pagination."
        """
        whole = places.list_namespaces(max_depth=depth)
        for size in (1, 3, 4, 100):
            pages = [
                places.list_namespaces(max_depth=depth, limit=size, offset=start)
                for start in range(0, len(whole) + size, size)
            ]
            assert [each for page in pages for each in page] == whole
            assert all(len(page) <= size for page in pages)

    def test_a_hundred_are_listed_by_default(self, store: BaseStore) -> None:
        """Without a limit 100 namespaces are listed.

        ``BaseStore.list_namespaces``: ``limit: int = 100``.
        """
        for number in range(103):
            store.put(("many", f"n{number:03}"), "k", {"n": number})
        assert len(store.list_namespaces()) == 100
        assert len(store.list_namespaces(limit=500)) == 103

    def test_a_namespace_that_was_only_read_is_not_there(self, store: BaseStore) -> None:
        """``get`` and ``search`` make no namespace.

        ``BaseStore.list_namespaces``: "namespaces in the store".
        """
        store.put(("a",), "k", {"n": 1})
        store.get(("read",), "k")
        store.search(("searched",))
        store.delete(("deleted",), "k")
        assert store.list_namespaces() == [("a",)]

    @left_open
    def test_a_namespace_without_items_is_not_listed(self, store: BaseStore) -> None:
        """A namespace goes with its last item.

        Left open: the reference does not say when a namespace ends. Stores in a database list
        what their items say.
        """
        store.put(("a",), "k", {"n": 1})
        store.put(("b",), "k", {"n": 1})
        store.delete(("a",), "k")
        assert store.list_namespaces() == [("b",)]

    @left_open
    def test_namespaces_are_listed_in_their_order(self, places: BaseStore) -> None:
        """The listing is sorted, label by label.

        Left open: the reference names no order; its examples are sorted, as stores do it.
        """
        assert places.list_namespaces() == sorted(PLACES)
