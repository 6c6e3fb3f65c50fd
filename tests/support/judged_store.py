"""A store held to the whole contract of LangGraph stores, by one way of opening it."""

from contextlib import contextmanager

import pytest
from langgraph.store.base import PutOp

from lightmem_integrations.testing.store_contract import INDEX, TTL, StoreContract

# Names of fields that a filter can hardly ask for in SQL.
NAMES = ("with space", "it's", 'say "hi"', "$dollar", "a[0]", "")


class JudgedStore(StoreContract):
    """Three stores by one way of opening; what the reference leaves open is judged as well."""

    judges_open = True

    @pytest.fixture
    def opening(self):
        raise NotImplementedError

    @pytest.fixture
    def store(self, opening):
        with opening() as store:
            yield store

    @pytest.fixture
    def indexed_store(self, opening):
        with opening(index=INDEX) as store:
            yield store

    @pytest.fixture
    def expiring_store(self, opening):
        with opening(ttl=TTL) as store:
            yield store


@contextmanager
def emptied(store):
    """A store whose items are gone at the end."""
    yield store
    left = store.search((), limit=10_000)
    store.batch([PutOp(item.namespace, item.key, None) for item in left])
