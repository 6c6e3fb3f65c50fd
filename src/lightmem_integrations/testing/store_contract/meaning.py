"""Search by meaning: the nearest first, with scores, within prefix and filter."""

from __future__ import annotations

import asyncio

import pytest
from langgraph.store.base import BaseStore

from lightmem_integrations.testing.store_contract.base import Contract, awaits, keys, left_open

HERE = ("meaning",)
TEXTS = {
    "tea": "green tea in the morning",
    "train": "the train to Porto leaves at nine",
    "cat": "my cat sleeps all day",
    "soup": "pumpkin soup for dinner",
}


class Meaning(Contract):
    """``SearchOp.query``: "Natural language search query for semantic search capabilities"."""

    @pytest.fixture
    def meaning(self, indexed_store: BaseStore) -> BaseStore:
        """The store, with ``TEXTS`` in it."""
        for key, text in TEXTS.items():
            indexed_store.put(HERE, key, {"text": text, "length": len(text)})
        return indexed_store

    @pytest.mark.parametrize("key", TEXTS)
    def test_the_nearest_comes_first(self, meaning: BaseStore, key: str) -> None:
        """The item whose text is the question is the first result.

        ``BaseStore.search``: "query: Optional query for natural language search."
        """
        assert keys(meaning.search(HERE, query=TEXTS[key]))[0] == key

    def test_scores_fall(self, meaning: BaseStore) -> None:
        """Results have scores, the best first.

        ``SearchItem.score``: "Relevance/similarity score if from a ranked operation."
        """
        scores = [item.score for item in meaning.search(HERE, query="green tea at nine")]
        numbers = [score for score in scores if score is not None]
        assert numbers
        assert scores[: len(numbers)] == numbers, "what has no score stands behind what has one"
        assert numbers == sorted(numbers, reverse=True)
        assert numbers[0] > numbers[-1]

    def test_a_limit_and_an_offset_page_through_the_ranking(self, meaning: BaseStore) -> None:
        """Pages of a ranking, put together, are the ranking.

        ``SearchOp.offset``: "Number of matching items to skip for pagination."
        """
        question = "green tea at nine for my cat"
        whole = keys(meaning.search(HERE, query=question))
        assert len(whole) == len(TEXTS)
        for size in (1, 2, 3):
            paged = [
                key
                for start in range(0, len(whole), size)
                for key in keys(meaning.search(HERE, query=question, limit=size, offset=start))
            ]
            assert paged == whole

    def test_a_filter_holds_beside_a_question(self, meaning: BaseStore) -> None:
        """Items that a filter leaves out are not found, however near they are.

        ``BaseStore.search`` shows ``query`` with ``filter`` and ``limit``.
        """
        length = len(TEXTS["soup"])
        found = meaning.search(HERE, query=TEXTS["tea"], filter={"length": length})
        assert keys(found) == ["soup"]

    def test_a_filter_leaves_no_page_short(self, indexed_store: BaseStore) -> None:
        """A page is full while items match, though many nearer ones do not.

        ``SearchOp.limit``: "Maximum number of items to return".
        """
        for number in range(60):
            bird = "heron" if number < 50 else "stork"
            indexed_store.put(HERE, f"k{number}", {"text": f"{bird} {number}", "bird": bird})
        found = indexed_store.search(HERE, query="heron", filter={"bird": "stork"}, limit=5)
        assert len(found) == 5
        assert {item.value["bird"] for item in found} == {"stork"}

    def test_a_question_stays_within_the_prefix(self, meaning: BaseStore) -> None:
        """The nearest item of another namespace is not found.

        ``SearchOp.namespace_prefix``: "defining the search scope".
        """
        meaning.put(("elsewhere",), "secret", {"text": TEXTS["tea"]})
        meaning.put(("meaningful",), "secret", {"text": TEXTS["tea"]})
        found = meaning.search(HERE, query=TEXTS["tea"])
        assert {item.namespace for item in found} == {HERE}
        assert "secret" not in keys(found)

    def test_writing_anew_forgets_the_old_meaning(self, meaning: BaseStore) -> None:
        """After a second ``put`` an item is found by its new text and no longer by its old one.

        ``BaseStore.put``: "Store or update an item".
        """
        question = "green tea in the morning, while the cat sleeps"
        assert keys(meaning.search(HERE, query=question))[0] == "tea"
        meaning.put(HERE, "tea", {"text": "a heron by the river"})
        assert keys(meaning.search(HERE, query="a heron by the river"))[0] == "tea"
        assert keys(meaning.search(HERE, query=question))[0] == "cat"

    def test_what_was_deleted_is_not_found(self, meaning: BaseStore) -> None:
        """A deleted item is no result of any question.

        ``BaseStore.delete``: "Delete an item."
        """
        meaning.delete(HERE, "tea")
        assert "tea" not in keys(meaning.search(HERE, query=TEXTS["tea"]))

    def test_what_is_not_indexed_is_still_there(self, meaning: BaseStore) -> None:
        """With ``index=False`` an item has no score, and is got and searched without a question.

        ``BaseStore.put``: "Still accessible through `get()` and `search()` operations but won't
        have a vector representation."
        """
        meaning.put(HERE, "hidden", {"text": "a heron by the river"}, index=False)
        assert meaning.get(HERE, "hidden") is not None
        assert "hidden" in keys(meaning.search(HERE))
        for item in meaning.search(HERE, query="a heron by the river"):
            assert item.key != "hidden" or item.score is None

    @left_open
    def test_what_is_not_indexed_is_no_result_of_a_question(self, meaning: BaseStore) -> None:
        """An item without a vector does not come back from a question.

        Left open: the reference says that it has no vector. ``InMemoryStore`` fills a page with
        such items, without a score.
        """
        meaning.put(HERE, "hidden", {"text": "a heron by the river"}, index=False)
        assert "hidden" not in keys(meaning.search(HERE, query="a heron by the river"))

    def test_an_item_says_which_fields_are_searched(self, meaning: BaseStore) -> None:
        """``index=[...]`` of ``put`` takes the place of the store's fields, with paths.

        ``PutOp.index``: '"metadata.title"  # Nested field access', '"metadata.tags[*]"'.
        """
        value = {
            "text": "nothing of interest",
            "meta": {"title": "heron by the river"},
            "parts": [{"says": "first violin"}, {"says": "second trumpet"}],
        }
        meaning.put(HERE, "paths", value, index=["meta.title", "parts[*].says"])
        for question in ("heron by the river", "first violin", "second trumpet"):
            assert keys(meaning.search(HERE, query=question))[0] == "paths"

    def test_an_item_is_one_result_however_many_texts_it_has(self, meaning: BaseStore) -> None:
        """Several vectors of an item make it one result.

        ``IndexConfig.fields``: "Array notation creates separate embeddings for each element".
        """
        value = {"parts": [f"heron number {number}" for number in range(6)]}
        meaning.put(HERE, "many", value, index=["parts[*]"])
        found = keys(meaning.search(HERE, query="heron number", limit=10))
        assert found.count("many") == 1
        assert found[0] == "many"
        assert len(found) == len(set(found)) == len(TEXTS) + 1

    def test_a_field_that_is_missing_is_skipped(self, meaning: BaseStore) -> None:
        """An item without the indexed field is stored, and hinders no search.

        ``IndexConfig``: "Fields missing from a document are skipped".
        """
        meaning.put(HERE, "bare", {"other": "green tea"})
        assert meaning.get(HERE, "bare") is not None
        assert keys(meaning.search(HERE, query=TEXTS["tea"]))[0] == "tea"

    def test_equal_texts_are_items_of_their_own(self, indexed_store: BaseStore) -> None:
        """Items with the same text are each found.

        ``PutOp.key``: "Unique identifier for the item within its namespace."
        """
        from langgraph.store.base import PutOp

        indexed_store.batch([PutOp(HERE, f"k{n}", {"text": "the same heron"}) for n in range(4)])
        found = indexed_store.search(HERE, query="the same heron")
        assert sorted(keys(found)) == ["k0", "k1", "k2", "k3"]
        scores = [item.score for item in found]
        assert max(scores) == pytest.approx(min(scores), abs=1e-3)  # type: ignore[type-var]

    @awaits
    def test_the_twin_finds_the_same(self, meaning: BaseStore) -> None:
        """``asearch`` ranks as ``search`` does, with the same scores.

        ``BaseStore.asearch``: "query: Optional query for natural language search."
        """
        question = "green tea at nine"
        found = meaning.search(HERE, query=question)
        awaited = asyncio.run(meaning.asearch(HERE, query=question))
        assert keys(awaited) == keys(found)
        assert [item.score for item in awaited] == pytest.approx([i.score for i in found], abs=1e-6)
