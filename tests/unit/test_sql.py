"""Lists of any length in statements that SQLite accepts."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import create_engine, literal, select

from lightmem_integrations.storage.sql import in_batches


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7])
def test_every_value_comes_once_in_order(count: int) -> None:
    batches = list(in_batches(range(count), 3))
    assert list(itertools.chain.from_iterable(batches)) == list(range(count))
    assert all(0 < len(batch) <= 3 for batch in batches)


def test_sqlite_takes_a_batch_bound_twice_where_it_refuses_the_whole_list() -> None:
    values = list(range(40_000))
    first, last = literal(values[0]), literal(values[-1])
    found = 0
    with create_engine("sqlite://").connect() as connection:
        for batch in in_batches(values):
            query = select(first.in_(batch) | last.in_(batch))
            found += bool(connection.execute(query).scalar_one())
    assert found == 2
