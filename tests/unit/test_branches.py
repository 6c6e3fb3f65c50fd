"""Memory follows the history that an application keeps: what it replaced is superseded."""

import datetime as dt

import pytest

from lightmem_integrations import Branch, Turn

pytestmark = pytest.mark.slow

ANN = {"user_id": "ann", "session_id": "s1"}


@pytest.fixture
def memory(open_memory, tmp_path):
    return open_memory(tmp_path)


@pytest.fixture
def go_on(memory):
    """Adds turns, given as ``id=text``, at the end of a branch that holds other ids before."""

    def go_on(*before, history="app", edited=(), **turns):
        said = [Turn(role="user", text=text, id=name) for name, text in turns.items()]
        known = [Turn(role="user", text=text, id=name) for name, text in edited]
        return memory.add(
            said, branch=Branch(history=history, turn_ids=(*before, *turns), turns=known), **ANN
        )

    return go_on


def standing(memory):
    return [turn.text for turn in memory.history(**ANN) if not turn.superseded]


def recalled(memory, question, **limits):
    found = memory.recall(question, user_id="ann", strict=True, **limits)
    near = [turn.text for hit in found.hits for turn in hit.neighbours]
    return {turn.text for hit in found.hits for turn in hit.turns} | set(near), found.text


def values(memory):
    return sorted(fact.value for fact in memory.facts(user_id="ann"))


@pytest.mark.parametrize("indexed", [True, False])
def test_what_a_fork_left_is_kept_and_marked_but_not_recalled(memory, go_on, indexed):
    go_on(a="I fly to Rome.", b="The heron is in Rome.")
    if indexed:
        memory.index_pending()
    go_on("a", c="The heron is in Porto.")
    assert [(turn.id, turn.superseded) for turn in memory.history(**ANN)] == [
        ("a", False), ("b", True), ("c", False),
    ]  # fmt: skip
    texts, text = recalled(memory, "Where is the heron?")
    assert texts == {"I fly to Rome.", "The heron is in Porto."}
    assert "The heron is in Rome." not in text
    assert [turn.id for turn in memory.short_term(**ANN)] == ["a", "c"]
    assert memory.stats(user_id="ann").searchable == 2


def test_a_branch_that_is_taken_up_again_stands_again_and_the_other_one_no_longer(memory, go_on):
    go_on(a="one", b="heron", c="boat")
    go_on("a", d="train")
    go_on("a", "b", "c", e="river")
    assert standing(memory) == ["one", "heron", "boat", "river"]
    assert recalled(memory, "heron")[0] >= {"heron"}
    go_on("a", "d", f="bread")
    assert standing(memory) == ["one", "train", "bread"]
    assert "heron" not in recalled(memory, "heron")[0]
    assert "train" in recalled(memory, "train")[0]


def test_a_history_that_was_cut_back_is_followed_before_anything_new_is_said(memory, go_on):
    go_on(a="one", b="heron")
    go_on("a")
    assert standing(memory) == ["one"]
    go_on("a", "b")
    assert standing(memory) == ["one", "heron"]


@pytest.mark.parametrize(
    "held", [["c"], ["summary", "c"], ["a", "c"], ["summary"], [], ["x", "y"]], ids=str
)
def test_what_was_trimmed_summarised_or_is_unknown_supersedes_nothing(memory, go_on, held):
    go_on(a="one", b="two", c="three")
    go_on(*held, d="four")
    assert standing(memory) == ["one", "two", "three", "four"]


def test_turns_of_another_history_of_the_session_stand(memory, go_on):
    go_on(a="one")
    go_on(history="other agent", x="heron")
    memory.add(Turn(role="user", text="by hand", id="h"), **ANN)
    go_on("a", b="two")
    assert standing(memory) == ["one", "heron", "by hand", "two"]


def test_an_edited_turn_stands_in_its_new_words_in_its_old_place(memory, go_on):
    go_on(a="The heron is in Rome.", b="Noted.")
    go_on("b", edited=[("a", "The heron is in Porto.")], c="Thanks.")
    assert standing(memory) == ["The heron is in Porto.", "Noted.", "Thanks."]
    texts, text = recalled(memory, "Where is the heron?")
    assert "The heron is in Porto." in texts
    assert "Rome" not in text
    go_on("b", "c", edited=[("a", "The heron is in Rome.")])
    assert standing(memory) == ["The heron is in Rome.", "Noted.", "Thanks."]
    assert len(memory.history(**ANN)) == 4


def test_a_fork_before_what_followed_an_edited_turn(memory, go_on):
    go_on(a="one", b="two", c="three")
    go_on("b", "c", edited=[("a", "uno")])
    go_on("a", "b", d="four")
    assert standing(memory) == ["uno", "two", "four"]


def test_a_turn_that_is_asked_anew_in_other_words_replaces_its_answer_too(memory, go_on):
    go_on(a="Where is the heron?", b="In Rome.")
    go_on(a="Where is the boat?")
    assert standing(memory) == ["Where is the boat?"]


def test_a_forgotten_turn_is_not_brought_back_by_a_branch(memory, go_on):
    go_on(a="one", b="two")
    memory.forget(turn_ids=["a"], **ANN)
    go_on("b", edited=[("a", "one")], c="three")
    assert [turn.text for turn in memory.history(**ANN)] == ["two", "three"]


def test_forgetting_erases_what_is_superseded_too(memory, go_on):
    go_on(a="one", b="The heron is in Rome.")
    memory.index_pending()
    go_on("a", c="two")
    assert memory.forget(turn_ids=["b"], **ANN).turns == 1
    assert [turn.id for turn in memory.history(**ANN)] == ["a", "c"]
    assert memory.forget(user_id="ann").turns == 2
    assert memory.users() == ()


def test_an_index_that_is_rebuilt_and_one_that_is_opened_anew_hold_nothing_superseded(
    memory, go_on, open_memory
):
    go_on(a="one", b="The heron is in Rome.")
    memory.index_pending()
    go_on("a", c="The boat is in Porto.")
    assert memory.reindex() == 2
    memory.close()
    again = open_memory(memory.path)
    assert [turn.superseded for turn in again.history(**ANN)] == [False, True, False]
    assert "Rome" not in recalled(again, "Where is the heron?")[1]


def test_what_is_superseded_is_not_consolidated(memory, go_on, consolidated):
    go_on(a="Ann.likes + tea", b="Ann.home = Rome")
    go_on("a", c="Ann.home = Porto")
    consolidated(memory, size=10)
    assert values(memory) == ["Porto", "tea"]


def test_facts_of_superseded_turns_hold_no_longer_and_come_back_with_them(
    memory, go_on, consolidated
):
    go_on(a="Ann.likes + tea", b="Ann.home = Rome")
    consolidated(memory, size=10)
    go_on("a", c="Ann.likes + cake")
    assert "Rome" not in values(memory)
    consolidated(memory, size=10)
    assert values(memory) == ["cake", "tea"]
    go_on("a", "b", d="Ann.likes + rice")
    consolidated(memory, size=10)
    assert values(memory) == ["Rome", "rice", "tea"]


def test_a_fact_that_another_turn_proves_too_stays_with_that_proof_alone(
    memory, go_on, consolidated
):
    memory.add(Turn(role="user", text="Ann.home = Rome", id="x"), user_id="ann", session_id="s2")
    go_on(a="one", b="Ann.home = Rome")
    consolidated(memory, size=10)
    go_on("a", c="two")
    (fact,) = memory.facts(user_id="ann")
    assert [proof.turn.id for proof in memory.explain(fact.id, user_id="ann").evidence] == ["x"]


def test_what_a_person_refused_stays_refused_when_its_turn_stands_again(
    memory, go_on, consolidated
):
    go_on(a="one", b="Ann.home = Rome")
    consolidated(memory, size=10)
    memory.retract(memory.facts(user_id="ann")[0].id, user_id="ann")
    go_on("a", c="two")
    go_on("a", "b", d="three")
    consolidated(memory, size=10)
    assert values(memory) == []


def test_turns_whose_episode_was_compressed_are_recalled_again_once_they_stand(
    memory, go_on, consolidated
):
    early = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
    first = [Turn(role="user", text=text, id=name, time=early)
             for name, text in (("a", "one"), ("b", "Ann.home = Rome"))]  # fmt: skip
    memory.add(first, branch=Branch(history="app", turn_ids=["a", "b"]), **ANN)
    memory.add(Turn(role="user", text="Ann.likes + tea"), user_id="ann")
    consolidated(memory, size=2, settings={"verbatim": 1, "capacity": 5})
    assert memory.stats(user_id="ann").searchable == 1
    go_on("a", c="two")
    go_on("a", "b", d="three")
    consolidated(memory, size=2)
    assert memory.stats(user_id="ann").searchable == 4
    assert "Ann.home = Rome" in recalled(memory, "home Rome")[0]


def test_a_new_user_may_begin_with_a_branch(memory, go_on):
    assert [turn.id for turn in go_on(a="one")] == ["a"]
    assert go_on("a") == ()
