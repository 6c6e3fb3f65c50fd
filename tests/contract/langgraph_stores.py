"""The contract of LangGraph stores, on LangGraph's own in SQLite and PostgreSQL.

Not found by itself: ``make conformance`` names it, since it takes minutes and tests nothing of ours
but the contract.
"""

import sqlite3
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy import make_url

from judged_store import NAMES, JudgedStore, emptied
from lightmem_integrations.testing.store_contract import INDEX, on_a_loop

OBJECTS = {
    "test_a_filter_chooses[object]": "takes every object in a filter for operators",
    "test_an_object_matches_a_part_of_an_object": "takes every object in a filter for operators",
    "test_a_comparison_within_an_object": "takes every object in a filter for operators",
}
SQLITE = (
    OBJECTS
    | {
        "test_a_field_that_is_missing_is_skipped": "reads 'text_fields', and embeds all of a value",
        "test_a_json_value_comes_back_as_it_was[beyond 64 bits]": "orjson refuses the number",
        "test_a_limit_and_an_offset_page_through_the_ranking": "ranks twice the limit at most",
        "test_putting_again_keeps_when_it_was_created": "INSERT OR REPLACE makes a new row",
        "test_times_have_a_time_zone": "times are naive",
        "test_what_is_over_is_not_returned_before_it_is_swept": "has no omit_expired",
        "test_what_lacks_the_field_is_not_equal": "NULL is not unequal in SQL",
    }
    | {
        f"test_any_key_of_a_value_can_be_asked_for[{name}]": "refuses it, or takes it for a path"
        for name in (*NAMES, "a.b", r"\xe9\u6771")
    }
)
POSTGRES = OBJECTS | {
    "test_a_json_value_comes_back_as_it_was[zero byte]": "jsonb holds no zero byte",
    "test_a_limit_and_an_offset_page_through_the_ranking": "ranks twice the limit at most",
    "test_pages_are_always_the_whole": "sorts by updated_at alone, which a batch shares",
    "test_pages_of_items_written_at_once_are_the_whole": "sorts by updated_at alone",
    "test_reading_puts_the_end_off": "keeps whole minutes: a refresh ends a shorter item at once",
    "test_what_lacks_the_field_is_not_equal": "NULL is not unequal in SQL",
} | {
    f"test_a_filter_chooses[{name}]": "compares numbers as texts"
    for name in (
        "gt", "gt is not gte", "gt of a fraction", "gte", "lt", "lte",
        "numbers are not compared as texts", "range",
    )
}  # fmt: skip


@contextmanager
def with_tables(opening):
    """A store of LangGraph's, set up."""
    with opening as store:
        store.setup()
        yield store


@asynccontextmanager
async def with_tables_awaited(cls, place, **options):
    async with cls.from_conn_string(place, **options) as store:
        await store.setup()
        yield store


class TestSqliteStore(JudgedStore):
    known_failures = SQLITE
    awaitable = False

    @pytest.fixture
    def opening(self, tmp_path):
        module = pytest.importorskip("langgraph.store.sqlite")

        def opening(**options):
            place = str(tmp_path / "store.db")
            return with_tables(module.SqliteStore.from_conn_string(place, **options))

        return opening

    @pytest.fixture
    def indexed_store(self, opening):
        if not hasattr(sqlite3.Connection, "enable_load_extension"):
            pytest.skip("this Python's sqlite3 loads no extension, and SqliteStore needs one")
        with opening(index=INDEX) as store:
            yield store


class TestAsyncSqliteStore(JudgedStore):
    known_failures = SQLITE

    @pytest.fixture
    def opening(self, tmp_path):
        module = pytest.importorskip("langgraph.store.sqlite.aio")

        def opening(**options):
            place = str(tmp_path / "store.db")
            return on_a_loop(with_tables_awaited(module.AsyncSqliteStore, place, **options))

        return opening

    @pytest.fixture
    def indexed_store(self):
        pytest.skip("searches by the SQL of SqliteStore")

    @pytest.fixture
    def expiring_store(self):
        pytest.skip("expires by the SQL of SqliteStore")


class TestPostgresStore(JudgedStore):
    known_failures = POSTGRES

    @pytest.fixture
    def opening(self, database):
        module = pytest.importorskip("langgraph.store.postgres")
        url = make_url(database).set(drivername="postgresql")
        place = url.render_as_string(hide_password=False)

        @contextmanager
        def opening(**options):
            opened = module.PostgresStore.from_conn_string(place, **options)
            with with_tables(opened) as store, emptied(store):
                yield store

        return opening


class TestAsyncPostgresStore(JudgedStore):
    known_failures = POSTGRES

    @pytest.fixture
    def opening(self, database):
        module = pytest.importorskip("langgraph.store.postgres.aio")
        url = make_url(database).set(drivername="postgresql")
        place = url.render_as_string(hide_password=False)

        @contextmanager
        def opening(**options):
            opened = with_tables_awaited(module.AsyncPostgresStore, place, **options)
            with on_a_loop(opened) as store, emptied(store):
                yield store

        return opening

    @pytest.fixture
    def expiring_store(self):
        pytest.skip("expires by the SQL of PostgresStore")
