"""Contract suite for LangGraph stores: what ``BaseStore`` promises, as tests that you inherit.

A class with one fixture is all that a store of your own needs; pytest finds the tests::

    import pytest
    from langgraph.store.memory import InMemoryStore
    from lightmem_integrations.testing.store_contract import StoreContract

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            return InMemoryStore()

Each test's docstring says what is promised and where LangGraph says it, in names of
``langgraph.store.base``. What the reference leaves open begins with "Left open" and is skipped,
unless the class says ``judges_open = True``: such a test holds a store to the one reading that its
docstring names.

Needs pytest, LangGraph and, for the invariants, Hypothesis: extra ``contract``.
"""

from __future__ import annotations

import pkgutil

from lightmem_integrations.testing.needed import need

need("StoreContract", "pytest", "langgraph", "hypothesis")

import pytest  # noqa: E402

# Before they are imported, or a failed assertion would not show its values.
pytest.register_assert_rewrite(
    *(f"{__name__}.{each.name}" for each in pkgutil.iter_modules(__path__))
)

from lightmem_integrations.testing.store_contract.batches import Batches  # noqa: E402
from lightmem_integrations.testing.store_contract.concurrency import Concurrency  # noqa: E402
from lightmem_integrations.testing.store_contract.embeddings import INDEX  # noqa: E402
from lightmem_integrations.testing.store_contract.expiry import TTL, Expiry  # noqa: E402
from lightmem_integrations.testing.store_contract.filters import Filters  # noqa: E402
from lightmem_integrations.testing.store_contract.invariants import Invariants  # noqa: E402
from lightmem_integrations.testing.store_contract.isolation import Isolation  # noqa: E402
from lightmem_integrations.testing.store_contract.items import Items  # noqa: E402
from lightmem_integrations.testing.store_contract.meaning import Meaning  # noqa: E402
from lightmem_integrations.testing.store_contract.namespaces import Namespaces  # noqa: E402
from lightmem_integrations.testing.store_contract.on_a_loop import on_a_loop  # noqa: E402
from lightmem_integrations.testing.store_contract.paging import Paging  # noqa: E402
from lightmem_integrations.testing.store_contract.refusals import Refusals  # noqa: E402
from lightmem_integrations.testing.store_contract.twins import Twins  # noqa: E402
from lightmem_integrations.testing.store_contract.values import Values  # noqa: E402

__all__ = ["INDEX", "TTL", "StoreContract", "on_a_loop"]


class StoreContract(
    Items,
    Values,
    Isolation,
    Namespaces,
    Refusals,
    Filters,
    Paging,
    Batches,
    Twins,
    Concurrency,
    Expiry,
    Meaning,
    Invariants,
):
    """All tests of a store. Inherit it in a class whose name begins with ``Test``.

    Fixtures to override, each called anew for every test:

    * ``store``: an empty store.
    * ``indexed_store``: an empty store that searches by meaning as ``INDEX`` says. Without it
      the tests of search by meaning are skipped.
    * ``expiring_store``: an empty store opened with ``TTL``. Without it the tests of time to
      live are skipped.

    Attributes:
        judges_open: Whether to test what the reference leaves open as well.
        awaitable: Whether the store can be awaited; LangGraph's ``SqliteStore`` cannot.
        known_failures: Tests that are known to fail, by name, and why: they are strict ``xfail``,
            so that a store which mends one is told to take it out.
    """
