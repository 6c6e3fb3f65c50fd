"""Filters: exact values, comparisons, and items that lack the field."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.store.base import BaseStore

from lightmem_integrations.testing.store_contract.base import Contract, keys, left_open

HERE = ("docs",)

ITEMS: dict[str, dict[str, Any]] = {
    "red": {"color": "red", "score": 4.5, "n": 1, "ok": True, "tags": ["a", "b"], "at": {"x": 1}},
    "blue": {"color": "blue", "score": 5, "n": 2, "ok": False, "tags": ["b"], "at": {"x": 2}},
    "green": {"color": "green", "score": 10.25, "n": 10, "ok": None, "tags": [], "at": {}},
    "minus": {"color": "Red", "score": -3, "n": 100, "ok": "True", "tags": "a", "at": None},
}

# The reference: "Keys are filterable", and no error of a filter is documented.
LACKING: dict[str, Any] = {
    "equal": 1,
    "eq": {"$eq": 1},
    "gt": {"$gt": 0},
    "gte": {"$gte": 0},
    "lt": {"$lt": 9},
    "lte": {"$lte": 9},
}

FILTERS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "text": ({"color": "red"}, {"red"}),
    "number": ({"n": 2}, {"blue"}),
    "float": ({"score": 4.5}, {"red"}),
    "true": ({"ok": True}, {"red"}),
    "false": ({"ok": False}, {"blue"}),
    "text is no number": ({"n": "2"}, set()),
    "list": ({"tags": ["a", "b"]}, {"red"}),
    "list in another order": ({"tags": ["b", "a"]}, set()),
    "object": ({"at": {"x": 2}}, {"blue"}),
    "several": ({"color": "red", "n": 1}, {"red"}),
    "several that exclude each other": ({"color": "red", "n": 2}, set()),
    "unknown field": ({"nobody": 1}, set()),
    "no condition": ({}, set(ITEMS)),
    "eq": ({"color": {"$eq": "red"}}, {"red"}),
    "gt": ({"score": {"$gt": 4.99}}, {"blue", "green"}),
    "gt of a fraction": ({"score": {"$gt": 4.25}}, {"red", "blue", "green"}),
    "gt is not gte": ({"score": {"$gt": 5}}, {"green"}),
    "gte": ({"score": {"$gte": 5}}, {"blue", "green"}),
    "lt": ({"score": {"$lt": 4.5}}, {"minus"}),
    "lte": ({"score": {"$lte": 4.5}}, {"red", "minus"}),
    "numbers are not compared as texts": ({"n": {"$gt": 9}}, {"green", "minus"}),
    "below zero": ({"score": {"$lt": 0}}, {"minus"}),
    "range": ({"n": {"$gte": 2, "$lt": 100}}, {"blue", "green"}),
    "comparison and value": ({"score": {"$gte": 3.0}, "color": "red"}, {"red"}),
}

# Field names are a value's own keys: "Keys are filterable."
NAMES = (
    "with space",
    "a.b",
    "a-b",
    "it's",
    'say "hi"',
    "é東",
    "$dollar",
    "a[0]",
    "",
    "select",
    "0",
)


class Filters(Contract):
    """``SearchOp.filter``: "exact matches or comparison operators"."""

    @pytest.fixture
    def docs(self, store: BaseStore) -> BaseStore:
        """The store, with ``ITEMS`` in it."""
        for key, value in ITEMS.items():
            store.put(HERE, key, value)
        return store

    @pytest.mark.parametrize("name", FILTERS)
    def test_a_filter_chooses(self, docs: BaseStore, name: str) -> None:
        """Exactly those items are found for which every condition holds.

        ``SearchOp.filter``: "`$eq`: Equal to (same as direct value comparison)", "`$gt`: Greater
        than", "Multiple conditions".
        """
        asked, expected = FILTERS[name]
        found = docs.search(HERE, filter=asked)
        assert set(keys(found)) == expected
        assert len(found) == len(expected)

    def test_not_equal_leaves_out_what_is_equal(self, docs: BaseStore) -> None:
        """``$ne`` finds items with another value, and none with that one.

        ``SearchOp.filter``: "`$ne`: Not equal to".
        """
        found = set(keys(docs.search(HERE, filter={"color": {"$ne": "red"}})))
        assert found == {"blue", "green", "minus"}

    @pytest.mark.parametrize("name", LACKING)
    def test_what_lacks_the_field_hinders_no_other(self, store: BaseStore, name: str) -> None:
        """An item without the field is neither equal, greater nor less, and raises nothing.

        ``SearchOp.filter``: "filtering results"; of ``BaseStore.search`` one error is documented,
        for namespaces.
        """
        store.put(HERE, "has", {"n": 1})
        store.put(HERE, "lacks", {"other": 1})
        assert keys(store.search(HERE, filter={"n": LACKING[name]})) == ["has"]

    @left_open
    def test_what_lacks_the_field_is_not_equal(self, docs: BaseStore) -> None:
        """``$ne`` finds items that lack the field.

        Left open: the reference does not speak of missing fields. ``InMemoryStore`` finds them.
        """
        docs.put(HERE, "bare", {"other": 1})
        assert "bare" in keys(docs.search(HERE, filter={"color": {"$ne": "red"}}))

    def test_none_is_a_value(self, docs: BaseStore) -> None:
        """A filter for ``None`` finds the item that has ``None``, and no other value.

        ``SearchOp.filter``: "exact matches".
        """
        assert keys(docs.search(HERE, filter={"ok": None})) == ["green"]

    @left_open
    def test_an_object_matches_a_part_of_an_object(self, docs: BaseStore) -> None:
        """A nested condition asks for a field of a field, whatever stands beside it.

        Left open: the reference says "exact matches". ``InMemoryStore`` compares "in a JSONB-like
        way, handling nested objects".
        """
        docs.put(HERE, "more", {"at": {"x": 7, "y": 8}})
        assert keys(docs.search(HERE, filter={"at": {"x": 7}})) == ["more"]

    @left_open
    def test_a_comparison_within_an_object(self, docs: BaseStore) -> None:
        """A nested condition may be an operator.

        Left open: the reference shows operators at the top only.
        """
        assert keys(docs.search(HERE, filter={"at": {"x": {"$gt": 1}}})) == ["blue"]

    @left_open
    def test_texts_are_compared_as_texts(self, docs: BaseStore) -> None:
        """``$gt`` on texts, such as ISO dates, compares them as texts.

        Left open: the reference shows numbers only.
        """
        docs.put(HERE, "may", {"day": "2026-05-01"})
        docs.put(HERE, "june", {"day": "2026-06-01"})
        assert keys(docs.search(HERE, filter={"day": {"$gt": "2026-05-15"}})) == ["june"]

    @pytest.mark.parametrize("field", NAMES)
    def test_any_key_of_a_value_can_be_asked_for(self, store: BaseStore, field: str) -> None:
        """A field is asked for by its name, whatever characters that has.

        ``Item.value``: "The stored data as a dictionary. Keys are filterable."
        """
        store.put(HERE, "yes", {field: "here"})
        store.put(HERE, "no", {field: "there"})
        store.put(HERE, "nor", {"other": "here"})
        assert keys(store.search(HERE, filter={field: "here"})) == ["yes"]

    def test_texts_with_quotes_and_wildcards_are_compared_as_they_are(
        self, store: BaseStore
    ) -> None:
        """No character of a text has a meaning of its own in a filter.

        ``SearchOp.filter``: "exact matches".
        """
        texts = ("it's", '"', "\\", "100%", "1000", "a_c", "abc", "' OR 1=1 --", "é", "e\u0301", "")
        for text in texts:
            store.put(HERE, f"k{text}", {"text": text})
        for text in texts:
            assert keys(store.search(HERE, filter={"text": text}, limit=50)) == [f"k{text}"]

    def test_a_filter_is_applied_before_the_limit(self, store: BaseStore) -> None:
        """A page is full while there are items that match, wherever they lie.

        ``SearchOp.limit``: "Maximum number of items to return"; ``offset``: "Number of matching
        items to skip".
        """
        for number in range(60):
            store.put(HERE, f"k{number:02}", {"kind": "rare" if number % 20 == 0 else "common"})
        assert len(store.search(HERE, filter={"kind": "rare"}, limit=3)) == 3
        assert len(store.search(HERE, filter={"kind": "rare"}, limit=3, offset=2)) == 1

    def test_a_filter_stays_within_the_prefix(self, docs: BaseStore) -> None:
        """A condition that is true elsewhere finds nothing there.

        ``SearchOp.namespace_prefix``: "defining the search scope".
        """
        docs.put(("elsewhere",), "red too", {"color": "red"})
        assert keys(docs.search(HERE, filter={"color": "red"})) == ["red"]

    @left_open
    def test_an_unknown_operator_raises(self, docs: BaseStore) -> None:
        """A condition that the store does not know is an error, and not everything or nothing.

        Left open: the reference lists six operators and does not say what others do.
        """
        with pytest.raises(ValueError, match="regex"):
            docs.search(HERE, filter={"color": {"$regex": "r.*"}})
