"""Pytest plugin: where LangGraph's tests import their PostgreSQL stores, they get LightMemStore.

A server of the run's own stands in for the one that they expect on a port of theirs. Where they
look into the table of their class, they find a view of ours: nothing of the store reads it.
"""

import os
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url
from stand_in import AsyncStore, IndexConfig, module

from lightmem_integrations.langchain import LightMemStore

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "support"))
shared_server = import_module("postgresql").shared_server
_FOLDER = Path(tempfile.mkdtemp(prefix="lightmem-conformance-"))
_SERVER = shared_server(_FOLDER, os.getpid())
os.environ["LIGHTMEM_TEST_POSTGRES"] = _SERVER  # pytest's other processes take it from here
_PLAIN = make_url(_SERVER).set(drivername="postgres")
# Upstream's own fixtures; their server would be on a port that may be taken here.
_PLACE = {"DEFAULT_URI": _PLAIN.render_as_string(hide_password=False)}
vars(import_module("tests.conftest")).update(_PLACE)

_VIEW = """
CREATE OR REPLACE VIEW store AS
SELECT d.id, d.name AS key, to_timestamp(d.expires_at) AS expires_at,
    to_timestamp(d.updated_at) AS updated_at,
    array_to_string(ARRAY(SELECT json_array_elements_text(n.path::json)), '.') AS prefix
FROM lightmem.documents d JOIN lightmem.namespaces n ON n.id = d.namespace;

CREATE OR REPLACE FUNCTION write_store() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE lightmem.documents SET expires_at = extract(epoch FROM NEW.expires_at),
        updated_at = extract(epoch FROM NEW.updated_at) WHERE id = OLD.id;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER write_store INSTEAD OF UPDATE ON store
FOR EACH ROW EXECUTE FUNCTION write_store();
"""


def _opened(cls, conn_string, pool_config, index, ttl):
    url = make_url(conn_string)
    if pool_config:
        size = {"pool_size": str(pool_config["max_size"]), "max_overflow": "0"}
        url = url.update_query_dict(size)
    # Upstream embeds nothing unless it is told how.
    store = cls.from_path(url.render_as_string(hide_password=False), index=index or False, ttl=ttl)
    vars(store).update(conn_string=conn_string, MIGRATIONS=())
    return store


class PostgresStore(LightMemStore):
    @classmethod
    @contextmanager
    def from_conn_string(cls, conn_string, *, pool_config=None, index=None, ttl=None, **_pipeline):
        with _opened(cls, conn_string, pool_config, index, ttl) as store:
            yield store

    def setup(self):
        """Nothing is left to do, but for the view."""
        with self._cursor() as cursor:
            cursor.execute(_VIEW)

    @contextmanager
    def _cursor(self):
        with (
            psycopg.connect(self.conn_string, autocommit=True, row_factory=dict_row) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor


class AsyncPostgresStore(AsyncStore):
    @classmethod
    @asynccontextmanager
    async def from_conn_string(
        cls, conn_string, *, pool_config=None, index=None, ttl=None, **_pipeline
    ):
        async with _opened(cls, conn_string, pool_config, index, ttl) as store:
            yield store

    async def setup(self):
        """Nothing is left to do, but for the view."""
        async with self._cursor() as cursor:
            await cursor.execute(_VIEW)

    @asynccontextmanager
    async def _cursor(self):
        connect = psycopg.AsyncConnection.connect
        async with (
            await connect(self.conn_string, autocommit=True, row_factory=dict_row) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor


_stores = {"PostgresStore": PostgresStore, "AsyncPostgresStore": AsyncPostgresStore}
module("langgraph.store.postgres", **_stores)
# Functions of PostgresStore's own, whose tests are left out; only their names are needed.
module(
    "langgraph.store.postgres.base",
    PostgresIndexConfig=IndexConfig,
    _escape_like_literal=None,
    _namespace_match_pattern=None,
)
module("langgraph.checkpoint.postgres", _ainternal=None)


def pytest_sessionfinish():
    shutil.rmtree(_FOLDER, ignore_errors=True)
