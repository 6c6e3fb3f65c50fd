"""The contract of LangGraph stores, on ours and on the one that comes with LangGraph.

Those in SQLite and PostgreSQL are in ``langgraph_stores.py``, which ``make conformance`` runs.
"""

import pytest
from langgraph.store.memory import InMemoryStore
from sqlalchemy import make_url

from judged_store import NAMES, JudgedStore, emptied
from lightmem_integrations import Settings
from lightmem_integrations.langchain import LightMemStore
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.sqlite.ledger import SqliteLedger
from lightmem_integrations.testing.store_contract import INDEX

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sqlite("opens each store where it belongs, on both databases"),
]

IN_MEMORY = {
    "test_a_batch_with_a_bad_operation_does_nothing": "checks no namespace in a batch",
    "test_a_namespace_that_was_only_read_is_not_there": "a get makes an entry of a defaultdict",
    "test_a_namespace_without_items_is_not_listed": "keeps the namespace of a deleted item",
    "test_a_comparison_within_an_object": "compares what lacks the field: TypeError",
    "test_equal_texts_are_items_of_their_own": "a batch with one text twice raises ValueError",
    "test_putting_again_keeps_when_it_was_created": "makes a new item at every put",
    "test_texts_are_compared_as_texts": "compares numbers only: ValueError",
    "test_the_last_written_comes_first": "gives items in the order of their first put",
    "test_what_is_not_indexed_is_no_result_of_a_question": "fills pages with items without score",
    "test_what_was_handed_out_can_be_changed_without_changing_the_store": "hands out its own",
    "test_what_was_put_can_be_changed_without_changing_the_store": "copies one level only",
} | {
    f"test_what_lacks_the_field_hinders_no_other[{name}]": "compares None: TypeError"
    for name in ("gt", "gte", "lt", "lte")
}
LIGHT_MEM = {
    f"test_any_key_of_a_value_can_be_asked_for[{name}]": "refuses the name: the tests of "
    "LangGraph's SqliteStore, which it passes, ask for that"
    for name in NAMES
}


class TestInMemoryStore(JudgedStore):
    known_failures = IN_MEMORY

    @pytest.fixture
    def store(self):
        return InMemoryStore()

    @pytest.fixture
    def indexed_store(self):
        return InMemoryStore(index=INDEX)

    @pytest.fixture
    def expiring_store(self):
        pytest.skip("InMemoryStore has no time to live")


@pytest.fixture(scope="class")
def opened_once():
    """Stores of ours by how they were opened, which takes a second."""
    opened = {}

    def opened_once(place, **options):
        key = (place, *options)
        if key not in opened:
            if place is not None:  # a schema for each embedder
                schema = {"schema": "_".join(["of", *options])}
                url = make_url(place).update_query_dict(schema)
                place = url.render_as_string(hide_password=False)
            settings = Settings(background_indexing=False)
            options.setdefault("index", False)
            opened[key] = LightMemStore.from_path(place, settings=settings, **options)
        return emptied(opened[key])

    yield opened_once
    for store in opened.values():
        store.close()


class _Ours(JudgedStore):
    """Time passes when a test says so: the store asks its ledger for it."""

    known_failures = LIGHT_MEM

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch):
        self.passed = 0.0
        for ledger in (SqliteLedger, PostgresLedger):
            now = ledger.now
            monkeypatch.setattr(ledger, "now", lambda it, now=now: now(it) + self.passed)

    def pass_time(self, seconds):
        self.passed += seconds

    @pytest.fixture
    def opening(self, place, opened_once):
        return lambda **options: opened_once(place, **options)


class TestLightMemStoreInAFolder(_Ours):
    @pytest.fixture
    def place(self):
        return None


class TestLightMemStoreOnPostgreSQL(_Ours):
    @pytest.fixture
    def place(self, database):
        return database
