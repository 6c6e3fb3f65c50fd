"""forget: exactly what was meant is gone, from everywhere, and nobody else notices."""

import datetime as dt

import numpy as np
import pytest

from lightmem_integrations import (
    Branch,
    ExactIndex,
    IndexUnavailableError,
    InvalidRequestError,
    LightMem,
    Receipt,
    Settings,
    Turn,
)
from lightmem_integrations.storage.vector_bytes import pack_vector, unpack_vector
from lightmem_integrations.testing import HashEmbedder

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
MAY = dt.datetime(2025, 5, 1, tzinfo=UTC)
RUN = Branch(history="agent", turn_ids=None)


class Unreliable(ExactIndex):
    """An index whose building can be made to fail."""

    broken = False

    def replace(self, batches):
        if self.broken:
            raise IndexUnavailableError("down")
        super().replace(batches)


@pytest.fixture
def memory(open_memory, tmp_path):
    memory = open_memory(tmp_path / "store")
    for user in ("ann", "bob"):
        for session in ("s1", "s2"):
            turns = [
                Turn(role="user", text=f"{user} saw heron {n} in {session}", id=f"t{n}",
                     speaker=f"speaker {n % 2}", time=MAY + n * DAY)
                for n in range(6)
            ]  # fmt: skip
            memory.add(turns, user_id=user, session_id=session)
    memory.index_pending()
    return memory


def left(memory, user="ann"):
    return {
        (session, turn.id)
        for session in memory.sessions(user_id=user)
        for turn in memory.history(user_id=user, session_id=session)
    }


ALL = {(session, f"t{n}") for session in ("s1", "s2") for n in range(6)}


@pytest.mark.parametrize(
    ("what", "gone"),
    [
        ({}, ALL),
        ({"session_id": "s1"}, {each for each in ALL if each[0] == "s1"}),
        ({"turn_ids": ["t1", "t2", "nope"]}, {each for each in ALL if each[1] in ("t1", "t2")}),
        ({"turn_ids": []}, set()),
        ({"since": MAY + 4 * DAY}, {each for each in ALL if each[1] in ("t4", "t5")}),
        ({"until": MAY + DAY}, {each for each in ALL if each[1] == "t0"}),
        ({"since": MAY + DAY, "until": MAY + 3 * DAY, "session_id": "s2"},
         {("s2", "t1"), ("s2", "t2")}),
        ({"turn_ids": ["t3"], "session_id": "s1"}, {("s1", "t3")}),
        ({"session_id": "unknown"}, set()),
        ({"turn_ids": [f"x{n}" for n in range(40_000)]}, set()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("purge", [True, False])
def test_what_meets_every_condition_goes_and_the_rest_stays(memory, what, gone, purge):
    receipt = memory.forget(user_id="ann", purge=purge, **what)
    assert left(memory) == ALL - gone
    assert left(memory, "bob") == ALL
    sessions = {session for session, _ in ALL} - {session for session, _ in ALL - gone}
    assert (receipt.turns, receipt.sessions, receipt.vectors) == (
        len(gone), len(sessions), len(gone),
    )  # fmt: skip
    found = memory.recall("heron", user_id="ann", k=20, strict=True).hits
    assert {(hit.source.session_id, hit.turns[0].id) for hit in found} == ALL - gone
    assert memory.stats(user_id="ann").searchable == len(ALL - gone)
    if gone == ALL:
        assert memory.users() == ("bob",)


def test_forgetting_again_or_an_unknown_user_is_fine(memory):
    memory.forget(user_id="ann")
    nothing = Receipt(turns=0, sessions=0, vectors=0, purged=True)
    assert memory.forget(user_id="ann") == nothing
    assert memory.forget(user_id="nobody") == nothing


@pytest.mark.parametrize(
    "what",
    [
        {"turn_ids": "t1"},
        {"turn_ids": [1]},
        {"turn_ids": ["\ud800"]},
        {"turn_ids": 5},
        {"since": "2025"},
        {"since": MAY + 3 * DAY, "until": MAY},
        {"until": dt.datetime(2025, 5, 1)},  # noqa: DTZ001
        {"since": 5},
    ],
)
def test_a_request_that_makes_no_sense_erases_nothing(memory, what):
    with pytest.raises(InvalidRequestError):
        memory.forget(user_id="ann", **what)
    assert left(memory) == ALL


def test_others_find_exactly_what_they_found_before(memory):
    questions = [f"heron {n} in s{n % 2 + 1}" for n in range(20)]

    def answers():
        return [
            [(hit.source, hit.score, hit.text) for hit in memory.recall(each, user_id="bob").hits]
            for each in questions
        ]

    before = answers()
    memory.forget(user_id="ann", turn_ids=["t1", "t4"], purge=False)
    assert answers() == before
    memory.forget(user_id="ann")
    assert answers() == before


def test_the_speaker_and_the_ids_are_free_again(memory):
    memory.forget(user_id="ann", turn_ids=["t1", "t3", "t5"])
    plan = memory.recall("What did speaker 1 say?", user_id="ann").plan
    assert "speaker 1" not in plan.speakers
    (turn,) = memory.add(Turn(role="user", text="New.", id="t1"), user_id="ann", session_id="s1")
    assert turn.text == "New."
    assert memory.history(user_id="ann", session_id="s1")[-1] == turn


def test_forgetting_while_turns_still_wait_for_the_index(memory):
    memory.add([Turn(role="user", text=f"waiting crane {n}", id=f"w{n}") for n in range(40)],
               user_id="ann")  # fmt: skip
    assert memory.stats().pending == 40
    memory.forget(user_id="ann", turn_ids=[f"w{n}" for n in range(0, 40, 2)])
    assert memory.stats(user_id="ann").pending == 20
    memory.index_pending()
    found = memory.recall("waiting crane", user_id="ann", k=50, max_tokens=9_000, strict=True)
    waiting = {hit.turns[0].id for hit in found.hits if "crane" in hit.text}
    assert waiting == {f"w{n}" for n in range(1, 40, 2)}


def test_short_term_memory_forgets_too(memory):
    memory.forget(user_id="ann", session_id="s1", turn_ids=["t5"])
    assert memory.short_term(user_id="ann", session_id="s1")[-1].id == "t4"


def test_an_index_that_fails_loses_the_turns_all_the_same_and_is_made_good_later(
    open_memory, tmp_path
):
    index = Unreliable()
    memory = open_memory(tmp_path / "store", index=index)
    memory.add([Turn(role="user", text=f"heron {n}", id=f"t{n}") for n in range(5)], user_id="ann")
    memory.index_pending()
    index.broken = True
    with pytest.raises(IndexUnavailableError):
        memory.forget(user_id="ann", turn_ids=["t2"])
    assert [turn.id for turn in memory.history(user_id="ann")] == ["t0", "t1", "t3", "t4"]
    found = memory.recall("heron 2", user_id="ann", k=9)
    assert "t2" not in {hit.turns[0].id for hit in found.hits}
    index.broken = False
    memory.reindex()
    assert memory.stats().index == "ready"
    assert len(memory.recall("heron", user_id="ann", k=9, strict=True).hits) == 4


def canaries_in(folder, needles):
    return {
        (path.name, name)
        for path in folder.rglob("*")
        if path.is_file()
        for name, needle in needles.items()
        if needle in path.read_bytes()
    }


@pytest.mark.slow
@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("what", [{}, {"session_id": "SESSIONcanary"}, {"turn_ids": ["IDcanary"]}])
def test_no_byte_is_left_on_disk(open_memory, tmp_path, background, what):
    folder = tmp_path / "store"
    settings = Settings(background_indexing=background, shards=2, column_mebibytes=0)
    memory = open_memory(folder, settings=settings)
    text = "TEXTcanary the quick heron flies over Lisbon at seven"
    for number in range(30):
        memory.add(
            [Turn(role="user", text=f"plain line {number} about egrets {n}") for n in range(20)],
            user_id=f"other {number % 3}",
        )
    memory.add(
        Turn(role="user", text=text, id="IDcanary", speaker="SPEAKERcanary",
             message={"k": "MESSAGEcanary"}),
        user_id="USERcanary", session_id="SESSIONcanary", agent_id="AGENTcanary",
    )  # fmt: skip
    memory.index_pending()
    vector = HashEmbedder().embed_documents([f"SPEAKERcanary: {text}"])[0]
    needles = {
        each: each.encode()
        for each in ("TEXTcanary", "SPEAKERcanary", "MESSAGEcanary", "IDcanary", "AGENTcanary",
                     "USERcanary", "SESSIONcanary", "heron flies", "textcanari")
    } | {
        "fp32": vector.astype(np.float32).tobytes(),
        "packed": pack_vector(vector),
        "unpacked": unpack_vector(pack_vector(vector)).tobytes(),
    }  # fmt: skip
    before = {name for _, name in canaries_in(folder, needles)}
    assert before > {"TEXTcanary", "IDcanary", "packed"}, "the scan sees what is there"
    if not background:
        assert "fp32" in before or "unpacked" in before
    memory.recall("heron Lisbon", user_id="USERcanary", strict=True)
    receipt = memory.forget(user_id="USERcanary", **what)
    assert receipt.purged
    assert canaries_in(folder, needles) == set()
    memory.close()
    assert canaries_in(folder, needles) == set()


def test_what_was_not_purged_at_once_is_purged_at_the_next_opening(open_memory, tmp_path):
    folder = tmp_path / "store"
    vectors = HashEmbedder().embed_documents(["TEXTcanary heron in the reeds"])[0]
    needles = {"text": b"TEXTcanary", "fp32": vectors.tobytes()}
    settings = Settings(background_indexing=False, column_mebibytes=0)  # all are in the index
    with open_memory(folder, settings=settings) as memory:
        memory.add(Turn(role="user", text="TEXTcanary heron in the reeds"), user_id="ann")
        memory.add(Turn(role="user", text="An egret."), user_id="bob")
        memory.index_pending()
        assert not memory.forget(user_id="ann", purge=False).purged
        assert not memory.recall("heron", user_id="ann", strict=True).hits
        assert "text" not in {name for _, name in canaries_in(folder, needles)}
    with open_memory(folder) as memory:
        memory.index_pending()
        assert memory.recall("egret", user_id="bob", strict=True).hits
    assert canaries_in(folder, needles) == set()


def test_forgetting_again_completes_what_the_index_kept_from_being_done(tmp_path):
    path = tmp_path / "store"
    # In the background an index that is back would be purged before the next call.
    settings, index = Settings(background_indexing=False), Unreliable()
    with LightMem(path, embedder=HashEmbedder(8), index=index, settings=settings) as memory:
        memory.add(Turn(role="user", text="CANARY4711"), user_id="ann")
        memory.add(Turn(role="user", text="heron"), user_id="bo")
        memory.index_pending()
        index.broken = True
        with pytest.raises(IndexUnavailableError):
            memory.forget(user_id="ann")
        index.broken = False
        assert not memory.forget(user_id="nobody", purge=False).purged
        assert memory.forget(user_id="ann").purged
        files = [each for each in path.rglob("*") if each.is_file()]
        assert not [each.name for each in files if b"CANARY4711" in each.read_bytes()]
        assert memory.forget(user_id="ann", purge=False).purged


@pytest.mark.sqlite("rewrites the file")
def test_forgetting_without_a_purge_rewrites_no_database(tmp_path):
    with LightMem(tmp_path / "store", embedder=HashEmbedder(8)) as memory:
        memory.add([Turn(role="user", text=f"heron {n} " * 50) for n in range(200)], user_id="ann")
        memory.index_pending()
        file = tmp_path / "store" / "ledger.sqlite"
        memory.forget(user_id="ann", purge=False)
        kept = file.stat().st_size
        assert not memory.forget(user_id="ann", purge=False).purged
        assert memory.forget(user_id="ann").purged
        assert file.stat().st_size < kept


@pytest.mark.parametrize(
    ("what", "left_out"),
    [
        ({}, ["a", "b"]),
        ({"session_id": "s1"}, ["a", "b"]),
        ({"session_id": "s2"}, []),
        ({"turn_ids": ["a", "c"]}, ["a"]),
        ({"until": MAY}, []),
        ({"since": MAY}, ["a", "b"]),
    ],
)
def test_what_was_said_before_a_forget_is_not_written_down_after_it(open_memory, what, left_out):
    memory = open_memory()
    before = dt.datetime.now(dt.timezone.utc)
    said = [Turn(role="user", text=f"herons {key}", id=key, time=before) for key in "ab"]
    memory.forget(user_id="ann", **what)
    memory.forget(user_id="bob")
    later = Turn(role="user", text="herons c", id="c")
    stored = memory.add([*said, later], user_id="ann", session_id="s1", branch=RUN)
    assert [turn.id for turn in stored] == [key for key in "abc" if key not in left_out]
    assert memory.history(user_id="ann", session_id="s1") == stored
    memory.add(said, user_id="ann", session_id="s1")  # who wants it stored says so
    assert len(memory.history(user_id="ann", session_id="s1")) == 3


def test_a_memory_forgotten_by_its_id_is_not_written_down_again(open_memory):
    memory = open_memory()
    now = dt.datetime.now(dt.timezone.utc)
    turns = [Turn(role="user", text=f"herons {key}", id=key, time=now) for key in "ab"]
    memory.add(turns, user_id="ann")
    memory.consolidate(user_id="ann", final=True)
    (episode, *_) = memory.episodes(user_id="ann")
    memory.forget(user_id="ann", memory_ids=[episode.id])
    assert memory.add(turns, user_id="ann", branch=RUN) == ()
    assert memory.users() == ()
