"""Isolation: nothing of one namespace is read or changed through another, whatever the labels."""

from __future__ import annotations

from itertools import pairwise

import pytest
from langgraph.store.base import BaseStore

from lightmem_integrations.testing.store_contract.base import Contract, keys, value_of

# Pairs that a store takes for one another if it joins, folds, patterns or cuts its labels.
PAIRS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "another label": (("ann",), ("bob",)),
    "a label that begins like it": (("user",), ("user1",)),
    "a longer label": (("user1",), ("user10",)),
    "upper case": (("ann",), ("Ann",)),
    "slash": (("a", "b"), ("a/b",)),
    "colon": (("a", "b"), ("a:b",)),
    "comma": (("a", "b"), ("a,b",)),
    "pipe": (("a", "b"), ("a|b",)),
    "dash": (("a", "b"), ("a-b",)),
    "unit separator": (("a", "b"), ("a\x1fb",)),
    "quote": (("a'b",), ("ab",)),
    "double quote": (('a"b',), ("ab",)),
    "backslash": (("a\\b",), ("ab",)),
    "brackets": (("a[b]",), ("ab",)),
    "percent": (("a%",), ("abc",)),
    "underscore": (("a_c",), ("abc",)),
    "star": (("*",), ("abc",)),
    "question mark": (("a?c",), ("abc",)),
    "space behind": (("a ",), ("a",)),
    "space before": ((" a",), ("a",)),
    "newline behind": (("a\n",), ("a",)),
    "composed and not": (("\u00e9",), ("e\u0301",)),
    "full width": (("\uff41",), ("a",)),
    "sharp s": (("stra\u00dfe",), ("strasse",)),
    "number and text": (("1",), ("01",)),
    "order": (("a", "b"), ("b", "a")),
}

KEYS = (
    "plain", "Plain", "with space", "a.b", "a/b", "../b", "a%", "a_", "ab", "*", "'", '"', "\\",
    "; DROP TABLE store; --", "\u00e9", "e\u0301", "東京", "👩‍👩‍👧", "a\nb", "a ", "0", "00",
    "None", "null", "k" * 500,
)  # fmt: skip


class Isolation(Contract):
    """``PutOp.namespace``: "Hierarchical path that identifies the location of the item"."""

    @pytest.mark.parametrize("name", PAIRS)
    def test_two_namespaces_are_two(self, store: BaseStore, name: str) -> None:
        """The same key in two namespaces is two items: each is got, found, deleted by itself.

        ``PutOp.key``: "Unique identifier for the item within its namespace."
        """
        one, two = PAIRS[name]
        store.put(one, "k", {"of": "one"})
        assert store.get(two, "k") is None
        assert store.search(two) == []
        store.put(two, "k", {"of": "two"})
        assert value_of(store.get(one, "k")) == {"of": "one"}
        for namespace, owner in ((one, "one"), (two, "two")):
            assert [item.value["of"] for item in store.search(namespace)] == [owner]
            assert [item.namespace for item in store.search(namespace)] == [namespace]
        store.delete(two, "k")
        assert value_of(store.get(one, "k")) == {"of": "one"}

    @pytest.mark.parametrize("name", PAIRS)
    def test_two_namespaces_are_listed_as_two(self, store: BaseStore, name: str) -> None:
        """Both namespaces are listed with the labels that they were given.

        ``BaseStore.list_namespaces``: "A list of namespace tuples that match the criteria."
        """
        one, two = PAIRS[name]
        store.put(one, "k", {"of": "one"})
        store.put(two, "k", {"of": "two"})
        assert sorted(store.list_namespaces()) == sorted([one, two])

    def test_a_search_sees_what_is_under_its_prefix_and_nothing_beside_it(
        self, store: BaseStore
    ) -> None:
        """A prefix is of whole labels, and takes in all levels below it.

        ``SearchOp.namespace_prefix``: "Hierarchical path prefix defining the search scope".
        """
        inside = [("a",), ("a", "b"), ("a", "b", "c"), ("a", "bc")]
        outside = [("ab",), ("b", "a"), ("b",), ("A",)]
        for namespace in (*inside, *outside):
            store.put(namespace, "k", {"n": 1})
        assert sorted(item.namespace for item in store.search(("a",))) == sorted(inside)
        found = sorted(item.namespace for item in store.search(("a", "b")))
        assert found == [("a", "b"), ("a", "b", "c")]

    def test_the_empty_prefix_searches_everything(self, store: BaseStore) -> None:
        """``()`` finds the items of all namespaces.

        ``SearchOp.namespace_prefix``: "()  # Search entire store".
        """
        places = [("a",), ("b", "c"), ("d", "e", "f")]
        for namespace in places:
            store.put(namespace, "k", {"n": 1})
        assert sorted(item.namespace for item in store.search(())) == places

    def test_a_star_in_a_search_is_a_label_like_others(self, store: BaseStore) -> None:
        """``search(("*",))`` reads no other namespace.

        ``SearchOp.namespace_prefix`` is ``tuple[str, ...]``; wildcards are of ``NamespacePath``,
        which only the listing of namespaces takes.
        """
        store.put(("ann", "notes"), "secret", {"n": 1})
        assert store.search(("*",)) == []
        assert store.search(("*", "notes")) == []
        assert store.search(("ann", "*")) == []

    def test_keys_are_compared_as_they_are(self, store: BaseStore) -> None:
        """Keys of any characters are as many items, none of them taken for another.

        ``BaseStore.put``: "Unique identifier within the namespace."
        """
        for number, key in enumerate(KEYS):
            store.put(("keys",), key, {"n": number})
        assert sorted(keys(store.search(("keys",), limit=100))) == sorted(KEYS)
        for number, key in enumerate(KEYS):
            assert value_of(store.get(("keys",), key)) == {"n": number}
        for gone, left in pairwise(KEYS):
            store.delete(("keys",), gone)
            assert store.get(("keys",), gone) is None
            assert store.get(("keys",), left) is not None

    def test_a_number_for_a_key_is_its_text(self, store: BaseStore) -> None:
        """A key that is no string is stored under ``str`` of it.

        ``BaseStore.put`` and ``get`` hand on ``str(key)``.
        """
        store.put(("keys",), 7, {"n": 1})  # type: ignore[arg-type]
        assert value_of(store.get(("keys",), "7")) == {"n": 1}
        assert value_of(store.get(("keys",), 7)) == {"n": 1}  # type: ignore[arg-type]

    def test_deep_namespaces_and_long_labels(self, store: BaseStore) -> None:
        """Thirty levels, and a label of 500 characters, are neither cut nor refused.

        ``PutOp.namespace`` names no limit.
        """
        deep = tuple(f"level{n}" for n in range(30))
        for namespace in (deep, ("x" * 500,), ("x" * 499 + "y",)):
            store.put(namespace, "k", {"in": namespace[-1]})
        for namespace in (deep, ("x" * 500,), ("x" * 499 + "y",)):
            assert value_of(store.get(namespace, "k")) == {"in": namespace[-1]}
        assert [item.namespace for item in store.search(deep[:29])] == [deep]
