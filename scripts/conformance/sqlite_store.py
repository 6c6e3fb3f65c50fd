"""Pytest plugin: where LangGraph's tests import their SQLite stores, they get LightMemStore."""

import shutil
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from stand_in import AsyncStore, IndexConfig, module

from lightmem_integrations.langchain import LightMemStore

_FOLDERS = Path(tempfile.mkdtemp(prefix="lightmem-conformance-"))


def _options(conn_string, index, ttl):
    path = None if conn_string == ":memory:" else _FOLDERS / Path(conn_string).name
    # Upstream embeds nothing unless it is told how.
    return {"path": path, "index": index or False, "ttl": ttl}


class SqliteStore(LightMemStore):
    @classmethod
    @contextmanager
    def from_conn_string(cls, conn_string, *, index=None, ttl=None):
        with cls.from_path(**_options(conn_string, index, ttl)) as store:
            yield store

    def setup(self):
        """Nothing is left to do."""


class AsyncSqliteStore(AsyncStore):
    @classmethod
    @asynccontextmanager
    async def from_conn_string(cls, conn_string, *, index=None, ttl=None):
        async with cls.from_path(**_options(conn_string, index, ttl)) as store:
            yield store

    async def setup(self):
        """Nothing is left to do."""


_stores = {"SqliteStore": SqliteStore, "AsyncSqliteStore": AsyncSqliteStore}
_base = module(
    "langgraph.store.sqlite.base",
    SqliteIndexConfig=IndexConfig,
    # Functions of SQLite's own, whose tests are left out; only their names are needed.
    NS_MATCH_FUNCTION="",
    BaseSqliteStore=None,
    _escape_glob_literal=None,
    _namespace_match_pattern=None,
)
module("langgraph.store.sqlite", base=_base, **_stores)
module("langgraph.store.sqlite.aio", AsyncSqliteStore=AsyncSqliteStore)


def pytest_configure(config):
    config.addinivalue_line("markers", "flaky(retries): upstream runs it again if it fails")


def pytest_sessionfinish():
    shutil.rmtree(_FOLDERS, ignore_errors=True)
