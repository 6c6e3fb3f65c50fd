"""What was forgotten stays forgotten, also where another process still holds it and writes it."""

import dataclasses
import datetime as dt

import pytest

from lightmem_integrations import Branch, LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder

pytestmark = pytest.mark.slow

OPTIONS = Settings(background_indexing=False)
BEFORE = dt.datetime.now(dt.timezone.utc) - dt.timedelta(minutes=5)
SAID = (
    Turn(role="user", text="My cat is called Tom.", id="1", time=BEFORE, metadata={"topic": "cat"}),
    Turn(role="assistant", text="A fine name.", id="2", time=BEFORE),
)
SCOPE = {"user_id": "alice", "session_id": "monday"}
ERASED = [
    ({}, set()),
    ({"session_id": "monday"}, set()),
    ({"session_id": "friday"}, {"1", "2"}),
    ({"turn_ids": ["1"]}, {"2"}),
    ({"since": BEFORE - dt.timedelta(minutes=1)}, set()),
    ({"until": BEFORE}, {"1", "2"}),
    ({"filter": {"topic": "cat"}}, {"2"}),
    ({"filter": {"topic": "cat"}, "turn_ids": ["1", "2"]}, {"2"}),
]
WHICH = ["user", "session", "other", "turn", "since", "until", "filter", "turn_and_filter"]


def opened(place):
    return LightMem(place, embedder=HashEmbedder(16), settings=OPTIONS)


def recorded(memory, said=SAID):
    """What a run that holds all this has written down at its end."""
    branch = Branch(history="h", turn_ids=[turn.id for turn in said], turns=said)
    memory.add(said, branch=branch, **SCOPE)
    return {turn.id for turn in memory.history(**SCOPE)}


@pytest.mark.parametrize(("limits", "left"), ERASED, ids=WHICH)
def test_another_process_does_not_write_down_what_was_forgotten(tmp_path, limits, left):
    with opened(tmp_path) as memory:
        assert recorded(memory) == {"1", "2"}
        memory.forget(user_id="alice", **limits)
    with opened(tmp_path) as memory:  # as another process has it: nothing is in memory
        assert recorded(memory) == left
        later = [dataclasses.replace(SAID[0], id="3", time=None)]
        assert recorded(memory, [*SAID, *later]) == {*left, "3"}


@pytest.mark.parametrize(("limits", "left"), ERASED, ids=WHICH)
def test_what_was_never_stored_is_forgotten_with_the_rest(tmp_path, limits, left):
    with opened(tmp_path) as memory:
        memory.add(Turn(role="user", text="Hello."), user_id="alice", session_id="tuesday")
        memory.forget(user_id="alice", **limits)
        assert recorded(memory) == left


def test_nobody_else_is_kept_from_writing(tmp_path):
    with opened(tmp_path) as memory:
        memory.forget(user_id="bob")
        assert recorded(memory) == {"1", "2"}


def test_a_tombstone_holds_no_word(tmp_path):
    with opened(tmp_path) as memory:
        recorded(memory)
        memory.forget(user_id="alice", filter={"topic": "cat"}, purge=True)
        memory.forget(**SCOPE, purge=True)
    held = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for word in (b"alice", b"monday", b"topic"):
        assert word not in held
