"""The contract suites, as a stranger runs them: they notice defects, and say what they skip."""

import subprocess
import sys
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.sqlite("opens no store of ours")

STORES = '''
import asyncio
import re

import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, PutOp, SearchOp
from langgraph.store.base.batch import AsyncBatchedBaseStore
from langgraph.store.memory import InMemoryStore
from lightmem_integrations.testing.store_contract import StoreContract


class JoinsLabels(InMemoryStore):
    """Keeps a namespace as one text."""

    def batch(self, ops):
        renamed = [
            op._replace(namespace=("/".join(op.namespace),)) if hasattr(op, "namespace") else op
            for op in ops
        ]
        return super().batch(renamed)


class FiltersThePage(InMemoryStore):
    """Applies a filter to what the limit left."""

    def batch(self, ops):
        ops = list(ops)
        found = super().batch(
            [op._replace(filter=None) if isinstance(op, SearchOp) else op for op in ops]
        )
        return [
            [i for i in result if all(i.value.get(k) == v for k, v in (op.filter or {}).items())]
            if isinstance(op, SearchOp)
            else result
            for op, result in zip(ops, found)
        ]


class AnswersReadsFirst(InMemoryStore):
    """Gives the results of reads before those of writes."""

    def batch(self, ops):
        ops = list(ops)
        results = super().batch(ops)
        writes = [isinstance(op, PutOp) for op in ops]
        return [r for r, w in zip(results, writes) if not w] + [None] * sum(writes)


class Forgets(InMemoryStore):
    """Loses every tenth write."""

    writes = 0

    def batch(self, ops):
        kept = []
        for op in ops:
            type(self).writes += isinstance(op, PutOp)
            kept.append(
                op._replace(key="lost") if isinstance(op, PutOp) and self.writes % 10 == 0 else op
            )
        return super().batch(kept)


class FindsInPart(InMemoryStore):
    """Reads a few fields of what a search finds."""

    def batch(self, ops):
        found = super().batch(ops)
        for item in (item for result in found if isinstance(result, list) for item in result):
            if hasattr(item, "value"):
                item.value = dict(list(item.value.items())[:5])
        return found


class SkipsManyLabels(InMemoryStore):
    """Takes a star for any number of labels."""

    def batch(self, ops):
        (op, *_) = ops = list(ops)
        if not isinstance(op, ListNamespacesOp) or not op.match_conditions:
            return super().batch(ops)
        patterns = [".*".join(each.path).replace("*.*", "") for each in op.match_conditions]
        listed = super().batch([ListNamespacesOp()])[0]
        return [[each for each in listed if re.fullmatch(patterns[0], "".join(each))]]


class Batched(AsyncBatchedBaseStore):
    """Can be awaited on the loop that it was made on."""

    async def abatch(self, ops):
        return [None for _ in ops]


class TestLoopThatStopped(StoreContract):
    @pytest.fixture
    def store(self):
        async def made():
            return Batched()

        return asyncio.run(made())


def contract(store_class):
    class Tested(StoreContract):
        @pytest.fixture
        def store(self):
            return store_class()

    return Tested


class TestJoinsLabels(contract(JoinsLabels)):
    pass


class TestFiltersThePage(contract(FiltersThePage)):
    pass


class TestAnswersReadsFirst(contract(AnswersReadsFirst)):
    pass


class TestForgets(contract(Forgets)):
    pass


class TestFindsInPart(contract(FindsInPart)):
    pass


class TestSkipsManyLabels(contract(SkipsManyLabels)):
    pass


class TestNothing(StoreContract):
    pass


class TestMended(contract(InMemoryStore)):
    awaitable = False
    known_failures = {"test_what_was_put_is_got": "mended since"}
'''


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """How each test ended, and with what message, by class and test."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "test_stores.py").write_text(STORES)
    chosen = (
        "two_namespaces_are_two or before_the_limit or order_of_the_operations or thousands or "
        "what_was_put or under_its_prefix or twins or last_written or time_to_live_is or ends_an "
        "or many_fields or no_two_labels"
    )
    subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:asyncio", "--strict-markers", "-W", "error",
         "--junitxml", "report.xml", "-k", chosen],
        cwd=folder,
        check=False,
        stdout=subprocess.DEVNULL,
        timeout=120,
    )  # fmt: skip
    found = {}
    for case in ElementTree.parse(folder / "report.xml").getroot().iter("testcase"):
        store = case.get("classname").rpartition(".")[2]
        child = next(iter(case), None)
        told = ("passed", "") if child is None else (child.tag, child.get("message") + child.text)
        found[store, case.get("name")] = told
    return found


@pytest.mark.parametrize(
    ("store", "test"),
    [
        ("TestJoinsLabels", "test_two_namespaces_are_two[slash]"),
        ("TestJoinsLabels", "test_a_search_sees_what_is_under_its_prefix_and_nothing_beside_it"),
        ("TestFiltersThePage", "test_a_filter_is_applied_before_the_limit"),
        ("TestAnswersReadsFirst", "test_results_are_in_the_order_of_the_operations"),
        ("TestForgets", "test_thousands_of_operations_are_a_batch"),
        ("TestFindsInPart", "test_a_value_of_many_fields_and_levels_comes_back"),
        ("TestSkipsManyLabels", "test_a_wildcard_is_no_two_labels"),
    ],
)
def test_a_defect_is_found(ended, store, test):
    assert ended[store, test][0] == "failure"
    assert ended["TestMended", test] == ("passed", "")


def test_a_failed_assertion_shows_its_values(ended):
    told = ended["TestFiltersThePage", "test_a_filter_is_applied_before_the_limit"][1]
    assert "where 1 = len(" in told


def test_a_class_without_a_store_is_told_so(ended):
    kind, told = ended["TestNothing", "test_what_was_put_is_got"]
    assert kind == "error"
    assert "TestNothing has no fixture 'store'" in told


def test_a_store_whose_event_loop_stopped_is_told_so(ended):
    kind, told = ended["TestLoopThatStopped", "test_thousands_of_operations_are_a_batch"]
    assert kind == "error"
    assert "on_a_loop" in told


def test_what_is_skipped_says_how_it_is_tested(ended):
    skipped = {
        "test_the_last_written_comes_first": "judges_open = True",
        "test_the_default_ends_an_item": "no fixture 'expiring_store'",
        "test_the_twins_refuse_a_bad_label[number]": "'awaitable = False'",
    }
    for test, reason in skipped.items():
        kind, told = ended["TestMended", test]
        assert kind == "skipped"
        assert reason in told


def test_a_known_failure_that_passes_fails(ended):
    kind, told = ended["TestMended", "test_what_was_put_is_got"]
    assert kind == "failure"
    assert "mended since" in told


def test_importing_the_stand_ins_loads_no_pytest():
    code = (
        "import sys, lightmem_integrations, lightmem_integrations.testing; "
        "assert not {'pytest', '_pytest', 'langgraph'} & {n.partition('.')[0] for n in sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
