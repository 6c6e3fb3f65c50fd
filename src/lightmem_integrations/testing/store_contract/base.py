"""Fixtures that the tests of the contract share, and the mark of what the reference leaves open."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import pytest
from langgraph.store.base import BaseStore, Item
from langgraph.store.base.batch import AsyncBatchedBaseStore

Test = TypeVar("Test")


class Contract:
    """One store for each test, and which of the tests may fail."""

    judges_open: ClassVar[bool] = False
    awaitable: ClassVar[bool] = True
    known_failures: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def store(self) -> BaseStore:
        """An empty store; to be overridden."""
        raise NotImplementedError(
            f"{type(self).__name__} has no fixture 'store'. Write one that gives an empty store."
        )

    @pytest.fixture
    def indexed_store(self) -> BaseStore:
        """An empty store that searches by meaning; to be overridden where there is one."""
        return pytest.skip("no fixture 'indexed_store': search by meaning is not tested")

    @pytest.fixture
    def expiring_store(self) -> BaseStore:
        """An empty store whose items end; to be overridden where there is one."""
        return pytest.skip("no fixture 'expiring_store': time to live is not tested")

    def pass_time(self, seconds: float) -> None:
        """Let time pass for the store; override it where a clock can be turned."""
        time.sleep(seconds)

    @pytest.fixture(autouse=True)
    def _may_fail(self, request: pytest.FixtureRequest) -> None:
        if getattr(request.function, "left_open", False) and not self.judges_open:
            pytest.skip("left open by LangGraph's reference; 'judges_open = True' tests it as well")
        if getattr(request.function, "awaits", False) and not self.awaitable:
            pytest.skip("'awaitable = False': the awaitable twins are not tested")
        for name in (request.node.name, request.function.__name__):
            if reason := self.known_failures.get(name):
                request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
                break
        for name in {"store", "indexed_store", "expiring_store"} & {*request.fixturenames}:
            opened = request.getfixturevalue(name)
            # It would wait for the loop for good, such as for that of an asynchronous fixture.
            if isinstance(opened, AsyncBatchedBaseStore) and not opened._loop.is_running():
                pytest.fail(
                    f"the event loop that the fixture '{name}' opened its store on does not run "
                    "during a test: open the store with store_contract.on_a_loop(...)"
                )


def left_open(test: Test) -> Test:
    """Marks a test of what the reference does not say: skipped unless a class judges it."""
    setattr(test, "left_open", True)  # noqa: B010 - a function has no such attribute to a checker
    return test


def awaits(test: Test) -> Test:
    """Marks a test of awaitable twins: skipped where a class says that a store has none."""
    setattr(test, "awaits", True)  # noqa: B010 - as above
    return test


def keys(items: Iterable[Item]) -> list[str]:
    """Keys of items, in their order."""
    return [item.key for item in items]


def value_of(item: Item | None) -> dict[str, Any]:
    """What an item that must be there holds."""
    assert item is not None, "the item is not there"
    return item.value
