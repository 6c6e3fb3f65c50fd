"""Whatever happened in a store: exported, imported and exported again, it is the same bytes."""

import datetime as dt
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lightmem_integrations import Branch, LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

pytestmark = pytest.mark.slow

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
users = st.sampled_from(["u", "U ", "ü/../x"])
sessions = st.sampled_from(["s", "a\u2028b"])
lines = st.sampled_from(
    [
        "Ann.home = Porto", "Ann.home = Lisbon", "Ann.home = Rome replaces", "Ann.likes + tea",
        "Ann.likes + jazz ends", "event Ann.race + Berlin since 2024-03",
        "plan Ann.trip + Oslo until 2026-06-01",
        "Always answer in French.",
        "\"quoted\" \\ \x07\x85 🪿",
    ]
)  # fmt: skip
metadata = st.dictionaries(
    st.sampled_from(["topic", "n", "é"]),
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(-1e9, 1e9)
    | st.lists(st.text(max_size=2), max_size=2),
    max_size=2,
)
OPTIONS = Settings(background_indexing=False, shards=2)


class Failing(ScriptedWriter):
    def write(self, turns, **_):
        raise ValueError("nothing usable")


class RoundTrip(RuleBasedStateMachine):
    """Any sequence of calls, and at its end the journey of the whole store."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.memory = self.opened("first")
        self.said: list[tuple[str, str, str]] = []

    def opened(self, name):
        return LightMem(
            self.folder / name, embedder=HashEmbedder(8), writer=ScriptedWriter(), settings=OPTIONS
        )

    def teardown(self):
        try:
            self.memory.export(self.folder / "1.jsonl")
            with self.opened("second") as second:
                second.load(self.folder / "1.jsonl")
                second.export(self.folder / "2.jsonl")
                assert second.load(self.folder / "1.jsonl").turns == 0
                assert second.users() == self.memory.users()
            first, second = ((self.folder / f"{n}.jsonl").read_bytes() for n in (1, 2))
            assert first == second
        finally:
            self.memory.close()
            shutil.rmtree(self.folder)

    @rule(user=users, session=sessions, line=lines, given=metadata, agent=st.none() | st.just("a"))
    def add(self, user, session, line, given, agent):
        name = f"t{len(self.said)}"
        time = MAY + dt.timedelta(days=len(self.said))
        turn = Turn(
            role="user", text=line, id=name, time=time, metadata=given, importance=0.25,
            message={"content": line},
        )  # fmt: skip
        self.memory.add(turn, user_id=user, session_id=session, agent_id=agent)
        self.said.append((user, session, name))

    @rule(user=users, session=sessions, line=lines, kept=st.integers(0, 2))
    def branch(self, user, session, line, kept):
        mine = [name for u, s, name in self.said if (u, s) == (user, session)][:kept]
        name = f"b{len(self.said)}"
        branch = Branch(history="app", turn_ids=[*mine, name])
        turn = Turn(role="user", text=line, id=name)
        self.memory.add(turn, user_id=user, session_id=session, branch=branch)
        self.said.append((user, session, name))

    @rule(fails=st.sampled_from([False, False, True]))
    def consolidate(self, fails):
        self.memory.consolidate(writer=Failing() if fails else None)

    @precondition(lambda self: self.said)
    @rule(place=st.integers(0, 99), whole=st.booleans())
    def forget(self, place, whole):
        user, session, name = self.said[place % len(self.said)]
        only = {"session_id": session} if whole else {"turn_ids": [name]}
        self.memory.forget(user_id=user, purge=False, **only)

    @rule(user=users, edits=st.booleans(), place=st.integers(0, 9))
    def correct(self, user, edits, place):
        standing = self.memory.facts(user_id=user)
        if standing:
            fact = standing[place % len(standing)]
            if edits:
                self.memory.edit(fact.id, user_id=user, value="what a person says")
            else:
                self.memory.retract(fact.id, user_id=user)

    @rule(user=users, writes=st.booleans())
    def share(self, user, writes):
        self.memory.spaces.grant("family", user_id=user, write=writes)
        if writes:
            self.memory.add(Turn(role="user", text="Milk is out."), user_id=user, space="family")

    @rule(user=users, session=sessions)
    def clear(self, user, session):
        self.memory.clear_short_term(user_id=user, session_id=session)


RoundTrip.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRoundTrip = RoundTrip.TestCase
