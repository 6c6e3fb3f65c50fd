"""forget erases what was made of turns, and what is left is made anew of what is left."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from lightmem_integrations import Turn
from lightmem_integrations.storage.schema import metadata
from lightmem_integrations.storage.users import find_user
from lightmem_integrations.testing import ScriptedWriter

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)


@pytest.fixture
def memory(open_memory, tmp_path):
    return open_memory(tmp_path)


@pytest.fixture
def told(memory, consolidated):
    def told(*texts, day=1, session="s1", agent=None, **settings):
        memory.add(
            [
                Turn(role="user", text=text, id=f"{session}/{day}/{number}",
                     time=MAY + (day - 1) * DAY)
                for number, text in enumerate(texts)
            ],
            user_id="ann", session_id=session, agent_id=agent,
        )  # fmt: skip
        return consolidated(memory, size=10, settings=settings)

    return told


def facts(memory, *, current=True):
    return sorted(fact.value for fact in memory.facts(user_id="ann", include_past=not current))


@pytest.fixture
def ledger(memory, open_ledger):
    return open_ledger(memory)


def rows_of(ledger, user_row):
    """How many rows of all tables belong to a user."""
    with ledger.read() as connection:
        return sum(
            connection.execute(
                select(func.count()).select_from(table).where(table.c.user == user_row)
            ).scalar_one()
            for table in metadata.sorted_tables
            if "user" in table.c
        )


def row_of(ledger, user):
    with ledger.read() as connection:
        return find_user(connection, user).row


def test_a_whole_user_leaves_no_row(memory, ledger, told, consolidated):
    memory.add(Turn(role="user", text="Ann.home = Rome", time=MAY), user_id="bob")
    told("Ann.home = Lisbon", "Ann.likes + tea", agent="a", policy="ask")
    told("Ann.home = Porto", day=3, session="s2", agent="b", policy="ask")
    memory.retract(memory.facts(user_id="ann")[0].id, user_id="ann")
    memory.add(Turn(role="user", text="Poison."), user_id="ann", session_id="s9")

    class Failing(ScriptedWriter):
        def write(self, turns):
            raise ValueError("no")

    for tries in range(5):
        consolidated(memory, writer=Failing(), clock=lambda tries=tries: 1e10 + tries * 4000)
    memory.add(Turn(role="user", text="Poison again."), user_id="ann", session_id="s10")
    consolidated(memory, writer=Failing())
    ann, bob = row_of(ledger, "ann"), row_of(ledger, "bob")
    before = rows_of(ledger, bob)
    assert rows_of(ledger, ann) > 20
    receipt = memory.forget(user_id="ann")
    assert (receipt.turns, receipt.episodes, receipt.facts) == (5, 2, 3)
    assert rows_of(ledger, ann) == 0
    assert rows_of(ledger, bob) == before
    assert consolidated(memory, clock=lambda: 2e10).written == 0


def test_one_turn_takes_its_episode_along_and_the_others_are_due_again(memory, told, consolidated):
    told("Ann.home = Lisbon", "Ann.likes + tea", "Ann.likes + figs")
    told("Ann.pet = cat", session="s2")
    receipt = memory.forget(user_id="ann", turn_ids=["s1/1/1"])
    assert (receipt.turns, receipt.episodes, receipt.facts) == (1, 1, 3)
    assert facts(memory) == ["cat"]
    assert consolidated(memory).written == 1
    assert facts(memory) == ["Lisbon", "cat", "figs"]
    assert len(memory.episodes(user_id="ann")) == 2


def test_a_fact_that_others_support_stays_in_their_words(memory, told):
    told("Ann.home = LISBON", day=1)
    told("ann.home = Lisbon", day=5, session="s2")
    (fact,) = memory.facts(user_id="ann")
    assert fact.statement == "Ann home LISBON."
    receipt = memory.forget(user_id="ann", session_id="s1")
    assert (receipt.episodes, receipt.facts) == (1, 0)
    (left,) = memory.facts(user_id="ann")
    assert (left.id, left.statement, left.value) == (fact.id, "ann home Lisbon.", "Lisbon")
    assert left.valid_from == MAY + 4 * DAY
    assert left.confidence < fact.confidence
    found = memory.explain(left.id, user_id="ann")
    assert [each.session_id for each in found.evidence] == ["s2"]

    def known():
        found = memory.recall(
            "Where is the home of Ann?", user_id="ann", tiers=["ltm"], strict=True
        )
        return [hit.text for hit in found.hits]

    assert known() == ["ann home Lisbon."]  # by its words, before it has a vector again
    told("Hello.", session="s3")
    assert known() == ["ann home Lisbon."]
    told("ann.home = Porto", day=9, session="s4")
    assert facts(memory) == ["Porto"]


@pytest.mark.parametrize(
    ("session", "left"),
    [
        ("s1", [("Porto", 5, 9), ("Rome", 9, None)]),
        ("s2", [("Lisbon", 1, 9), ("Rome", 9, None)]),
        ("s3", [("Lisbon", 1, 5), ("Porto", 5, None)]),
    ],
)
def test_what_replaced_it_is_replaced_by_what_follows(memory, told, session, left):
    told("Ann.home = Lisbon", day=1, session="s1")
    told("Ann.home = Porto", day=5, session="s2")
    told("Ann.home = Rome", day=9, session="s3")
    memory.forget(user_id="ann", session_id=session)
    found = memory.facts(user_id="ann", include_past=True)
    days = [
        (fact.value, (fact.valid_from - MAY).days + 1,
         None if fact.valid_to is None else (fact.valid_to - MAY).days + 1)
        for fact in found
    ]  # fmt: skip
    assert days == left
    assert [fact.superseded_by for fact in found] == [found[1].id, None]


def test_conflicts_go_with_either_side(memory, told):
    told("Ann.home = Lisbon", agent="a", policy="ask")
    told("Ann.home = Porto", day=3, session="s2", agent="b", policy="ask")
    assert len(memory.conflicts(user_id="ann")) == 1
    memory.forget(user_id="ann", session_id="s2")
    assert not memory.conflicts(user_id="ann", only_open=False)
    assert facts(memory) == ["Lisbon"]


def test_what_a_person_said_goes_with_its_evidence(memory, told, consolidated):
    told("Ann.home = Lisbon", "Hello.")
    (old,) = memory.facts(user_id="ann")
    memory.edit(old.id, user_id="ann", value="Lagos")
    memory.forget(user_id="ann", turn_ids=["s1/1/0"])
    consolidated(memory)
    assert facts(memory, current=False) == []


def test_a_refusal_outlives_the_loss_of_another_turn(memory, told, consolidated):
    told("Ann.home = Lisbon", "Ann.likes + tea", "Hello.")
    home, tea = sorted(memory.facts(user_id="ann"), key=lambda fact: fact.value)
    memory.edit(home.id, user_id="ann", value="Lagos")
    memory.retract(tea.id, user_id="ann")
    memory.forget(user_id="ann", turn_ids=["s1/1/2"])
    report = consolidated(memory)
    assert (report.written, report.dropped) == (1, 2)
    assert facts(memory, current=False) == []


def test_a_worker_with_old_knowledge_cannot_bring_back_what_is_gone(memory, told, consolidated):
    told("Ann.home = Lisbon", day=1)
    memory.add(Turn(role="user", text="Ann.home = lisbon", time=MAY + DAY), user_id="ann",
               session_id="s2")  # fmt: skip

    class Forgetting(ScriptedWriter):
        def write(self, turns):
            memory.forget(user_id="ann", session_id="s1")
            return super().write(turns)

    consolidated(memory, writer=Forgetting())
    (fact,) = memory.facts(user_id="ann")
    assert fact.statement == "Ann home lisbon."
    assert fact.valid_from == MAY + DAY
