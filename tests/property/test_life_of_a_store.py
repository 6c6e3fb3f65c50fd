"""Any sequence of calls, reopenings included, behaves like a dictionary of lists."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from lightmem_integrations import LightMem, Settings, Turn, TurnConflictError
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.slow

users = st.sampled_from(["u", "U", "u ", "ü"])
sessions = st.sampled_from(["s", "S"])
ids = st.sampled_from([f"t{n}" for n in range(6)])
words = st.sampled_from(["heron", "boat", "bread", "train", "river"])


class LifeOfAStore(RuleBasedStateMachine):
    """The model: user -> session -> id -> text, in order."""

    @initialize()
    def open_first(self):
        self.folder = Path(tempfile.mkdtemp())
        self.model: dict[str, dict[str, dict[str, str]]] = {}
        self.memory = self.opened()

    def opened(self):
        return LightMem(
            self.folder,
            embedder=HashEmbedder(16),
            settings=Settings(background_indexing=False, shards=2, column_mebibytes=0),
        )

    def teardown(self):
        self.memory.close()
        shutil.rmtree(self.folder)

    @rule(user=users, session=sessions, batch=st.lists(st.tuples(ids, words), max_size=4))
    def add(self, user, session, batch):
        before = self.model.get(user, {}).get(session, {})
        after = dict(before)
        conflict = any(after.setdefault(each, text) != text for each, text in batch)
        turns = [Turn(role="user", text=text, id=each) for each, text in batch]
        try:
            self.memory.add(turns, user_id=user, session_id=session)
        except TurnConflictError:
            assert conflict
            return
        assert not conflict
        if after:
            self.model.setdefault(user, {})[session] = after

    @rule(user=users, session=st.none() | sessions, some=st.none() | st.sets(ids, max_size=3),
          purge=st.booleans())  # fmt: skip
    def forget(self, user, session, some, purge):
        gone = 0
        for name in [session] if session else list(self.model.get(user, {})):
            turns = self.model.get(user, {}).get(name, {})
            for each in [each for each in turns if some is None or each in some]:
                del turns[each]
                gone += 1
            if not turns:
                self.model.get(user, {}).pop(name, None)
        if not self.model.get(user):
            self.model.pop(user, None)
        receipt = self.memory.forget(user_id=user, session_id=session, turn_ids=some, purge=purge)
        assert receipt.turns == gone

    @rule(user=users, word=words, session=st.none() | sessions)
    def recall(self, user, word, session):
        found = self.memory.recall(word, user_id=user, session_id=session, k=50, strict=True)
        mine = self.model.get(user, {})
        stored = {
            text
            for name, turns in mine.items()
            if session in (None, name)
            for text in turns.values()
        }
        texts = [hit.text for hit in found.hits]
        assert set(texts) <= stored
        assert len(set(texts)) == len(texts)
        if word in stored:
            assert word in texts

    @rule()
    def index(self):
        self.memory.index_pending()
        assert self.memory.stats().pending == 0

    @rule()
    def reindex(self):
        assert self.memory.reindex() == self.memory.stats().searchable

    @rule()
    def reopen(self):
        self.memory.close()
        self.memory = self.opened()

    @precondition(lambda self: hasattr(self, "memory"))
    @invariant()
    def holds_what_the_model_holds(self):
        assert set(self.memory.users()) == set(self.model)
        for user, by_session in self.model.items():
            assert set(self.memory.sessions(user_id=user)) == set(by_session)
            for session, turns in by_session.items():
                stored = self.memory.history(user_id=user, session_id=session)
                assert [(turn.id, turn.text) for turn in stored] == list(turns.items())


LifeOfAStore.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_life_of_a_store = LifeOfAStore.TestCase
