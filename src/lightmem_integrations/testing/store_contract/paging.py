"""Search without a question: how many come back, and page by page."""

from __future__ import annotations

import pytest
from langgraph.store.base import BaseStore, SearchItem

from lightmem_integrations.testing.store_contract.base import Contract, keys, left_open

HERE = ("pages",)


class Paging(Contract):
    """``SearchOp.limit`` and ``offset``."""

    @pytest.fixture
    def pages(self, store: BaseStore) -> BaseStore:
        """The store, with 25 items, some of them in namespaces below."""
        for number in range(25):
            below = ("below",) if number % 3 == 0 else ()
            store.put((*HERE, *below), f"k{number:02}", {"n": number, "odd": number % 2})
        return store

    def test_ten_come_back_by_default(self, pages: BaseStore) -> None:
        """Without a limit a search returns ten items.

        ``BaseStore.search``: ``limit: int = 10``.
        """
        assert len(pages.search(HERE)) == 10

    def test_a_limit_beyond_what_is_there_is_fine(self, pages: BaseStore) -> None:
        """All items come back, each once.

        ``SearchOp.limit``: "Maximum number of items to return in the search results."
        """
        assert len(set(keys(pages.search(HERE, limit=1_000)))) == 25

    def test_results_are_search_items_without_a_score(self, pages: BaseStore) -> None:
        """Results are ``SearchItem``; without a question they have no score.

        ``SearchItem.score``: "Relevance/similarity score if from a ranked operation."
        """
        for item in pages.search(HERE):
            assert isinstance(item, SearchItem)
            assert item.score is None

    @pytest.mark.parametrize("filtered", [False, True])
    def test_pages_are_the_whole(self, pages: BaseStore, filtered: bool) -> None:  # noqa: FBT001
        """Pages of any size, put together, are the whole result in its order.

        ``SearchOp.offset``: "Number of matching items to skip for pagination."
        """
        asked = {"odd": 1} if filtered else None
        whole = keys(pages.search(HERE, filter=asked, limit=100))
        assert len(whole) == (12 if filtered else 25)
        for size in (1, 4, 7, 25):
            paged = [
                key
                for start in range(0, 25 + size, size)
                for key in keys(pages.search(HERE, filter=asked, limit=size, offset=start))
            ]
            assert paged == whole

    def test_pages_of_items_written_at_once_are_the_whole(self, store: BaseStore) -> None:
        """Items that one batch wrote, at one moment, are on one page each.

        ``SearchOp.offset``: "Number of matching items to skip for pagination."
        """
        from langgraph.store.base import PutOp

        store.batch([PutOp(HERE, f"k{number}", {"n": number}) for number in range(40)])
        for _ in range(3):
            paged = [
                key
                for start in range(0, 40, 7)
                for key in keys(store.search(HERE, limit=7, offset=start))
            ]
            assert sorted(paged) == sorted(f"k{number}" for number in range(40))

    def test_behind_the_last_page_is_nothing(self, pages: BaseStore) -> None:
        """An offset beyond what is there gives an empty list.

        ``SearchOp.offset``: "Number of matching items to skip for pagination."
        """
        assert pages.search(HERE, offset=25) == []
        assert pages.search(HERE, offset=10_000) == []

    @left_open
    def test_reading_leaves_the_order_as_it_was(self, pages: BaseStore) -> None:
        """Getting items between two pages moves none of them.

        Left open: the reference names no order at all.
        """
        whole = keys(pages.search(HERE, limit=100))
        for number in (20, 3, 11):
            pages.get(HERE, f"k{number:02}")
        assert keys(pages.search(HERE, limit=100)) == whole

    @left_open
    def test_the_last_written_comes_first(self, store: BaseStore) -> None:
        """Without a question, what was written last comes first.

        Left open: the reference names no order. Stores in a database sort by ``updated_at``.
        """
        for key in ("first", "second", "third"):
            store.put(HERE, key, {"n": 1})
            self.pass_time(1.1)
        store.put(HERE, "first", {"n": 2})
        assert keys(store.search(HERE)) == ["first", "third", "second"]

    @left_open
    def test_a_question_without_an_index_is_no_error(self, pages: BaseStore) -> None:
        """Where the store has no index, a question is ignored.

        Left open: "Natural language search support depends on your store implementation."
        Stores return what they would without the question.
        """
        assert keys(pages.search(HERE, query="k03")) == keys(pages.search(HERE))
