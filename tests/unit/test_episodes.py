"""Consolidation: turns become episodes and facts, once, whatever happens in between."""

import datetime as dt
import threading

import pytest

from lightmem_integrations import ModelError, ModelOutputError, Turn
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft
from lightmem_integrations.records.report import ConsolidationReport
from lightmem_integrations.testing import ScriptedWriter

MAY = dt.datetime(2025, 5, 1, 9, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)


def say(memory, *texts, user_id="ann", session_id="s1", start=MAY, **options):
    turns = [
        Turn(role="user", text=text, time=start + number * HOUR / 10)
        for number, text in enumerate(texts)
    ]
    return memory.add(turns, user_id=user_id, session_id=session_id, **options)


def nothing_but(report, **expected):
    """Fails unless the report counts exactly this."""
    counts = {
        name: getattr(report, name)
        for name in ConsolidationReport.__dataclass_fields__
        if name not in ("seconds", "problems", "tokens") and getattr(report, name)
    }
    assert counts == expected


def test_turns_become_episodes_with_their_facts(open_memory, consolidated):
    memory = open_memory()
    said = say(memory, "Hello.", "Ann.home = Lisbon", "Ann.likes + tea", "Bye.")
    report = consolidated(memory)
    nothing_but(report, written=2, facts=2)
    assert report.tokens == 8
    first, second = memory.episodes(user_id="ann")
    assert [turn.text for turn in first.turns] == ["Hello.", "Ann.home = Lisbon"]
    assert second.turns == said[2:]
    assert (first.begins, first.ends) == (said[0].time, said[1].time)
    assert (first.session_id, first.state, first.writer) == ("s1", "verbatim", "scripted")
    assert first.keywords == ("home",)
    home, likes = memory.facts(user_id="ann")
    assert (home.subject, home.attribute, home.value) == ("Ann", "home", "Lisbon")
    assert home.valid_from == said[1].time
    assert likes.statement == "Ann likes tea."


def test_running_twice_changes_nothing(open_memory, consolidated):
    memory = open_memory()
    say(memory, "Ann.home = Lisbon", "Ann.likes + tea", "More.")
    consolidated(memory)
    before = memory.episodes(user_id="ann"), memory.facts(user_id="ann")
    writer = ScriptedWriter()
    report = consolidated(memory, writer=writer)
    nothing_but(report)
    assert writer.calls == []
    after = memory.episodes(user_id="ann"), memory.facts(user_id="ann")
    assert [fact.id for fact in after[1]] == [fact.id for fact in before[1]]
    assert after[0] == before[0]


def test_what_may_go_on_is_left_until_it_is_over(open_memory, consolidated):
    memory = open_memory()
    now = dt.datetime.now(dt.timezone.utc)
    say(memory, "One.", "Two.", "Three.", start=now - HOUR)
    nothing_but(consolidated(memory, final=False), written=1, waiting=1)
    say(memory, "Four.", start=now - HOUR / 2)
    nothing_but(consolidated(memory, final=False), written=1)
    say(memory, "Five.", start=now - HOUR / 3)
    nothing_but(consolidated(memory, final=False), waiting=1)
    later = now.timestamp() + 7 * 3600
    nothing_but(consolidated(memory, final=False, clock=lambda: later), written=1)
    texts = [[turn.text for turn in each.turns] for each in memory.episodes(user_id="ann")]
    assert texts == [["One.", "Two."], ["Three.", "Four."], ["Five."]]


def test_the_next_session_ends_the_one_before(open_memory, consolidated):
    memory = open_memory()
    now = dt.datetime.now(dt.timezone.utc)
    say(memory, "One.", start=now - HOUR)
    say(memory, "Two.", session_id="s2", start=now - HOUR / 2)
    nothing_but(consolidated(memory, final=False), written=1, waiting=1)
    (episode,) = memory.episodes(user_id="ann")
    assert episode.session_id == "s1"


def test_what_is_not_searchable_is_not_consolidated(open_memory, consolidated):
    memory = open_memory()
    memory.add(
        [
            Turn(role="system", text="Ann.home = Rome"),
            Turn(role="user", text="Ann.home = Paris", searchable=False),
            Turn(role="user", text="Ann.home = Lisbon"),
        ],
        user_id="ann",
    )
    consolidated(memory)
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["Lisbon"]
    assert len(memory.episodes(user_id="ann")[0].turns) == 1


def test_a_late_turn_becomes_an_episode_of_its_own(open_memory, consolidated):
    memory = open_memory()
    say(memory, "One.", "Two.")
    consolidated(memory)
    say(memory, "Before all that.", start=MAY - 24 * HOUR)
    nothing_but(consolidated(memory), written=1)
    assert len(memory.episodes(user_id="ann")) == 2


def test_a_limit_on_sessions_and_progress(open_memory, consolidated):
    memory = open_memory()
    for number in range(5):
        say(memory, "One.", user_id=f"user {number % 2}", session_id=f"s{number}")
    heard = []
    report = consolidated(memory, max_batches=2, on_progress=heard.append)
    assert report.written == 2
    assert [(each.done, each.total) for each in heard] == [(0, 5), (1, 5), (2, 5)]
    assert consolidated(memory, user_id="user 1").written + report.written >= 2
    assert consolidated(memory, user_id="nobody").written == 0
    consolidated(memory)
    assert sum(len(memory.episodes(user_id=user)) for user in memory.users()) == 5


def test_a_session_longer_than_what_is_read_at_once(open_memory, consolidated):
    memory = open_memory()
    say(memory, *(f"Line {number}." for number in range(53)))
    report = consolidated(memory, size=4, settings={"max_turns": 10})
    said = [turn.text for each in memory.episodes(user_id="ann") for turn in each.turns]
    assert sorted(said) == sorted(f"Line {number}." for number in range(53))
    assert report.written >= 14


def test_a_session_that_cannot_be_cut_is_cut_by_what_is_read(open_memory, consolidated):
    memory = open_memory()
    say(memory, *(f"Line {number}." for number in range(25)))
    consolidated(memory, size=1000, settings={"max_turns": 10})
    sizes = [len(each.turns) for each in memory.episodes(user_id="ann")]
    assert sizes == [10, 10, 5]


class Failing(ScriptedWriter):
    """Fails on turns that hold a word."""

    def __init__(self, error, word=""):
        super().__init__()
        self.error, self.word = error, word

    def write(self, turns):
        if any(self.word in turn.text for turn in turns):
            self.calls.append(tuple(turns))
            raise self.error
        return super().write(turns)


def test_a_failing_writer_puts_the_session_back_and_waits(open_memory, consolidated):
    memory = open_memory()
    say(memory, "One.", "Two.", "Three.")
    now = [1e9]
    writer = Failing(ModelError("down"), "Three")
    for tries in range(8):
        report = consolidated(memory, writer=writer, clock=lambda: now[0])
        assert (report.failed, report.written) == (1, 1 if tries == 0 else 0)
        assert report.problems == ("ModelError: down",)
        calls = len(writer.calls)
        now[0] += min(30 * 2**tries, 3600) - 1
        nothing_but(consolidated(memory, writer=writer, clock=lambda: now[0]), resting=1)
        assert len(writer.calls) == calls, "it was tried before its time"
        now[0] += 2
    now[0] += 3600
    nothing_but(consolidated(memory, clock=lambda: now[0]), written=1)
    assert memory.recall("three", user_id="ann", strict=True).hits


def test_turns_that_no_writer_can_read_are_set_aside_and_the_rest_goes_on(
    open_memory, consolidated
):
    memory = open_memory()
    say(memory, "Poison.", "Two.", "Ann.home = Lisbon")
    writer, now = Failing(ModelOutputError("nonsense"), "Poison"), 1e9
    for tries in range(5):
        now += 4000
        report = consolidated(memory, writer=writer, clock=lambda: now)  # noqa: B023
        nothing_but(report, failed=1, **({"set_aside": 2} if tries == 4 else {}))
    nothing_but(consolidated(memory, writer=writer, clock=lambda: now), written=1, facts=1)
    nothing_but(consolidated(memory, writer=writer, clock=lambda: now))
    assert memory.stats().set_aside == memory.stats(user_id="ann").set_aside == 2


def test_turns_that_were_set_aside_can_be_tried_again(open_memory, consolidated):
    memory = open_memory()
    for user in ("ann", "bob"):
        say(memory, "Poison.", "Ann.likes + tea", user_id=user)
    for tries in range(5):
        consolidated(
            memory,
            writer=Failing(ModelOutputError("nonsense")),
            clock=lambda tries=tries: 1e10 + tries * 4000,
        )
    assert memory.stats().set_aside == 4
    writer = ScriptedWriter()
    assert memory.consolidate(writer=writer, final=True).written == 0
    report = memory.consolidate(writer=writer, user_id="ann", final=True, retry_set_aside=True)
    assert (report.written, report.facts, report.set_aside) == (1, 1, 0)
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["tea"]
    assert memory.stats(user_id="ann").set_aside == 0
    assert memory.stats().set_aside == 2, "another user's turns stay where they are"
    nobody = memory.consolidate(writer=writer, user_id="x", final=True, retry_set_aside=True)
    assert nobody.written == 0
    assert memory.stats().set_aside == 2
    assert memory.consolidate(writer=writer, final=True, retry_set_aside=True).written == 1
    assert memory.stats().set_aside == 0


def test_a_model_that_is_down_is_not_asked_for_every_session(open_memory, consolidated):
    memory = open_memory()
    for number in range(20):
        say(memory, "One.", session_id=f"s{number}")
    writer = Failing(ModelError("down"))
    assert consolidated(memory, writer=writer).failed == 3
    assert len(writer.calls) == 3


@pytest.mark.parametrize(
    "draft",
    [
        None,
        {"summary": "x"},
        EpisodeDraft(summary="a\0b"),
        EpisodeDraft(summary="a\ud800"),
        EpisodeDraft(summary="x", facts=(
            FactDraft(subject="Ann", attribute="home", value="\0", statement="s", evidence=(0,)),
        )),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_is_not(open_memory, consolidated, draft):
    class Broken(ScriptedWriter):
        def write(self, turns):
            return draft

    memory = open_memory()
    say(memory, "One.")
    report = consolidated(memory, writer=Broken())
    assert (report.failed, report.written) == (1, 0)
    assert not memory.episodes(user_id="ann")


def test_facts_without_a_turn_that_proves_them_are_dropped(open_memory, consolidated):
    class Lying(ScriptedWriter):
        def write(self, turns):
            fact = {"subject": "Ann", "attribute": "home", "value": "Rome", "statement": "Rome."}
            oslo = fact | {"value": "Oslo"}
            return EpisodeDraft(
                summary="x",
                facts=(
                    FactDraft(**fact, evidence=()),
                    FactDraft(**fact, evidence=(7, -1)),
                    FactDraft(**{**fact, "subject": " "}, evidence=(0,)),
                    FactDraft(**oslo, evidence=(0, 7), confidence=float("nan")),
                ),
                rejected=("too long",),
            )

    memory = open_memory()
    say(memory, "One.")
    report = consolidated(memory, writer=Lying())
    assert (report.facts, report.dropped, report.refused[0]) == (1, 4, "too long")
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["Oslo"]


class Blocking(ScriptedWriter):
    """Waits within the model until the test lets it go on."""

    def __init__(self):
        super().__init__()
        self.reading, self.go_on = threading.Event(), threading.Event()

    def write(self, turns):
        self.reading.set()
        assert self.go_on.wait(30)
        return super().write(turns)


def in_thread(run, *args, **options):
    results = []
    thread = threading.Thread(target=lambda: results.append(run(*args, **options)))
    thread.start()
    return thread, results


@pytest.mark.slow
def test_a_turn_added_while_a_slow_writer_works_survives_100_rounds(open_memory, consolidated):
    memory = open_memory()
    for number in range(100):
        say(memory, f"Ann.likes + thing{number}", session_id=f"s{number}")
        writer = Blocking()
        thread, results = in_thread(consolidated, memory, writer=writer)
        assert writer.reading.wait(30)
        say(memory, f"Ann.likes + late{number}", session_id=f"s{number}", start=MAY + HOUR)
        writer.go_on.set()
        thread.join(30)
        assert results[0].written >= 1
    consolidated(memory)
    values = {fact.value for fact in memory.facts(user_id="ann")}
    assert values == {f"{kind}{number}" for kind in ("thing", "late") for number in range(100)}


def test_turns_forgotten_while_a_slow_writer_works_leave_nothing(open_memory, consolidated):
    memory = open_memory()
    say(memory, "Ann.home = Lisbon", "Ann.likes + tea")
    (turn,) = say(memory, "Ann.likes + SECRET", session_id="s2")
    writer = Blocking()
    thread, results = in_thread(consolidated, memory, writer=writer, size=10)
    assert writer.reading.wait(30)
    memory.forget(user_id="ann", session_id="s1")
    memory.forget(user_id="ann", turn_ids=[turn.id])
    writer.go_on.set()
    thread.join(30)
    assert results[0].written == 0
    assert memory.users() == ()
    consolidated(memory)
    assert not memory.facts(user_id="ann")


def test_one_turn_forgotten_while_a_slow_writer_works_is_left_out(open_memory, consolidated):
    memory = open_memory()
    said = say(memory, "Ann.home = SECRET", "Ann.likes + tea")
    writer = Blocking()
    thread, results = in_thread(consolidated, memory, writer=writer, size=10)
    assert writer.reading.wait(30)
    memory.forget(user_id="ann", turn_ids=[said[0].id])
    writer.go_on.set()
    thread.join(30)
    nothing_but(results[0], written=1, facts=1)
    assert [len(turns) for turns in writer.calls] == [2, 1]
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["tea"]


def test_one_worker_at_a_time_has_a_user(open_memory, consolidated):
    memory = open_memory()
    say(memory, "One.")
    writer = Blocking()
    thread, results = in_thread(consolidated, memory, writer=writer)
    assert writer.reading.wait(30)
    nothing_but(consolidated(memory), busy=1)
    writer.go_on.set()
    thread.join(30)
    nothing_but(results[0], written=1)


def test_the_lease_of_a_dead_worker_runs_out(open_memory, consolidated):
    memory = open_memory()
    say(memory, "Ann.home = Lisbon")
    now = 1e9
    writer = Blocking()
    thread, results = in_thread(consolidated, memory, writer=writer, clock=lambda: now)
    assert writer.reading.wait(30)
    nothing_but(consolidated(memory, clock=lambda: now + 601), written=1, facts=1)
    # The worker was only slow: what it brings now is done already, and is thrown away.
    writer.go_on.set()
    thread.join(30)
    nothing_but(results[0], busy=1)
    assert len(memory.episodes(user_id="ann")) == 1
    assert len(memory.facts(user_id="ann")) == 1


def test_stopping_between_episodes(open_memory, consolidated):
    memory = open_memory()
    say(memory, "One.", "Two.", "Three.", "Four.")
    writer = ScriptedWriter()
    consolidated(memory, writer=writer, should_stop=lambda: len(writer.calls) >= 1)
    assert len(memory.episodes(user_id="ann")) == 1
    consolidated(memory)
    assert len(memory.episodes(user_id="ann")) == 2
