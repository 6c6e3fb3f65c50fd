"""Values: everything that JSON can say comes back as it was."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from langgraph.store.base import BaseStore

from lightmem_integrations.testing.store_contract.base import Contract, left_open, value_of

HERE = ("values",)

VALUES: dict[str, Any] = {
    "text": "likes tea",
    "empty text": "",
    "unicode": "Zoë 東京 مرحبا 👩‍👩‍👧 e\u0301",
    "quotes": 'it\'s "so" \\ ; -- %s %(a)s ? :x {y} $1',
    "control": "tab\t line\n return\r bell\x07",
    "zero byte": "a\x00b",
    "true": True,
    "false": False,
    "none": None,
    "zero": 0,
    "negative": -17,
    "float": 0.1,
    "small float": 5e-324,
    "large float": 1.7976931348623157e308,
    "beyond a double": 2**53 + 1,
    "beyond 64 bits": 2**70,
    "empty list": [],
    "empty object": {},
    "list": [1, "two", None, [3.5, {"four": False}]],
    "nested": {"a": {"b": {"c": [{"d": {"e": None}}]}}},
    "keys": {"": 1, "a.b": 2, "$eq": 3, "with space": 4, "é": 5, "'\"": 6, "0": 7},
}


class Values(Contract):
    """``PutOp.value``: "a mapping with string keys and JSON-serializable values"."""

    @pytest.mark.parametrize("name", VALUES)
    def test_a_json_value_comes_back_as_it_was(self, store: BaseStore, name: str) -> None:
        """A field holds any JSON value, and it comes back equal and of its JSON type.

        ``PutOp.value``: "The value must be a mapping with string keys and JSON-serializable
        values."
        """
        store.put(HERE, "k", {"field": VALUES[name]})
        for value in (value_of(store.get(HERE, "k")), store.search(HERE)[0].value):
            told = value["field"]
            if isinstance(VALUES[name], float) and type(told) is int:
                told = float(told)  # JSON knows numbers only
            assert told == VALUES[name]
            assert type(told) is type(VALUES[name])

    def test_an_empty_value_is_an_item(self, store: BaseStore) -> None:
        """``{}`` is stored, and is not taken for the ``None`` that deletes.

        ``PutOp.value``: "Setting this to `None` signals that the item should be deleted."
        """
        store.put(HERE, "k", {})
        assert value_of(store.get(HERE, "k")) == {}
        assert len(store.search(HERE)) == 1

    def test_a_value_of_a_megabyte_comes_back(self, store: BaseStore) -> None:
        """A large text is neither cut nor refused.

        ``PutOp.value`` names no limit.
        """
        text = "Ünïcödé " * 120_000
        store.put(HERE, "k", {"text": text})
        assert value_of(store.get(HERE, "k"))["text"] == text
        assert [item.value["text"] for item in store.search(HERE)] == [text]

    def test_a_value_of_many_fields_and_levels_comes_back(self, store: BaseStore) -> None:
        """A thousand fields, and fifty levels, are neither cut nor refused.

        ``PutOp.value`` names no limit.
        """
        deep: dict[str, Any] = {"end": True}
        for level in range(50):
            deep = {f"level {level}": deep}
        value = {**{f"field {n}": n for n in range(1_000)}, "deep": deep}
        store.put(HERE, "k", value)
        assert value_of(store.get(HERE, "k")) == value
        assert [item.value for item in store.search(HERE)] == [value]

    def test_any_mapping_is_a_value(self, store: BaseStore) -> None:
        """A value need not be a ``dict``; what comes back is one.

        ``PutOp.value``: ``Mapping[str, Any]``; ``Item.value``: "The stored data as a dictionary."
        """
        store.put(HERE, "k", MappingProxyType({"n": 1}))
        value = value_of(store.get(HERE, "k"))
        assert value == {"n": 1}
        assert isinstance(value, dict)

    @left_open
    def test_half_a_character_is_stored_or_refused(self, store: BaseStore) -> None:
        """A lone surrogate, which JSON can escape and UTF-8 cannot hold, is kept or refused whole.

        Left open: the reference says "JSON-serializable". Nothing may be stored in part, and the
        store must go on working.
        """
        value = {"text": "a\ud83d"}
        try:
            store.put(HERE, "k", value)
        except Exception:  # noqa: BLE001 - which error is left open as well
            assert store.get(HERE, "k") is None
        else:
            assert value_of(store.get(HERE, "k")) == value
        store.put(HERE, "after", {"n": 1})
        assert value_of(store.get(HERE, "after")) == {"n": 1}
