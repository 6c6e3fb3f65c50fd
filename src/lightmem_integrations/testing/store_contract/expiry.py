"""Time to live: what ends, what puts the end off, and what is said to last."""

from __future__ import annotations

from langgraph.store.base import BaseStore, TTLConfig

from lightmem_integrations.testing.store_contract.base import Contract, keys, left_open, value_of

HERE = ("expiring",)
SECONDS = 5.0
ALMOST = 3.3  # twice it is over; once, in a store of whole seconds, it is not
OVER = 1.5

#: What ``expiring_store`` is to be opened with. Minutes, as in LangGraph.
TTL: TTLConfig = {
    "default_ttl": SECONDS / 60,
    "refresh_on_read": True,
    "omit_expired": True,
}


class Expiry(Contract):
    """``TTLConfig`` and the ``ttl`` of ``put``. Sweeping itself is no part of ``BaseStore``."""

    def sweep(self, store: BaseStore) -> None:
        """Delete what is over, where the store has a way; ``omit_expired`` must do elsewhere."""
        if sweep := getattr(store, "sweep_ttl", None):
            sweep()

    def test_it_says_so(self, expiring_store: BaseStore) -> None:
        """A store with time to live has ``supports_ttl``.

        ``BaseStore``: "Subclasses must explicitly set `supports_ttl = True`".
        """
        assert expiring_store.supports_ttl

    def test_the_default_ends_an_item(self, expiring_store: BaseStore) -> None:
        """An item without a ``ttl`` of its own ends after ``default_ttl``.

        ``TTLConfig.default_ttl``: "new items will expire after this many minutes after their last
        access".
        """
        expiring_store.put(HERE, "k", {"n": 1})
        assert value_of(expiring_store.get(HERE, "k", refresh_ttl=False)) == {"n": 1}
        self.pass_time(SECONDS + OVER)
        self.sweep(expiring_store)
        assert expiring_store.get(HERE, "k") is None
        assert expiring_store.search(HERE) == []

    def test_an_item_has_a_time_of_its_own(self, expiring_store: BaseStore) -> None:
        """``ttl`` of ``put`` takes the place of the default, and ``None`` is for good.

        ``BaseStore.put``: "the item will expire after this many minutes", "None means no
        expiration".
        """
        expiring_store.put(HERE, "default", {"n": 1})
        expiring_store.put(HERE, "long", {"n": 1}, ttl=60)
        expiring_store.put(HERE, "for good", {"n": 1}, ttl=None)
        self.pass_time(SECONDS + OVER)
        self.sweep(expiring_store)
        assert sorted(keys(expiring_store.search(HERE))) == ["for good", "long"]

    @left_open
    def test_what_is_over_is_not_returned_before_it_is_swept(
        self, expiring_store: BaseStore
    ) -> None:
        """With ``omit_expired`` neither ``get``, ``search`` nor the listing shows what is over.

        Left open: ``TTLConfig.omit_expired`` holds "if the store supports this option". Then
        "expired items will not be returned by `GET` or `SEARCH`, or included in namespace
        listings, even before a TTL sweep deletes them".
        """
        expiring_store.put(HERE, "k", {"n": 1})
        expiring_store.put(("lasting",), "k", {"n": 1}, ttl=None)
        self.pass_time(SECONDS + OVER)
        assert expiring_store.get(HERE, "k") is None
        assert expiring_store.search(HERE) == []
        assert expiring_store.list_namespaces() == [("lasting",)]

    def test_reading_puts_the_end_off(self, expiring_store: BaseStore) -> None:
        """``get`` and ``search`` refresh what they return.

        ``TTLConfig.refresh_on_read``: "TTLs will be refreshed on read operations (get/search) by
        default".
        """
        for key in ("got", "found"):
            expiring_store.put((*HERE, key), "k", {"n": 1})
        expiring_store.put((*HERE, "left"), "k", {"n": 1})
        self.pass_time(ALMOST)
        assert expiring_store.get((*HERE, "got"), "k") is not None
        assert len(expiring_store.search((*HERE, "found"))) == 1
        self.pass_time(ALMOST)
        self.sweep(expiring_store)
        left = sorted(item.namespace[-1] for item in expiring_store.search(HERE))
        assert left == ["found", "got"]

    def test_reading_may_leave_the_end_as_it_is(self, expiring_store: BaseStore) -> None:
        """``refresh_ttl=False`` refreshes nothing.

        ``TTLConfig.refresh_on_read``: "can be overridden per-operation by explicitly setting
        `refresh_ttl`".
        """
        for key in ("got", "found"):
            expiring_store.put((*HERE, key), "k", {"n": 1})
        self.pass_time(ALMOST)
        assert expiring_store.get((*HERE, "got"), "k", refresh_ttl=False) is not None
        assert len(expiring_store.search((*HERE, "found"), refresh_ttl=False)) == 1
        self.pass_time(ALMOST)
        self.sweep(expiring_store)
        assert expiring_store.search(HERE) == []

    def test_writing_puts_the_end_off(self, expiring_store: BaseStore) -> None:
        """A second ``put`` begins the time anew.

        ``TTLConfig.default_ttl``: "The expiration timer refreshes on both read and write
        operations."
        """
        expiring_store.put(HERE, "k", {"n": 1})
        self.pass_time(ALMOST)
        expiring_store.put(HERE, "k", {"n": 2})
        self.pass_time(ALMOST)
        self.sweep(expiring_store)
        assert value_of(expiring_store.get(HERE, "k")) == {"n": 2}

    def test_what_is_over_can_be_written_anew(self, expiring_store: BaseStore) -> None:
        """A ``put`` on a key that is over is a living item.

        ``BaseStore.put``: "Store or update an item in the store."
        """
        expiring_store.put(HERE, "k", {"n": 1})
        self.pass_time(SECONDS + OVER)
        expiring_store.put(HERE, "k", {"n": 2})
        self.sweep(expiring_store)
        assert value_of(expiring_store.get(HERE, "k")) == {"n": 2}
