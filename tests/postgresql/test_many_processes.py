"""Processes that share users: nothing lost, doubled, out of order, or another's."""

import contextlib
import importlib
from pathlib import Path

import pytest

from pgbouncer import pooled
from thorough import cases

pytestmark = pytest.mark.slow

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "many_processes.py"


@pytest.mark.parametrize("between", ["nothing", "pgbouncer"])
def test_mixed_work_of_processes_on_shared_users(
    postgresql_database, tmp_path, monkeypatch, between
):
    monkeypatch.syspath_prepend(str(BENCHMARK.parent))
    many = importlib.import_module("many_processes")
    with contextlib.ExitStack() as ending:
        url = postgresql_database
        if (
            between == "pgbouncer"
        ):  # in transaction mode, with fewer sessions than there are threads
            url = ending.enter_context(pooled(url, connections=4))
        found = many.measured(url, tmp_path, processes=3, threads=3, seconds=cases(40))
    wrong = ("lost", "doubled", "out of order", "of forgotten", "foreign", "not found", "errors")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0), found["which"]
    assert found["add"]
