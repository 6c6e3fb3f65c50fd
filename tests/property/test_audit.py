"""Whatever is said: an audit changes nothing, and to merge twice is to merge once."""

import datetime as dt
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder
from told_facts import TellingWriter, tells

pytestmark = pytest.mark.slow

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
NUMBERS = itertools.count()
told = st.builds(
    tells,
    st.sampled_from(["Ann sails.", "ann  sails", "Ann ran in May.", "It rains."]),
    value=st.sampled_from(["sailing", "running", ""]),
    attribute=st.sampled_from(["does", "likes", "was"]),
    kind=st.sampled_from(["state", "event", "plan", "preference"]),
    subject=st.sampled_from(["Ann", "ann", "she"]),
    single=st.booleans(),
    doubt=st.sampled_from([None, "only asked"]),
)
episodes = st.lists(st.lists(told, min_size=1, max_size=4), min_size=1, max_size=3)
few = settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def memory():
    chosen = Settings(background_indexing=False)
    with LightMem(embedder=HashEmbedder(16), settings=chosen, writer=TellingWriter()) as memory:
        yield memory


def held(memory, user):
    """All that is held of a user, byte by byte."""
    with tempfile.TemporaryDirectory() as folder:
        memory.export(Path(folder) / "held", user_id=user)
        return (Path(folder) / "held").read_bytes()


def shown(memory, user):
    """What of an audit does not depend on the time of asking."""
    audit = memory.audit(user_id=user, limit=1_000)
    return audit.counts, audit.findings, audit.sizes


@few
@given(said=episodes, other=episodes)
def test_an_audit_changes_nothing_and_merging_is_idempotent_and_of_one_user(memory, said, other):
    number = next(NUMBERS)
    mine, theirs = f"ann{number}", f"bob{number}"
    for user, sessions in ((mine, said), (theirs, other)):
        for place, texts in enumerate(sessions):
            turns = [
                Turn(role="user", text=text, time=MAY + dt.timedelta(place, at))
                for at, text in enumerate(texts)
            ]
            memory.add(turns, user_id=user, session_id=str(place))
        memory.consolidate(user_id=user)
    before, beside = held(memory, mine), held(memory, theirs)
    first = shown(memory, mine)
    assert shown(memory, mine) == first
    assert held(memory, mine) == before
    standing = {each.statement.casefold() for each in memory.facts(user_id=mine)}
    proof = {
        turn.turn.id
        for each in memory.facts(user_id=mine)
        for turn in memory.explain(each.id, user_id=mine).evidence
    }
    merged = memory.audit(user_id=mine, fix=True)
    once = held(memory, mine)
    assert (merged.merged > 0) == (first[0]["duplicate"] > 0)
    assert merged.counts["duplicate"] == 0
    assert memory.audit(user_id=mine, fix=True).merged == 0
    assert held(memory, mine) == once
    assert held(memory, theirs) == beside
    # No turn went, no fact lost its proof, and whatever was known is known in the same words.
    assert merged.turns == sum(map(len, said))
    left = memory.facts(user_id=mine)
    plain = {" ".join(each.split()).rstrip(".") for each in standing}
    assert {" ".join(each.statement.casefold().split()).rstrip(".") for each in left} == plain
    assert proof == {
        turn.turn.id for each in left for turn in memory.explain(each.id, user_id=mine).evidence
    }
