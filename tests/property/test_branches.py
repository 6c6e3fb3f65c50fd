"""However a conversation forks, is edited and trimmed: what stands is the branch that goes on."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lightmem_integrations import Branch, LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.slow

ANN = {"user_id": "ann", "session_id": "s"}
WORDS = ["heron", "boat", "bread", "train", "river", "millet"]
words = st.sampled_from(WORDS)


class Conversation(RuleBasedStateMachine):
    """The model: a tree of messages, and the one that was said last."""

    @initialize(word=words)
    def begin(self, word):
        self.folder = Path(tempfile.mkdtemp())
        options = Settings(background_indexing=False, shards=2)
        self.memory = LightMem(self.folder, embedder=HashEmbedder(16), settings=options)
        self.before: dict[str, str | None] = {}
        self.words: dict[str, str] = {}
        self.last: str | None = None
        self.said(None, word)

    def teardown(self):
        self.memory.close()
        shutil.rmtree(self.folder)

    def path(self, name):
        held = []
        while name is not None:
            held.insert(0, name)
            name = self.before[name]
        return held

    def turns(self, names):
        return [Turn(role="user", text=self.words[name], id=name) for name in names]

    def said(self, after, word, trimmed=None):
        name = f"m{len(self.before)}"
        self.before[name], self.words[name] = after, f"{word} {name}"
        held = self.path(name)
        held = held if trimmed is None else held[-trimmed:]
        branch = Branch(history="app", turn_ids=held, turns=self.turns(held))
        self.memory.add(self.turns([name]), branch=branch, **ANN)
        self.last = name

    @rule(word=words, kept=st.none() | st.integers(2, 4))
    def go_on(self, word, kept):
        self.said(self.last, word, kept)

    @rule(word=words, data=st.data())
    def fork(self, word, data):
        self.said(data.draw(st.sampled_from(sorted(self.before))), word)

    @rule(data=st.data())
    def cut_back(self, data):
        self.last = data.draw(st.sampled_from(self.path(self.last)))
        held = self.path(self.last)
        branch = Branch(history="app", turn_ids=held, turns=self.turns(held))
        self.memory.add([], branch=branch, **ANN)

    @rule(word=words, data=st.data())
    def edit(self, word, data):
        edited = data.draw(st.sampled_from(self.path(self.last)))
        self.words[edited] = f"{word} {edited} again"
        self.said(self.last, word)

    @rule()
    def index(self):
        self.memory.index_pending()

    @rule()
    def consolidate(self):
        self.memory.consolidate(user_id="ann", final=True)

    @invariant()
    def what_stands_is_the_branch(self):
        branch = [self.words[name] for name in self.path(self.last)]
        kept = self.memory.history(**ANN)
        assert [turn.text for turn in kept if not turn.superseded] == branch
        assert [turn.text for turn in self.memory.short_term(**ANN)] == branch
        found = self.memory.recall(" ".join(WORDS), user_id="ann", k=20, strict=True)
        shown = {turn.text for hit in found.hits for turn in (*hit.turns, *hit.neighbours)}
        assert shown <= set(branch)
        lines = [line.partition(": ")[2] for line in found.text.splitlines()]
        gone = {turn.text for turn in kept if turn.superseded} - set(branch)
        assert not gone.intersection(lines)


TestBranches = Conversation.TestCase
TestBranches.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
