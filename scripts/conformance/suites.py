"""What is run: whose tests, with which plugin, how many must pass, and what is left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests of one source distribution, or of this repository if ``package`` is empty.

    Attributes:
        name: What the table calls it.
        tests: Files or folders, as pytest takes them.
        passed: How many must pass, at the versions for which this was written.
        package: The distribution that has the tests.
        version: Which one, where that package need not be installed itself.
        plugin: The module of this folder that puts our class in place of theirs.
        left_out: Tests that are not run, by their id, and why.
        compared: Whether what fails is run once more without the plugin, and only what fails with
            it alone counts.
        changed: Tests that may fail with the plugin alone, by a part of their id, and why.
        processes: How many share the tests, of which some only wait.
    """

    name: str
    tests: tuple[str, ...]
    passed: int
    package: str = ""
    version: str = ""
    plugin: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    compared: bool = False
    changed: Mapping[str, str] = field(default_factory=dict)
    processes: int = 1


_SQLITE = {
    "tests/test_store.py::test_vector_store_initialization": "looks for tables through store.conn",
    "tests/test_store.py::test_nonnull_migrations": "reads SqliteStore.MIGRATIONS",
    "tests/test_store.py::test_escape_glob_literal": "calls a function that writes SQLite's GLOB",
    "tests/test_store.py::test_namespace_match_pattern": "calls one that writes a SQL pattern",
    "tests/test_store.py::test_list_namespaces_prefix_uses_indexable_condition": "reads SQL text",
}

_POSTGRES = {
    "tests/test_store.py::test_escape_like_literal": "calls a function that writes SQL's LIKE",
    "tests/test_store.py::test_namespace_match_pattern": "calls one that writes a SQL pattern",
    "tests/test_store.py::test_nonnull_migrations": "reads PostgresStore.MIGRATIONS",
    "tests/test_async_store.py::test_abatch_uses_single_pool_checkout": "counts the calls of a "
    "function of langgraph.checkpoint.postgres; tests/langchain/test_store_postgresql.py counts "
    "connections",
} | {
    f"tests/test_async_store.py::{test}[pipe]": "as [default], again with thousands of operations: "
    "ours has no pipeline to turn on"
    for test in ("test_large_batches", "test_large_batches_async")
}

SUITES = (
    # First, at the same time, the two that mostly wait.
    Suite(
        name="LangGraph: PostgreSQL store",
        package="langgraph-checkpoint-postgres",
        version="3.2.0",
        tests=("tests/test_store.py", "tests/test_async_store.py"),
        plugin="postgres_store",
        passed=293,  # of 297
        left_out=_POSTGRES,
        processes=4,
    ),
    Suite(
        name="our contract: LangGraph's stores",
        tests=("tests/contract/langgraph_stores.py",),
        passed=920,
        processes=4,
    ),
    Suite(
        name="langchain-tests: retriever",
        tests=("tests/langchain/test_retriever.py::TestLangChainAcceptance",),
        passed=5,
    ),
    Suite(
        name="langchain-tests: tools",
        tests=tuple(
            f"tests/langchain/test_toolkit.py::Test{tool}{kind}"
            for tool in ("Search", "Remember", "Forget", "Correct")
            for kind in ("Unit", "Integration")
        ),
        passed=44,  # 11 for each of the four tools
    ),
    Suite(
        name="LangGraph: SQLite store",
        package="langgraph-checkpoint-sqlite",
        version="3.1.2",
        tests=("tests/test_store.py", "tests/test_async_store.py"),
        plugin="sqlite_store",
        passed=137,
        left_out=_SQLITE,
    ),
    Suite(
        name="LangGraph: SQLite store, time to live",
        package="langgraph-checkpoint-sqlite",
        version="3.1.2",
        tests=("tests/test_ttl.py",),
        plugin="sqlite_store",
        processes=2,  # they sleep, and what other work makes late is tried once more
        passed=10,
        left_out={
            "tests/test_ttl.py::test_ttl_override_default": "expects no refresh on read where "
            "refresh_on_read is not set; TTLConfig says that it is True then",
        },
    ),
    Suite(
        name="langchain-classic: memory",
        package="langchain-classic",
        tests=(
            "tests/unit_tests/chains/test_conversation.py",
            "tests/unit_tests/chains/test_memory.py",
            "tests/unit_tests/memory/test_combined_memory.py",
        ),
        plugin="classic_memory",
        passed=21,
    ),
    Suite(
        name="langchain-core: message history",
        package="langchain-core",
        tests=(
            "tests/unit_tests/runnables/test_history.py",
            "tests/unit_tests/chat_history/test_chat_history.py",
        ),
        plugin="chat_history",
        passed=29,
    ),
    Suite(
        name="langchain: agents, our middleware first",
        package="langchain",
        tests=("tests/unit_tests/agents",),
        plugin="agents",
        passed=1_100,
        compared=True,
        changed={
            "test_async_middleware_with_can_jump_to_graph_snapshot": "draws the agent's graph, "
            "in which our middleware is a node",
            "test_diagram::test_create_agent_diagram": "draws the agent's graph, likewise",
        },
    ),
)
