"""Contract suite for vector indexes: what ``VectorIndex`` promises, as tests that you inherit.

Give a class a fixture ``index``, and pytest finds the tests::

    import pytest
    from lightmem_integrations import ExactIndex
    from lightmem_integrations.testing.index_contract import IndexContract

    class TestMyIndex(IndexContract):
        @pytest.fixture
        def index(self):
            return ExactIndex()

Needs pytest: extra ``contract``.
"""

from __future__ import annotations

from lightmem_integrations.testing.needed import need

need("IndexContract", "pytest")

import pytest  # noqa: E402

# Before it is imported, or a failed assertion would not show its values.
pytest.register_assert_rewrite(f"{__name__}.suite")

from lightmem_integrations.testing.index_contract.suite import (  # noqa: E402
    A,
    IndexContract,
    batch,
    ids,
    vectors,
)

__all__ = ["A", "IndexContract", "batch", "ids", "vectors"]
