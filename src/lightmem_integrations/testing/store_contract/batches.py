"""Batches: results in the order of operations, and what operations see of each other."""

from __future__ import annotations

from langgraph.store.base import BaseStore, GetOp, Item, ListNamespacesOp, Op, PutOp, SearchOp

from lightmem_integrations.testing.store_contract.base import Contract, left_open, value_of

HERE = ("batch",)


class Batches(Contract):
    """``BaseStore.batch``: "Execute multiple operations synchronously in a single batch"."""

    def test_results_are_in_the_order_of_the_operations(self, store: BaseStore) -> None:
        """Each result stands where its operation stood, whatever the kinds.

        ``BaseStore.batch``: "The order of results matches the order of input operations."
        """
        for key in ("a", "b"):
            store.put(HERE, key, {"is": key})
        ops: list[Op] = [
            GetOp(HERE, "b"),
            ListNamespacesOp(),
            PutOp(("new",), "k", {"n": 1}),
            GetOp(HERE, "nothing"),
            SearchOp(HERE, {"is": "a"}),
            GetOp(HERE, "a"),
            PutOp(("new",), "nobody", None),
            SearchOp(HERE, limit=1, offset=5),
        ]
        got = store.batch(ops)
        assert len(got) == len(ops)
        assert isinstance(got[0], Item)
        assert got[0].value == {"is": "b"}
        assert isinstance(got[1], list)
        assert HERE in got[1]
        assert got[2] is None
        assert got[3] is None
        assert isinstance(got[4], list)
        assert [item.key for item in got[4] if isinstance(item, Item)] == ["a"]
        assert isinstance(got[5], Item)
        assert got[5].value == {"is": "a"}
        assert got[6] is None
        assert got[7] == []
        assert value_of(store.get(("new",), "k")) == {"n": 1}

    def test_an_empty_batch_is_an_empty_list(self, store: BaseStore) -> None:
        """No operation, no result.

        ``BaseStore.batch``: "each result corresponds to an operation in the input".
        """
        assert store.batch([]) == []

    def test_any_iterable_is_a_batch(self, store: BaseStore) -> None:
        """Operations may come from a generator, which can be read once.

        ``BaseStore.batch``: "ops: An iterable of operations to execute."
        """
        store.batch(PutOp(HERE, f"k{n}", {"n": n}) for n in range(5))
        got = store.batch(GetOp(HERE, f"k{n}") for n in range(5))
        assert [item.value for item in got if isinstance(item, Item)] == [
            {"n": n} for n in range(5)
        ]

    def test_the_same_question_twice_has_two_answers(self, store: BaseStore) -> None:
        """Equal operations of a batch each have their result.

        ``BaseStore.batch``: "each result corresponds to an operation in the input".
        """
        store.put(HERE, "k", {"n": 1})
        got = store.batch([GetOp(HERE, "k"), GetOp(HERE, "k"), SearchOp(HERE), SearchOp(HERE)])
        assert [isinstance(item, Item) for item in got[:2]] == [True, True]
        assert [len(found) for found in got[2:] if isinstance(found, list)] == [1, 1]

    def test_the_same_key_in_several_namespaces(self, store: BaseStore) -> None:
        """Gets of one key in many namespaces each have their own item.

        ``PutOp.key``: "Unique identifier for the item within its namespace."
        """
        places = [("batch", f"n{n}") for n in range(6)]
        store.batch([PutOp(place, "k", {"in": place[1]}) for place in places])
        got = store.batch([GetOp(place, "k") for place in reversed(places)])
        assert [item.value["in"] for item in got if isinstance(item, Item)] == [
            place[1] for place in reversed(places)
        ]

    def test_thousands_of_operations_are_a_batch(self, store: BaseStore) -> None:
        """A large batch is written and read whole.

        ``BaseStore.batch`` names no limit.
        """
        number = 3_000
        store.batch([PutOp(HERE, f"k{n}", {"n": n}) for n in range(number)])
        got = store.batch([GetOp(HERE, f"k{n}") for n in range(number)])
        assert [item.value["n"] for item in got if isinstance(item, Item)] == list(range(number))
        assert len(store.search(HERE, limit=2 * number)) == number

    @left_open
    def test_of_several_puts_of_one_key_the_last_counts(self, store: BaseStore) -> None:
        """A batch that writes one key several times leaves what it wrote last.

        Left open: the reference does not say in which order a batch is carried out.
        """
        store.put(HERE, "was", {"n": 0})
        store.batch(
            [
                PutOp(HERE, "k", {"n": 1}),
                PutOp(HERE, "was", None),
                PutOp(HERE, "k", {"n": 2}),
                PutOp(HERE, "gone", {"n": 1}),
                PutOp(HERE, "was", {"n": 5}),
                PutOp(HERE, "gone", None),
            ]
        )
        assert value_of(store.get(HERE, "k")) == {"n": 2}
        assert value_of(store.get(HERE, "was")) == {"n": 5}
        assert store.get(HERE, "gone") is None

    @left_open
    def test_reads_see_what_was_there_before_the_batch(self, store: BaseStore) -> None:
        """A ``get`` or ``search`` does not see what a ``put`` of its own batch writes.

        Left open: the reference does not say in which order a batch is carried out. The stores
        of LangGraph read first.
        """
        store.put(HERE, "k", {"n": 1})
        got = store.batch(
            [PutOp(HERE, "k", {"n": 2}), PutOp(HERE, "new", {"n": 3}), GetOp(HERE, "k"),
             GetOp(HERE, "new"), SearchOp(HERE)]
        )  # fmt: skip
        assert isinstance(got[2], Item)
        assert got[2].value == {"n": 1}
        assert got[3] is None
        assert isinstance(got[4], list)
        assert len(got[4]) == 1
