"""What consolidation found out takes part in recall, within the same budget and the same limits."""

import datetime as dt

import pytest

from lightmem_integrations import Turn
from noted import NotesWriter, note

pytestmark = pytest.mark.slow

UTC = dt.timezone.utc
PORTO, LISBON = "I live in Porto.", "I moved to Lisbon last week, I live there now!"
NOTES = [
    note(PORTO, "Ana", "home", "Porto", "Ana lives in Porto."),
    note(
        LISBON, "Ana", "home", "Lisbon", "Ana moved to Lisbon in the week of 9 June 2025.",
        since="2025-06-09",
    ),
    note("I live in Rome.", "Ben", "home", "Rome", "Ben lives in Rome."),
]  # fmt: skip
SMALL_TALK = ("The weather is fine.", "My bike has a flat tyre.", "I had soup for lunch today.")


def said(text, day, who="Ana"):
    return Turn(
        role="user", speaker=who, text=text, time=dt.datetime(2025, day[0], day[1], 12, tzinfo=UTC)
    )


@pytest.fixture
def memory(open_memory):
    """Ana lived in Porto, and moved to Lisbon in June."""
    memory = open_memory(embedder=None, writer=NotesWriter(NOTES))
    memory.add(
        [said(PORTO, (1, 10)), *(said(each, (1, 10)) for each in SMALL_TALK)],
        user_id="u",
        session_id="january",
    )
    memory.add(
        [said(LISBON, (6, 20)), *(said(each, (6, 20)) for each in SMALL_TALK)],
        user_id="u",
        session_id="june",
    )
    memory.index_pending()
    memory.consolidate(final=True)
    return memory


def texts(found):
    return [hit.text for hit in found.hits]


def test_what_holds_now_stands_before_what_it_replaced(memory):
    for question in (
        "Where does Ana live?",
        "In which city does Ana live, Porto?",
        "I live in Porto.",
    ):
        found = texts(memory.recall(question, user_id="u"))
        assert found.index(LISBON) < found.index(PORTO), question


def test_what_a_person_corrected_is_marked_where_it_is_quoted(memory):
    (lisbon,) = (fact for fact in memory.facts(user_id="u") if fact.value == "Lisbon")
    memory.edit(lisbon.id, user_id="u", statement="Ana moved to Braga in June 2025.", value="Braga")
    found = memory.recall("Where does Ana live now?", user_id="u")
    (line,) = (line for line in found.text.splitlines() if LISBON in line)
    assert line.endswith("(corrected: Ana moved to Braga in June 2025.)")
    (hit,) = (hit for hit in found.hits if hit.text == LISBON)
    assert hit.until is None
    (braga,) = (fact for fact in memory.facts(user_id="u") if fact.value == "Braga")
    memory.edit(braga.id, user_id="u", statement="Ana moved to Faro in June 2025.", value="Faro")
    for as_of in (None, dt.datetime.now(UTC)):
        text = memory.recall("Where does Ana live now?", user_id="u", as_of=as_of).text
        assert "(corrected: Ana moved to Faro in June 2025.)" in text
        assert "Braga" not in text


def test_what_a_person_retracted_is_marked_where_it_is_quoted(memory):
    (lisbon,) = (fact for fact in memory.facts(user_id="u") if fact.value == "Lisbon")
    before = dt.datetime.now(dt.timezone.utc)
    memory.retract(lisbon.id, user_id="u")
    text = memory.recall("Where does Ana live now?", user_id="u").text
    (line,) = (line for line in text.splitlines() if LISBON in line)
    assert line.endswith(f"(retracted: {lisbon.statement})")
    assert text.count("retracted") == 1
    earlier = memory.recall("Where does Ana live now?", user_id="u", as_of=before).text
    assert "retracted" not in earlier
    for fact in memory.facts(user_id="u"):
        memory.retract(fact.id, user_id="u")
    assert "(retracted: " in memory.recall("Where does Ana live now?", user_id="u").text


def test_what_was_retracted_and_is_believed_again_is_not_marked(memory):
    (lisbon,) = (fact for fact in memory.facts(user_id="u") if fact.value == "Lisbon")
    memory.retract(lisbon.id, user_id="u")
    memory.edit(lisbon.id, user_id="u", statement=lisbon.statement)
    assert "retracted" not in memory.recall("Where does Ana live now?", user_id="u").text


def test_a_correction_of_a_date_marks_nothing(memory):
    (lisbon,) = (fact for fact in memory.facts(user_id="u") if fact.value == "Lisbon")
    memory.edit(lisbon.id, user_id="u", valid_from="2025-06-11")
    assert "corrected" not in memory.recall("Where does Ana live now?", user_id="u").text


def test_what_no_longer_holds_says_until_when_and_what_holds_instead(memory):
    found = memory.recall("Where does Ana live?", user_id="u")
    line = next(line for line in found.text.splitlines() if PORTO in line)
    assert "(until " in line
    assert "June 2025; since then: Ana" in line
    assert "Lisbon" in line
    (old,) = [hit for hit in found.hits if hit.text == PORTO]
    assert old.until is not None
    assert old.until.date() <= dt.date(2025, 6, 20)
    (new,) = [hit for hit in found.hits if hit.text == LISBON]
    assert new.until is None


def test_a_turn_that_proves_a_fact_near_the_question_names_it(memory):
    found = memory.recall("Where does Ana live?", user_id="u")
    (new,) = [hit for hit in found.hits if hit.text == LISBON]
    assert new.tier == "ltm"
    assert new.statement.startswith("Ana moved to Lisbon")
    assert new.source.fact_id
    assert new.source.episode_id


def test_facts_alone_come_with_the_turns_that_prove_them(memory):
    found = memory.recall("Where does Ana live?", user_id="u", tiers=["ltm"])
    first = found.hits[0]
    assert first.tier == "ltm"
    assert "Lisbon" in first.text
    assert [turn.text for turn in first.turns] == [LISBON]
    assert LISBON in found.text  # the evidence, where there is room
    assert not any("Porto" in hit.text for hit in found.hits)


def test_a_question_about_the_past_gets_the_old_fact_before_the_new_one(memory):
    found = texts(memory.recall("Where did Ana live before?", user_id="u", tiers=["ltm"]))
    old, new = found[:2]
    assert old.startswith("Ana lives in Porto. (until 9 June 2025; since then: Ana moved to Lisbon")
    assert new == "Ana moved to Lisbon in the week of 9 June 2025."


def test_asked_for_the_past_what_was_overtaken_stands_first(memory):
    found = texts(memory.recall("Where did Ana live before?", user_id="u"))
    assert found.index(PORTO) < found.index(LISBON)


def test_asked_as_of_a_day_only_what_was_said_and_true_then_comes_back(memory):
    spring = dt.datetime(2025, 3, 1, tzinfo=UTC)
    found = memory.recall("Where does Ana live?", user_id="u", as_of=spring)
    assert PORTO in texts(found)
    assert LISBON not in texts(found)
    assert "until" not in found.text
    facts = texts(memory.recall("Where does Ana live?", user_id="u", as_of=spring, tiers=["ltm"]))
    assert any("Porto" in text for text in facts)
    assert not any("Lisbon" in text for text in facts)
    before = dt.datetime(2024, 3, 1, tzinfo=UTC)
    assert memory.recall("Where does Ana live?", user_id="u", as_of=before).hits == ()


def test_facts_keep_the_limits_of_the_request(memory):
    def facts(**limits):
        return memory.recall("Where does Ana live?", user_id="u", tiers=["ltm"], **limits).hits

    assert any("Lisbon" in hit.text for hit in facts())
    assert not any("Lisbon" in hit.text for hit in facts(session_id="january"))
    assert not any("Lisbon" in hit.text for hit in facts(exclude_session="june"))
    proof = {turn.id for hit in facts() for turn in hit.turns}
    assert facts(exclude=proof) == ()
    assert facts(speakers=["Ben"]) == ()


def test_nobody_sees_another_users_facts(memory):
    memory.add(said("I live in Rome.", (2, 1), "Ben"), user_id="v")
    memory.consolidate(final=True)
    for tiers in (["ltm"], ["mtm", "ltm"]):
        mine = memory.recall("Where does Ana live? In Rome?", user_id="u", tiers=tiers)
        theirs = memory.recall("Where does Ana live? In Lisbon?", user_id="v", tiers=tiers)
        assert "Rome" not in mine.text
        assert "Lisbon" not in theirs.text
        assert "Porto" not in theirs.text


def test_without_mid_term_memory_nothing_is_marked_or_added(memory):
    found = memory.recall("Where does Ana live?", user_id="u", tiers=["mtm"])
    assert {hit.tier for hit in found.hits} == {"mtm"}
    assert "until" not in found.text


def test_k_and_the_token_budget_hold_with_facts(memory):
    for k in (1, 2, 5):
        found = memory.recall("Where does Ana live?", user_id="u", k=k, max_tokens=90)
        assert len(found.hits) <= k
        assert memory.count_tokens(found.text) == found.tokens <= 90


def test_facts_that_cannot_be_read_cost_no_turns(memory, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("no such table")

    monkeypatch.setattr("lightmem_integrations.recall.pipeline.view_facts", broken)
    found = memory.recall("Where does Ana live?", user_id="u")
    assert LISBON in texts(found)
    assert PORTO in texts(found)
    assert any("consolidated" in each for each in found.degraded)
    with pytest.raises(RuntimeError):
        memory.recall("Where does Ana live?", user_id="u", strict=True)


def test_a_fact_is_forgotten_with_the_turns_that_prove_it_and_nothing_else(memory):
    (fact,) = [each for each in memory.facts(user_id="u") if "Lisbon" in each.statement]
    assert memory.forget(user_id="v", memory_ids=[fact.id]).turns == 0
    receipt = memory.forget(user_id="u", memory_ids=[fact.id])
    assert receipt.turns == 1
    found = memory.recall("Where does Ana live?", user_id="u", k=20)
    assert LISBON not in texts(found)
    assert PORTO in texts(found)
    assert "Lisbon" not in found.text


def test_what_is_recalled_counts_for_its_episode_once_somebody_consolidates(memory):
    used = {each.id: each.accesses for each in memory.episodes(user_id="u")}
    assert set(used.values()) == {0}
    for _ in range(3):
        found = memory.recall("Where does Ana live?", user_id="u", session_id="june")
    memory.consolidate(user_id="u")
    now = {each.session_id: each.accesses for each in memory.episodes(user_id="u")}
    assert now == {"january": 0, "june": 3}
    assert found.hits[0].source.episode_id in used
