"""LightMemStore beside LangGraph's InMemoryStore: the same operations, the same results."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
    validate_op_namespace,
)
from langgraph.store.memory import InMemoryStore

from lightmem_integrations.langchain import LightMemStore
from lightmem_integrations.testing import HashEmbedder

EMBEDDER = HashEmbedder(32)
LABELS = st.one_of(
    st.sampled_from(["a", "b", "A", "ab", "*", "%", "_", "a/b", "ä", "a ", "\n", '"', "ann@x"]),
    st.text(min_size=1, max_size=4),
)
PATHS = st.lists(LABELS, min_size=1, max_size=4).map(tuple)
PREFIXES = st.lists(LABELS, max_size=3).map(tuple)
KEYS = st.sampled_from(["k", "k2", "", "K", "k.2"])
WORDS = st.sampled_from(["heron", "train", "piano", "heron train", "river piano winter"])
NUMBERS = st.one_of(st.integers(-3, 3), st.floats(-3, 3), st.just(math.inf))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(["x", "y", ""]))
VALUES = st.fixed_dictionaries(
    {"content": WORDS, "n": NUMBERS},
    optional={"s": SCALARS, "deep": st.fixed_dictionaries({"er": SCALARS}), "l": st.just([1, 2])},
)
ORDERED = st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), NUMBERS, min_size=1)
EQUAL = st.dictionaries(st.sampled_from(["$eq", "$ne"]), SCALARS, min_size=1)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.one_of(ORDERED, EQUAL, NUMBERS),
        "s": st.one_of(EQUAL, SCALARS),
        "deep": st.fixed_dictionaries({"er": st.one_of(SCALARS, EQUAL)}),
        "l": st.sampled_from([[1, 2], [2, 1], [1]]),
    },
)


@st.composite
def operations(draw):
    paths = draw(st.lists(PATHS, min_size=1, max_size=5))
    near = st.one_of(st.sampled_from(paths), PATHS)

    def cut(path):
        return path[: draw(st.integers(0, len(path)))]

    puts = [
        PutOp(draw(near), draw(KEYS), draw(st.one_of(VALUES, VALUES, VALUES, st.none())))
        for _ in range(draw(st.integers(1, 12)))
    ]
    reads = [GetOp(draw(near), draw(KEYS)) for _ in range(3)]
    reads += [SearchOp(cut(draw(near)), draw(FILTERS), limit=100) for _ in range(3)]
    for _ in range(3):
        conditions = tuple(
            MatchCondition(
                draw(st.sampled_from(["prefix", "suffix"])),
                tuple(draw(st.sampled_from([label, "*"])) for label in cut(draw(near))),
            )
            for _ in range(draw(st.integers(0, 2)))
        )
        depth = draw(st.one_of(st.none(), st.integers(1, 4)))
        limit, offset = draw(st.integers(0, 6)), draw(st.integers(0, 3))
        reads.append(ListNamespacesOp(conditions, depth, limit, offset))
    return puts, reads


def valid(op):
    try:
        validate_op_namespace(op)
    except InvalidNamespaceError:
        return False
    return True


@pytest.fixture(scope="module")
def opened():
    with LightMemStore.from_path(embedder=EMBEDDER, index={"fields": ["content"]}) as store:
        yield store


def empty(store):
    for item in store.search((), limit=10_000):
        store.delete(item.namespace, item.key)
    assert store.list_namespaces() == []


def said(result):
    if not isinstance(result, list):
        return None if result is None else (result.namespace, result.key, result.value)
    if result and isinstance(result[0], tuple):
        return result
    return sorted((each.namespace, each.key, repr(each.value)) for each in result)


RUNS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@RUNS
@given(operations())
def test_same_operations_same_results(opened, drawn):
    puts, reads = drawn
    oracle = InMemoryStore()
    empty(opened)
    for op in puts:
        if not valid(op):
            with pytest.raises(InvalidNamespaceError):
                opened.batch([op])
            continue
        oracle.batch([op])
        opened.batch([op])
    for op in reads:
        if not valid(op):
            with pytest.raises(InvalidNamespaceError):
                opened.batch([op])
            continue
        expected, found = oracle.batch([op])[0], opened.batch([op])[0]
        if isinstance(op, ListNamespacesOp):
            # The oracle lists namespaces from which everything was deleted.
            filled = {each.namespace for each in oracle.search((), limit=10_000)}
            every = oracle.batch([op._replace(max_depth=None, limit=10_000, offset=0)])[0]
            left = sorted({each[: op.max_depth] for each in every if each in filled})
            expected = left[op.offset : op.offset + op.limit]
        assert said(found) == said(expected), op


@RUNS
@given(
    st.lists(st.tuples(PATHS, KEYS, VALUES), min_size=1, max_size=12),
    WORDS,
    PREFIXES,
    FILTERS,
    st.integers(1, 8),
    st.integers(0, 4),
)
def test_search_by_meaning_finds_the_same_with_the_same_scores(
    opened, items, query, prefix, conditions, limit, offset
):
    def embed(texts):
        return EMBEDDER.embed_documents(texts).tolist()

    oracle = InMemoryStore(index={"dims": 32, "embed": embed, "fields": ["content"]})
    empty(opened)
    for path, key, value in items:
        op = PutOp(path, key, value)
        if valid(op):
            oracle.batch([op])
            opened.batch([op])
    op = SearchOp(prefix, conditions, limit, offset, query)
    if not valid(op):
        return
    expected, found = oracle.batch([op])[0], opened.batch([op])[0]
    # Items that are equally near may come in any order.
    assert [each.score for each in found] == pytest.approx(
        [each.score for each in expected], abs=2e-3
    )
    everything = {
        (each.namespace, each.key): each.value
        for each in oracle.search(prefix, filter=conditions, limit=1_000)
    }
    assert all(everything[each.namespace, each.key] == each.value for each in found)


@RUNS
@given(st.lists(PATHS, min_size=1, max_size=8, unique=True))
def test_no_two_namespaces_are_ever_the_same(opened, paths):
    paths = [path for path in paths if valid(GetOp(path, "k"))]
    with LightMemStore.from_path(embedder=EMBEDDER, index=False) as store:
        for number, path in enumerate(paths):
            store.put(path, "k", {"n": number})
        for number, path in enumerate(paths):
            assert store.get(path, "k").value == {"n": number}
            assert {each.namespace for each in store.search(path, limit=100)} == {
                each for each in paths if each[: len(path)] == path
            }
        assert set(store.list_namespaces()) == set(paths)
