"""What several users say is read by all, once the owner of the store turns it on, and no longer."""

import dataclasses
import datetime as dt

import pytest

from lightmem_integrations import MissingExtraError, Settings, SettingsError, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

pytestmark = pytest.mark.slow

ON = Settings(background_indexing=False, shared_knowledge=True)
QUESTION = "Who likes green tea?"
TEA = "user.likes = green tea"
SHARED = "Several users: likes green tea"


@pytest.fixture
def shared_memory(open_memory):
    pytest.importorskip("presidio_analyzer", reason="the extra 'shared' is not installed")

    def opened(path=None, **options):
        return open_memory(path, settings=Settings(
            background_indexing=False, shared_knowledge=True, **options))  # fmt: skip

    return opened


def say(memory, user, text=TEA, **fields):
    memory.add(Turn(role="user", text=text, **fields), user_id=user)
    return memory.consolidate(final=True, writer=ScriptedWriter())


def shared_hits(memory, user="new", question=QUESTION, **limits):
    found = memory.recall(question, user_id=user, strict=True, **limits)
    return [hit for hit in found.hits if hit.source.shared]


def agree(memory, text=TEA, users=("ann", "bo", "cy")):
    return [say(memory, user, text) for user in users][-1]


def test_it_is_off_unless_it_is_turned_on(open_memory, open_ledger, tmp_path):
    memory = open_memory(tmp_path)
    agree(memory)
    assert shared_hits(memory) == []
    assert memory.shared() == ()
    tables = ("shared_support", "shared_statements", "shared_seen")
    with open_ledger(tmp_path).read() as connection:
        for each in tables:
            count = connection.exec_driver_sql(f"SELECT count(*) FROM {each}").scalar()
            assert count == 0, "nothing is computed either"


def test_a_store_that_was_moved_shares_again_at_its_next_consolidation(shared_memory, tmp_path):
    memory = shared_memory()
    agree(memory)
    memory.export(tmp_path / "all.jsonl")
    copy, apart = shared_memory(), shared_memory()
    copy.load(tmp_path / "all.jsonl")
    for user in memory.users():
        memory.export(tmp_path / "one.jsonl", user_id=user)
        apart.load(tmp_path / "one.jsonl")
    for moved in (copy, apart):
        assert moved.shared() == ()
        assert moved.consolidate().shared == 1
        assert moved.shared() == memory.shared()
        assert len(shared_hits(moved)) == 1


def test_two_users_are_not_enough_and_three_are(shared_memory):
    memory = shared_memory()
    say(memory, "ann")
    assert say(memory, "bo").shared == 0
    assert memory.shared() == ()
    assert shared_hits(memory) == []
    assert say(memory, "cy").shared == 1
    assert memory.shared() == (SHARED,)
    for user in ("new", "ann", "bo", "cy"):
        assert [hit.text for hit in shared_hits(memory, user)] == [SHARED]


def test_one_user_who_says_it_a_hundred_times_counts_once(shared_memory):
    memory = shared_memory()
    for number in range(100):
        memory.add(
            Turn(role="user", text=TEA),
            user_id="ann", session_id=f"s{number % 7}", agent_id=f"agent{number}",
        )  # fmt: skip
    memory.consolidate(final=True, writer=ScriptedWriter())
    assert len(memory.facts(user_id="ann")) == 1
    say(memory, "bo")
    assert memory.shared() == ()
    assert say(memory, "cy").shared == 1


def test_one_user_who_says_it_of_three_people_counts_once(shared_memory):
    memory = shared_memory()
    text = "Ann.likes + tea\nBo.likes + tea\nCy.likes + tea"
    memory.add(Turn(role="user", text=text), user_id="ann")
    memory.consolidate(final=True, writer=ScriptedWriter())
    assert len(memory.facts(user_id="ann")) == 3
    assert memory.shared() == ()
    for user in ("bo", "cy"):
        memory.add(Turn(role="user", text="Dee.likes + tea"), user_id=user)
    memory.consolidate(final=True, writer=ScriptedWriter())
    assert memory.shared() == ("Several users: likes tea",)


def test_a_hit_names_nobody_and_shows_nobodys_turns(shared_memory):
    memory = shared_memory()
    agree(memory)
    recall = memory.recall(QUESTION, user_id="new", strict=True)
    (hit,) = recall.hits
    assert (hit.tier, hit.turns, hit.neighbours) == ("ltm", (), ())
    assert (hit.source.session_id, hit.source.turn_ids, hit.source.agent_id) == ("", (), None)
    assert hit.when.time() == dt.time(0), "the hour could tell who said it last"
    assert recall.text.splitlines()[2].endswith(f"Shared: {SHARED}")
    assert "user likes" not in str(dataclasses.asdict(recall))
    assert TEA not in str(dataclasses.asdict(recall))


def test_it_stands_behind_the_users_own_memory(shared_memory):
    memory = shared_memory()
    agree(memory)
    for number in range(9):
        memory.add(Turn(role="user", text=f"My day number {number} was green."), user_id="dee")
    hits = memory.recall(QUESTION, user_id="dee", k=5, strict=True).hits
    assert [hit.source.shared for hit in hits] == [False] * 4 + [True]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    few = memory.recall(QUESTION, user_id="dee", k=3, strict=True).hits
    assert not any(hit.source.shared for hit in few), "it may take one place in five"


def test_it_is_left_out_where_the_question_is_limited(shared_memory):
    memory = shared_memory()
    agree(memory)
    memory.add(Turn(role="user", text="Hello.", speaker="Dee"), user_id="dee", session_id="s")
    now = dt.datetime.now(dt.timezone.utc)
    for limits in (
        {"session_id": "s"}, {"since": now - dt.timedelta(days=1)}, {"until": now},
        {"as_of": now}, {"speakers": ["Dee"]}, {"tiers": ["mtm"]},
    ):  # fmt: skip
        assert shared_hits(memory, "dee", **limits) == [], limits
    assert shared_hits(memory, "dee", exclude_session="s")
    assert shared_hits(memory, "dee", tiers=["ltm"])


def test_it_is_withdrawn_when_a_user_is_forgotten_and_comes_back_with_another(shared_memory):
    memory = shared_memory()
    agree(memory)
    memory.forget(user_id="bo")
    assert memory.shared() == ()
    assert shared_hits(memory) == []
    assert say(memory, "dee").shared == 1
    assert shared_hits(memory)


def test_of_four_users_one_may_go(shared_memory):
    memory = shared_memory()
    agree(memory, users=("ann", "bo", "cy", "dee"))
    memory.forget(user_id="ann")
    assert memory.shared() == (SHARED,)


def test_it_is_withdrawn_at_once_when_somebody_retracts_or_changes_their_mind(
    shared_memory, open_ledger, tmp_path
):
    memory = shared_memory(tmp_path)
    agree(memory)
    (fact,) = memory.facts(user_id="cy")
    memory.retract(fact.id, user_id="cy")
    assert memory.shared() == ()
    assert shared_hits(memory) == []
    say(memory, "dee")
    assert memory.shared() == (SHARED,)
    say(memory, "bo", "user.likes = coffee")
    assert memory.shared() == ()
    memory.consolidate(final=True)
    with open_ledger(tmp_path).read() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM shared_statements").scalar()
    assert count == 0, "the text goes with the next run"


def test_private_users_take_no_part_but_may_read(shared_memory, tmp_path):
    memory = shared_memory(tmp_path / "store", private_users=("ann",))
    agree(memory)
    assert memory.shared() == ()
    say(memory, "dee")
    assert shared_hits(memory, "ann")
    memory.close()
    memory = shared_memory(tmp_path / "store", private_users=("ann", "dee"))
    memory.consolidate()
    assert memory.shared() == ()


def test_turned_on_later_it_knows_what_was_said_before(open_memory, shared_memory, tmp_path):
    memory = open_memory(tmp_path / "store")
    agree(memory)
    memory.close()
    memory = shared_memory(tmp_path / "store")
    assert memory.consolidate().shared == 1
    assert memory.consolidate().shared == 0
    assert shared_hits(memory)
    memory.close()
    memory = open_memory(tmp_path / "store")
    assert shared_hits(memory) == []
    memory.forget(user_id="ann")
    memory.close()
    assert shared_memory(tmp_path / "store").shared() == (), "forget withdraws also where it is off"


def test_another_embedder_makes_it_anew(open_memory, shared_memory, tmp_path):
    memory = shared_memory(tmp_path / "store")
    agree(memory)
    memory.close()
    memory = open_memory(
        tmp_path / "store", settings=ON, embedder=HashEmbedder(64), replace_embedder=True
    )
    assert memory.consolidate().shared == 1
    assert shared_hits(memory)


def test_a_failing_embedder_puts_sharing_off(open_memory, shared_memory):
    class Failing(HashEmbedder):
        fails = False

        def embed_documents(self, texts):
            if self.fails and texts[0] == "likes green tea":
                raise RuntimeError("down")
            return super().embed_documents(texts)

    embedder = Failing()
    memory = open_memory(settings=ON, embedder=embedder)
    embedder.fails = True
    report = agree(memory)
    assert report.facts == 1
    assert "Not shared" in report.problems[-1]
    assert memory.shared() == ()
    embedder.fails = False
    assert memory.consolidate().shared == 1


def test_without_the_extra_it_cannot_be_turned_on(open_memory, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"lightmem-integrations\[shared\]"):
        open_memory(tmp_path / "store", settings=ON)
    assert open_memory(tmp_path / "store"), "no folder was locked"


@pytest.mark.parametrize(
    "wrong",
    [{"shared_knowledge": 1}, {"private_users": "ann"}, {"private_users": (1,)},
     {"names_model": ""}, {"names_model": 3}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Settings(**wrong)


def test_the_tools_of_both_frameworks_can_show_it(shared_memory):
    memory = shared_memory()
    agree(memory)
    from lightmem_integrations import langchain, llama_index

    nodes = llama_index.LightMemRetriever(memory, user_id="new").retrieve(QUESTION)
    assert [each.text for each in nodes] == [SHARED]
    documents = langchain.LightMemRetriever(memory=memory, user_id="new").invoke(QUESTION)
    assert [each.page_content for each in documents] == [SHARED]
    tool = langchain.LightMemToolkit(memory=memory, user_id="new").get_tools()[0]
    assert SHARED in tool.invoke({"query": QUESTION})
