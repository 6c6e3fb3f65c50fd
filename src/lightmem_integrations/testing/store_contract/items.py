"""Items: put, get, overwrite and delete."""

from __future__ import annotations

import datetime as dt

from langgraph.store.base import BaseStore, Item

from lightmem_integrations.testing.store_contract.base import Contract, left_open, value_of

HERE = ("users", "ann")


class Items(Contract):
    """One item, from its first writing to its end."""

    def test_what_was_put_is_got(self, store: BaseStore) -> None:
        """An item comes back with its namespace, key and value.

        ``Item``: "Represents a stored item with metadata."
        """
        store.put(HERE, "tea", {"likes": "green tea"})
        item = store.get(HERE, "tea")
        assert isinstance(item, Item)
        assert item.namespace == HERE
        assert isinstance(item.namespace, tuple)
        assert item.key == "tea"
        assert item.value == {"likes": "green tea"}

    def test_what_is_not_there_is_none(self, store: BaseStore) -> None:
        """An unknown key, or an unknown namespace, gives ``None``.

        ``BaseStore.get``: "The retrieved item or `None` if not found."
        """
        store.put(HERE, "tea", {"n": 1})
        assert store.get(HERE, "coffee") is None
        assert store.get(("nobody",), "tea") is None

    def test_putting_again_replaces_the_whole_value(self, store: BaseStore) -> None:
        """The new value takes the place of the old one; fields are not merged.

        ``BaseStore.put``: "Store or update an item"; ``PutOp.value``: "The data to store".
        """
        store.put(HERE, "tea", {"likes": "green", "sugar": 2})
        store.put(HERE, "tea", {"likes": "black"})
        assert value_of(store.get(HERE, "tea")) == {"likes": "black"}
        assert len(store.search(HERE)) == 1

    def test_putting_again_keeps_when_it_was_created(self, store: BaseStore) -> None:
        """``created_at`` stays what it was at the first ``put``.

        ``Item.created_at``: "Timestamp of item creation", beside ``updated_at``: "Timestamp of
        last update". ``BaseStore.put``: "Store or update an item".
        """
        store.put(HERE, "tea", {"n": 1})
        first = store.get(HERE, "tea")
        self.pass_time(1.1)  # some stores keep whole seconds
        store.put(HERE, "tea", {"n": 2})
        second = store.get(HERE, "tea")
        assert first is not None
        assert second is not None
        assert second.created_at == first.created_at

    def test_putting_again_moves_when_it_was_updated(self, store: BaseStore) -> None:
        """``updated_at`` is later after a second ``put``.

        ``Item.updated_at``: "Timestamp of last update."
        """
        store.put(HERE, "tea", {"n": 1})
        first = store.get(HERE, "tea")
        assert first is not None
        before = first.updated_at  # a store may hand out the item that it holds
        self.pass_time(1.1)
        store.put(HERE, "tea", {"n": 2})
        second = store.get(HERE, "tea")
        assert second is not None
        assert second.updated_at > before
        assert second.updated_at >= second.created_at

    def test_times_are_datetimes(self, store: BaseStore) -> None:
        """Both times are ``datetime``, and an item that was put once has never been updated before.

        ``Item.__init__``: ``created_at: datetime``, ``updated_at: datetime``.
        """
        store.put(HERE, "tea", {"n": 1})
        item = store.get(HERE, "tea")
        assert item is not None
        assert isinstance(item.created_at, dt.datetime)
        assert isinstance(item.updated_at, dt.datetime)
        assert item.updated_at >= item.created_at

    @left_open
    def test_times_have_a_time_zone(self, store: BaseStore) -> None:
        """Times are aware, so that they can be compared with those of another machine.

        Left open: the reference says ``datetime``. Stores give UTC.
        """
        store.put(HERE, "tea", {"n": 1})
        item = store.get(HERE, "tea")
        assert item is not None
        assert item.created_at.tzinfo is not None
        assert item.updated_at.tzinfo is not None

    def test_reading_does_not_update(self, store: BaseStore) -> None:
        """``get`` and ``search`` leave ``updated_at`` as it was.

        ``Item.updated_at``: "Timestamp of last update."
        """
        store.put(HERE, "tea", {"n": 1})
        first = store.get(HERE, "tea")
        assert first is not None
        before = first.updated_at
        self.pass_time(1.1)
        store.get(HERE, "tea")
        store.search(HERE)
        again = store.get(HERE, "tea")
        assert again is not None
        assert again.updated_at == before

    def test_what_was_deleted_is_gone(self, store: BaseStore) -> None:
        """A deleted item is neither got nor found, and its neighbours stay.

        ``BaseStore.delete``: "Delete an item."
        """
        store.put(HERE, "tea", {"n": 1})
        store.put(HERE, "coffee", {"n": 2})
        store.delete(HERE, "tea")
        assert store.get(HERE, "tea") is None
        assert [item.key for item in store.search(HERE)] == ["coffee"]

    def test_deleting_what_is_not_there_is_fine(self, store: BaseStore) -> None:
        """Deleting an unknown item does nothing, and twice is like once.

        ``BaseStore.delete``: among what it raises there is no unknown key.
        """
        store.delete(("nobody",), "tea")
        store.put(HERE, "tea", {"n": 1})
        store.delete(HERE, "tea")
        store.delete(HERE, "tea")
        assert store.get(HERE, "tea") is None

    def test_a_deleted_item_can_be_put_anew(self, store: BaseStore) -> None:
        """After ``delete`` the same key is a new item with nothing of the old one.

        ``Item.created_at``: "Timestamp of item creation."
        """
        store.put(HERE, "tea", {"old": 1})
        first = store.get(HERE, "tea")
        store.delete(HERE, "tea")
        self.pass_time(1.1)
        store.put(HERE, "tea", {"new": 2})
        second = store.get(HERE, "tea")
        assert first is not None
        assert second is not None
        assert second.value == {"new": 2}
        assert second.created_at > first.created_at

    def test_search_and_get_agree(self, store: BaseStore) -> None:
        """What ``search`` finds is what ``get`` gives, times included.

        ``SearchItem`` is an ``Item`` "with additional metadata".
        """
        store.put(HERE, "tea", {"likes": "green"})
        got, (found,) = store.get(HERE, "tea"), store.search(HERE)
        assert got is not None
        assert (found.namespace, found.key, found.value) == (got.namespace, got.key, got.value)
        assert (found.created_at, found.updated_at) == (got.created_at, got.updated_at)

    @left_open
    def test_what_was_handed_out_can_be_changed_without_changing_the_store(
        self, store: BaseStore
    ) -> None:
        """Changing the value of an item that was got or found changes nothing that is stored.

        Left open: the reference does not say whose the value is. Stores in a database hand out
        copies.
        """
        store.put(HERE, "tea", {"likes": ["green"]})
        value_of(store.get(HERE, "tea"))["likes"].append("black")
        store.search(HERE)[0].value["likes"].append("white")
        assert value_of(store.get(HERE, "tea")) == {"likes": ["green"]}

    @left_open
    def test_what_was_put_can_be_changed_without_changing_the_store(self, store: BaseStore) -> None:
        """Changing a value after ``put`` changes nothing that is stored.

        Left open: the reference does not say whose the value is. Stores in a database copy it.
        """
        value = {"likes": ["green"]}
        store.put(HERE, "tea", value)
        value["likes"].append("black")
        assert value_of(store.get(HERE, "tea")) == {"likes": ["green"]}
