"""Lists of any length in statements that SQLite accepts."""

from __future__ import annotations

import itertools

import pytest

from lightmem_integrations.storage.sql import in_batches


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7])
def test_every_value_comes_once_in_order(count: int) -> None:
    batches = list(in_batches(range(count), 3))
    assert list(itertools.chain.from_iterable(batches)) == list(range(count))
    assert all(0 < len(batch) <= 3 for batch in batches)
