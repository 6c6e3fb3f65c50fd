"""Pytest plugin: where LangGraph's tests import their SQLite stores, they get LightMemStore."""

import shutil
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TypedDict

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


class AsyncSqliteStore(LightMemStore):
    @classmethod
    @asynccontextmanager
    async def from_conn_string(cls, conn_string, *, index=None, ttl=None):
        async with cls.from_path(**_options(conn_string, index, ttl)) as store:
            yield store

    async def setup(self):
        """Nothing is left to do."""

    # Upstream's class has these under the names of its synchronous twin.
    async def sweep_ttl(self):
        return await self.asweep_ttl()

    async def start_ttl_sweeper(self, sweep_interval_minutes=None):
        return super().start_ttl_sweeper(sweep_interval_minutes)

    async def stop_ttl_sweeper(self, timeout=None):
        return super().stop_ttl_sweeper(timeout)


class SqliteIndexConfig(TypedDict, total=False):
    """Used for annotations only."""


def _module(name, **members):
    module = ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module
    return module


_stores = {"SqliteStore": SqliteStore, "AsyncSqliteStore": AsyncSqliteStore}
_base = _module(
    "langgraph.store.sqlite.base",
    SqliteIndexConfig=SqliteIndexConfig,
    # Functions of SQLite's own, whose tests are left out; only their names are needed.
    NS_MATCH_FUNCTION="",
    BaseSqliteStore=None,
    _escape_glob_literal=None,
    _namespace_match_pattern=None,
)
_module("langgraph.store.sqlite", base=_base, **_stores)
_module("langgraph.store.sqlite.aio", AsyncSqliteStore=AsyncSqliteStore)


def pytest_configure(config):
    config.addinivalue_line("markers", "flaky(retries): upstream runs it again if it fails")


def pytest_sessionfinish():
    shutil.rmtree(_FOLDERS, ignore_errors=True)
