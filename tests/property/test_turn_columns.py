"""Whatever happens to a memory, what recall holds of it in memory changes nothing of what it finds.

Two memories over one ledger stand for two processes: neither is told what the other one writes.
"""

import gc
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from lightmem_integrations import Branch, LightMem, Settings, Turn
from lightmem_integrations.storage.turn_reads import Turns
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.slow

WORDS = ["heron", "boat", "bread", "train", "river", "millet"]
users = st.sampled_from(["ann", "bob"])
sessions = st.sampled_from(["s1", "s2"])
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
writers = st.sampled_from([0, 1])


class TwoProcesses(RuleBasedStateMachine):
    """Two memories that write one ledger, and a third that holds nothing and is always new."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.memories = [self.opened(), self.opened()]
        self.written: dict[tuple[str, str], list[str]] = {}
        self.count = 0

    def opened(self, **options):
        return LightMem(
            embedder=HashEmbedder(64),
            ledger=f"sqlite:///{self.folder / 'ledger.sqlite'}",
            settings=Settings(background_indexing=False, **options),
        )

    def teardown(self):
        for memory in self.memories:
            memory.close()
        shutil.rmtree(self.folder)

    def turn(self, text, **more):
        self.count += 1
        speaker = ("Ann", "Ben", None)[self.count % 3]
        return Turn(role="user", text=text, speaker=speaker, id=f"t{self.count}", **more)

    @rule(by=writers, user=users, session=sessions, said=st.lists(texts, min_size=1, max_size=4),
          searchable=st.booleans())  # fmt: skip
    def add(self, by, user, session, said, searchable):
        turns = [
            self.turn(text, searchable=searchable or n % 2 == 0) for n, text in enumerate(said)
        ]
        names = self.written.setdefault((user, session), [])
        names += [turn.id for turn in turns]
        branch = Branch(history="app", turn_ids=names)
        self.memories[by].add(turns, user_id=user, session_id=session, branch=branch)

    @rule(by=writers, data=st.data())
    def follow_another_branch(self, by, data):
        if not self.written:
            return
        user, session = data.draw(st.sampled_from(sorted(self.written)))
        names = self.written[user, session]
        kept = data.draw(st.integers(1, len(names))) if names else 0
        branch = Branch(history="app", turn_ids=names[:kept])
        self.memories[by].follow(branch, user_id=user, session_id=session)

    @rule(by=writers, user=users, session=st.none() | sessions, last=st.none() | st.integers(1, 3),
          purge=st.booleans())  # fmt: skip
    def forget(self, by, user, session, last, purge):
        for (whose, name), names in list(self.written.items()):
            if whose == user and session in (None, name):
                gone = set(names if last is None else names[-last:])
                self.memories[by].forget(
                    user_id=user, session_id=name, turn_ids=None if last is None else gone,
                    purge=purge,
                )  # fmt: skip
                self.written[user, name] = [each for each in names if each not in gone]

    @rule(by=writers)
    def index(self, by):
        self.memories[by].index_pending()

    @rule(asked=texts, session=st.none() | sessions)
    def recall(self, asked, session):
        options = {"session_id": session, "k": 20, "strict": True}
        with self.opened(column_mebibytes=0) as plain:
            for user in ("ann", "bob"):
                expected = plain.recall(asked, user_id=user, **options)
                for memory in self.memories:
                    same(memory.recall(asked, user_id=user, **options), expected)


def same(found, expected):
    assert [hit.source.turn_ids for hit in found.hits] == [
        hit.source.turn_ids for hit in expected.hits
    ]
    assert found.text == expected.text
    for one, other in zip(found.hits, expected.hits, strict=True):
        assert one.parts == pytest.approx(other.parts, abs=0.002)


TwoProcesses.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_two_processes = TwoProcesses.TestCase


def test_what_was_forgotten_is_gone_from_memory(open_memory):
    memory = open_memory()
    secret = f"the heron's secret is {'millet' * 3}"
    memory.add([Turn(role="user", text=secret, id="t1")], user_id="ann")
    memory.add([Turn(role="user", text="a boat on the river", id="t2")], user_id="ann")
    memory.index_pending()
    assert memory.recall("heron", user_id="ann").hits
    assert held(secret)
    memory.forget(user_id="ann", turn_ids=["t1"])
    assert not held(secret)
    assert secret not in memory.recall("heron", user_id="ann").text
    assert not held(secret)


def held(text):
    """Whether a list or turns of this process hold an equal text that is not the test's own."""
    gc.collect()
    kept = [
        found.texts if type(found) is Turns else found
        for found in gc.get_objects()
        if type(found) in (list, Turns)
    ]
    return any(
        type(each) is str and each == text and each is not text for found in kept for each in found
    )
