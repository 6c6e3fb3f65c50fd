"""The façade's offline part: what it makes of turns, for whom, and what it does when disturbed."""

import datetime as dt
import io
import threading
import time

import pytest
from rich.console import Console

from lightmem_integrations import (
    ConsolidationReport,
    ConsolidationSettings,
    InvalidRequestError,
    ModelError,
    ModelOutputError,
    ScopeError,
    Settings,
    SettingsError,
    StoreClosedError,
    Turn,
)
from lightmem_integrations.testing import ScriptedWriter

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)


@pytest.fixture
def memory(open_memory):
    return open_memory(writer=ScriptedWriter())


def say(memory, text, *, day=1, user="ann", session=None, agent=None):
    memory.add(
        Turn(role="user", text=text, time=MAY + dt.timedelta(days=day)),
        user_id=user, session_id=session or f"s{day}", agent_id=agent,
    )  # fmt: skip


def printed(shown):
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(shown)
    return console.export_text()


def ids(facts):
    """Ids and versions: confidence depends on the moment."""
    return [(fact.id, fact.version) for fact in facts]


class SlowWriter(ScriptedWriter):
    """Waits, in every call, until it is let go; says when it was called."""

    def __init__(self):
        super().__init__()
        self.called, self.let_go = threading.Event(), threading.Event()

    def write(self, turns):
        self.called.set()
        assert self.let_go.wait(30)
        return super().write(turns)


def test_turns_become_facts_and_a_second_run_changes_nothing(memory):
    say(memory, "Ann.home = Lisbon", day=1)
    say(memory, "Ann.home = Porto", day=40)
    report = memory.consolidate(user_id="ann")
    assert (report.written, report.facts, report.superseded) == (2, 2, 1)
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["Porto"]
    past = memory.facts(user_id="ann", include_past=True)
    assert [fact.value for fact in past] == ["Lisbon", "Porto"]
    assert past[0].valid_to == past[1].valid_from
    assert [each.turns[0].text for each in memory.episodes(user_id="ann")] == [
        "Ann.home = Lisbon",
        "Ann.home = Porto",
    ]
    again = memory.consolidate()
    assert (again.written, again.facts) == (0, 0)
    assert ids(memory.facts(user_id="ann", include_past=True)) == ids(past)


def test_without_a_model_there_are_episodes_and_no_facts_and_it_is_said_why(open_memory):
    memory = open_memory()
    say(memory, "I live in Lisbon.")
    report = memory.consolidate(user_id="ann")
    assert (report.written, report.facts, report.problems) == (1, 0, ())
    (episode,) = memory.episodes(user_id="ann")
    assert "I live in Lisbon." in episode.summary
    facts = memory.facts(user_id="ann")
    assert facts == ()
    assert "with a model: LightMem(..., writer=model)" in facts._repr_html_()


def test_a_writer_can_be_given_for_one_run(open_memory):
    memory = open_memory()
    say(memory, "Ann.home = Lisbon")
    memory.consolidate(writer=ScriptedWriter())
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["Lisbon"]


def test_what_is_no_writer_is_refused_before_the_folder_is_locked(open_memory, tmp_path):
    with pytest.raises(SettingsError):
        open_memory(tmp_path, writer=3)
    open_memory(tmp_path)


def test_the_end_of_a_session_waits_until_it_is_over(memory):
    memory.add(Turn(role="user", text="Ann.home = Lisbon"), user_id="ann")
    assert memory.consolidate(final=False).waiting == 1
    assert memory.facts(user_id="ann") == ()
    assert memory.consolidate().facts == 1


def test_days_are_those_of_where_it_was_said(memory):
    zone = dt.timezone(dt.timedelta(hours=9))
    night = dt.datetime(2025, 5, 2, 1, tzinfo=zone)  # still the first of May in Greenwich
    memory.add(Turn(role="user", text="Ann.home = Osaka", time=night), user_id="ann")
    memory.consolidate()
    (fact,) = memory.facts(user_id="ann")
    assert fact.valid_from == night
    assert fact.valid_from.day == 2
    assert memory.episodes(user_id="ann")[0].begins.day == 2


def test_progress_is_told(memory):
    for day in (1, 2, 3):
        say(memory, "Ann.likes + tea", day=day)
    heard = []
    memory.consolidate(on_progress=heard.append)
    assert [(each.done, each.total) for each in heard] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [each.written for each in heard] == [0, 1, 2, 3]
    assert heard[-1].tokens_left == 0
    assert heard[0].seconds_left is None
    assert heard[-1].seconds_left == 0.0


def test_a_run_can_be_limited_and_goes_on_later(memory):
    for day in (1, 2, 3):
        say(memory, f"Ann.likes + tea{day}", day=day)
    assert memory.consolidate(max_batches=2).written == 2
    assert memory.consolidate().written == 1
    with pytest.raises(InvalidRequestError):
        memory.consolidate(max_batches=0)


def test_one_users_run_leaves_the_others_alone(memory):
    say(memory, "Ann.home = Lisbon", user="ann")
    say(memory, "Bob.home = Oslo", user="bob")
    memory.consolidate(user_id="ann")
    assert memory.facts(user_id="bob") == ()
    assert memory.consolidate().written == 1


def test_nobody_reads_or_changes_anothers_facts(memory):
    say(memory, "Ann.home = Lisbon", user="ann", agent="x")
    say(memory, "Ann.home = Oslo", user="ann", agent="y")
    memory.consolidate()
    before = memory.facts(user_id="ann", include_past=True)
    conflict = memory.conflicts(user_id="ann")[0]
    for fact in before:
        for attempt in (
            lambda: memory.explain(fact.id, user_id="bob"),  # noqa: B023
            lambda: memory.edit(fact.id, user_id="bob", value="Faro"),  # noqa: B023
            lambda: memory.retract(fact.id, user_id="bob"),  # noqa: B023
            lambda: memory.resolve(conflict.id, user_id="bob", keep=fact.id),  # noqa: B023
        ):
            with pytest.raises(InvalidRequestError):
                attempt()
    assert memory.facts(user_id="bob", include_past=True) == ()
    assert memory.episodes(user_id="bob") == ()
    assert memory.conflicts(user_id="bob", only_open=False) == ()
    assert ids(memory.facts(user_id="ann", include_past=True)) == ids(before)
    assert memory.conflicts(user_id="ann")[0].id == conflict.id


@pytest.mark.parametrize("user_id", ["", " ", "*", None, 3])
def test_whose_memory_must_be_clear(memory, user_id):
    for attempt in (
        lambda: memory.facts(user_id=user_id),
        lambda: memory.episodes(user_id=user_id),
        lambda: memory.conflicts(user_id=user_id),
        lambda: memory.explain("x", user_id=user_id),
        lambda: memory.edit("x", user_id=user_id, value="y"),
        lambda: memory.retract("x", user_id=user_id),
        lambda: memory.resolve("x", user_id=user_id, keep="y"),
    ):
        with pytest.raises(ScopeError):
            attempt()
    if user_id is not None:
        with pytest.raises(ScopeError):
            memory.consolidate(user_id=user_id)


@pytest.mark.parametrize("fact_id", ["", "unknown", "\ud800", None, 3, ["x"]])
def test_a_fact_that_is_not_there_is_an_error_of_ours(memory, fact_id):
    say(memory, "Ann.home = Lisbon")
    memory.consolidate()
    for attempt in (
        lambda: memory.explain(fact_id, user_id="ann"),
        lambda: memory.edit(fact_id, user_id="ann", value="Faro"),
        lambda: memory.retract(fact_id, user_id="ann"),
        lambda: memory.resolve(fact_id, user_id="ann", keep="x"),
    ):
        with pytest.raises(InvalidRequestError):
            attempt()


def test_a_fact_in_the_place_of_its_id_is_named_with_the_remedy(memory):
    say(memory, "Ann.home = Lisbon")
    memory.consolidate()
    (fact,) = memory.facts(user_id="ann")
    with pytest.raises(InvalidRequestError, match=r"a Fact\. Pass the id of a fact: fact\.id"):
        memory.explain(fact, user_id="ann")


@pytest.mark.parametrize(
    ("said", "value", "statement"),
    [
        ("party.theme = art", "jazz", "party theme jazz."),
        ("Ann.home = 東京都", "大阪", "Ann home 大阪."),
        ("Ann.pay = C++", r"\1", r"Ann pay \1."),
    ],
)
def test_a_corrected_value_stands_in_the_statement_as_a_word(memory, said, value, statement):
    say(memory, said)
    memory.consolidate()
    (fact,) = memory.facts(user_id="ann")
    assert memory.edit(fact.id, user_id="ann", value=value).statement == statement


def test_a_correction_holds_and_the_history_stays(memory):
    say(memory, "Ann.home = Lisbon")
    memory.consolidate()
    (old,) = memory.facts(user_id="ann")
    new = memory.edit(old.id, user_id="ann", value="Faro")
    assert ids(memory.facts(user_id="ann")) == ids([new])
    told = memory.explain(new.id, user_id="ann")
    assert [each.turn.text for each in told.evidence] == ["Ann.home = Lisbon"]
    assert {fact.value for fact in told.history} == {"Lisbon", "Faro"}
    memory.retract(new.id, user_id="ann", reason="wrong")
    assert new.id not in {fact.id for fact in memory.facts(user_id="ann")}
    assert memory.explain(new.id, user_id="ann").fact.reason == "wrong"


def test_a_conflict_is_listed_and_decided_by_a_person(memory):
    say(memory, "Ann.home = Lisbon", agent="x")
    say(memory, "Ann.home = Oslo", agent="y")
    assert memory.consolidate().conflicts == 1
    (conflict,) = memory.conflicts(user_id="ann")
    assert {conflict.first.value, conflict.second.value} == {"Lisbon", "Oslo"}
    memory.resolve(conflict.id, user_id="ann", keep=conflict.second.id)
    assert memory.conflicts(user_id="ann") == ()
    assert [each.id for each in memory.conflicts(user_id="ann", only_open=False)] == [conflict.id]
    assert [fact.id for fact in memory.facts(user_id="ann")] == [conflict.second.id]


def test_many_conflicts_are_read_in_parts_the_latest_first(memory):
    for number in range(5):
        for agent in ("x", "y"):
            say(memory, f"Ann.key{number} = {agent}{number}", agent=agent)
    memory.consolidate()

    def named(conflicts):  # confidence depends on the moment
        return [each.id for each in conflicts]

    every = memory.conflicts(user_id="ann")
    assert (len(every), every.total) == (5, 5)
    last = memory.conflicts(user_id="ann", limit=2)
    assert (named(last), last.total) == (named(every[3:]), 5)
    assert "2 of 5 conflicts" in printed(last)
    assert named(memory.conflicts(user_id="ann", limit=2, before=last[0].id)) == named(every[1:3])
    assert named(memory.conflicts(user_id="ann", limit=2, before=every[1].id)) == named(every[:1])
    for wrong in ({"limit": 0}, {"before": "none"}, {"before": ""}):
        with pytest.raises(InvalidRequestError):
            memory.conflicts(user_id="ann", **wrong)
    with pytest.raises(InvalidRequestError):
        memory.conflicts(user_id="bob", before=every[1].id)


def test_the_policy_is_a_setting(open_memory):
    trusting = Settings(
        background_indexing=False,
        consolidation=ConsolidationSettings(policy="trust", trust=("x",)),
    )
    memory = open_memory(writer=ScriptedWriter(), settings=trusting)
    say(memory, "Ann.home = Lisbon", agent="x")
    say(memory, "Ann.home = Oslo", agent="y")
    memory.consolidate()
    assert [fact.value for fact in memory.facts(user_id="ann")] == ["Lisbon"]
    with pytest.raises(SettingsError):
        Settings(consolidation={"policy": "trust"})


async def test_every_method_has_a_twin(memory):
    say(memory, "Ann.home = Lisbon", agent="x")
    say(memory, "Ann.home = Oslo", agent="y")
    assert (await memory.aconsolidate(user_id="ann")).written
    (conflict,) = await memory.aconflicts(user_id="ann")
    await memory.aresolve(conflict.id, user_id="ann", keep=conflict.first.id)
    (fact,) = await memory.afacts(user_id="ann")
    new = await memory.aedit(fact.id, user_id="ann", value="Faro")
    assert (await memory.aexplain(new.id, user_id="ann")).fact.id == new.id
    await memory.aretract(new.id, user_id="ann")
    assert len(await memory.aepisodes(user_id="ann")) == 1


def test_a_model_that_is_down_is_reported_and_its_turns_come_later(open_memory):
    class Down(ScriptedWriter):
        def write(self, turns):
            raise ModelError("nobody answers")

    memory = open_memory(
        writer=Down(),
        settings=Settings(
            background_indexing=False,
            consolidation=ConsolidationSettings(first_backoff_seconds=0),
        ),
    )
    say(memory, "Ann.home = Lisbon")
    report = memory.consolidate()
    assert report.failed == 1
    assert "nobody answers" in printed(report)
    assert memory.recall("Lisbon", user_id="ann").hits
    assert memory.consolidate(writer=ScriptedWriter()).written == 1


def test_two_threads_consolidate_at_once_and_nothing_is_there_twice(memory):
    for day in range(20):
        say(memory, f"Ann.likes + tea{day}", day=day)
        say(memory, f"Bob.likes + tea{day}", day=day, user="bob")
    reports = []
    threads = [
        threading.Thread(target=lambda: reports.append(memory.consolidate())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    reports.append(memory.consolidate())
    assert len(reports) == 5
    assert sum(report.written for report in reports) == 40
    for user in ("ann", "bob"):
        assert len(memory.facts(user_id=user)) == 20
        assert len(memory.episodes(user_id=user)) == 20


def test_a_turn_added_while_a_writer_works_comes_into_the_next_run(open_memory):
    writer = SlowWriter()
    memory = open_memory(writer=writer)
    say(memory, "Ann.home = Lisbon", day=1)
    thread = threading.Thread(target=memory.consolidate)
    thread.start()
    assert writer.called.wait(30)
    say(memory, "Ann.likes + tea", day=2, session="s1")
    assert memory.recall("tea", user_id="ann").hits
    writer.let_go.set()
    thread.join(30)
    memory.consolidate(final=True)
    assert {fact.value for fact in memory.facts(user_id="ann")} == {"Lisbon", "tea"}


def test_closing_ends_a_run_after_the_episode_at_hand(open_memory, tmp_path):
    writer = SlowWriter()
    memory = open_memory(tmp_path, writer=writer)
    for day in range(5):
        say(memory, f"Ann.likes + tea{day}", day=day)
    reports = []
    run = threading.Thread(target=lambda: reports.append(memory.consolidate()))
    run.start()
    assert writer.called.wait(30)
    closing = threading.Thread(target=memory.close)
    closing.start()
    time.sleep(0.1)
    assert closing.is_alive()  # it waits
    writer.let_go.set()
    closing.join(30)
    run.join(30)
    assert [report.written for report in reports] == [1]
    with pytest.raises(StoreClosedError):
        memory.consolidate()
    with pytest.raises(StoreClosedError):
        memory.facts(user_id="ann")
    again = open_memory(tmp_path, writer=ScriptedWriter())
    assert again.consolidate().written == 4
    assert len(again.facts(user_id="ann")) == 5


@pytest.mark.sqlite("one process owns a folder")
def test_a_writer_that_hangs_does_not_keep_the_store_open(open_memory, tmp_path):
    writer = SlowWriter()
    impatient = Settings(background_indexing=False, close_seconds=0.1)
    memory = open_memory(tmp_path, writer=writer, settings=impatient)
    say(memory, "Ann.home = Lisbon")
    failures = []

    def run():
        try:
            memory.consolidate()
        except StoreClosedError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert writer.called.wait(30)
    memory.close()
    writer.let_go.set()
    thread.join(30)
    assert len(failures) == 1
    again = open_memory(tmp_path, writer=ScriptedWriter())
    assert again.episodes(user_id="ann") == ()
    # One process at a time owns a folder: who held a lease before is gone.
    assert again.consolidate().written == 1


def test_a_failure_that_quotes_what_was_forgotten_meanwhile_is_not_written_down(
    open_memory, tmp_path
):
    class Quotes(ScriptedWriter):
        def write(self, turns):
            memory.forget(user_id="ann", session_id="s1")
            raise ModelOutputError(f"cannot be read: {turns[0].text}")

    memory = open_memory(tmp_path)
    say(memory, "herons nest here")
    memory.add(Turn(role="user", text="stays", time=MAY), user_id="ann", session_id="other")
    report = memory.consolidate(writer=Quotes(), final=True)
    assert report.failed
    memory.forget(user_id="ann", session_id="none")  # completes what the first one could not
    memory.close()
    assert b"herons" not in b"".join(
        file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()
    )


def test_what_a_user_wrote_is_shown_literally(memory):
    say(memory, "Ann.likes + [red]<b>tea</b>[/red]", agent="[x]")
    memory.consolidate()
    facts = memory.facts(user_id="ann")
    told = memory.explain(facts[0].id, user_id="ann")
    for shown in (facts, told, memory.episodes(user_id="ann")):
        assert "[red]<b>tea</b>[/red]" in printed(shown)
        assert "<b>tea" not in shown._repr_html_()
        assert "[red]&lt;b&gt;tea" in shown._repr_html_()


def test_a_report_shows_its_figures_and_what_went_wrong():
    report = ConsolidationReport(
        written=3,
        facts=12_345,
        superseded=2,
        failed=1,
        tokens=99,
        problems=tuple(f"<p>\x1b[31mno {n}" for n in range(7)),
    )
    text, markup = printed(report), report._repr_html_()
    for part in ("12,345", "superseded", "tokens", "and 2 problems more"):
        assert part in text
        assert part in markup
    assert "conflicts" not in text  # there were none
    assert "\x1b" not in text
    assert "<p>" not in markup


def test_conflicts_and_retracted_facts_say_so(memory):
    say(memory, "Ann.home = Lisbon", agent="x")
    say(memory, "Ann.home = Oslo", agent="y")
    memory.consolidate()
    conflicts = memory.conflicts(user_id="ann")
    assert "open" in printed(conflicts)
    kept, other = conflicts[0].first, conflicts[0].second
    memory.resolve(conflicts[0].id, user_id="ann", keep=kept.id)
    assert "Decided by a person." in printed(memory.conflicts(user_id="ann", only_open=False))
    assert "retracted" in printed(memory.explain(other.id, user_id="ann"))
    assert "retracted" in printed(memory.facts(user_id="ann", include_past=True))


@pytest.mark.parametrize(("gap_hours", "episodes"), [(1, 2), (6, 1)])
def test_the_setting_of_a_pause_ends_an_episode_too(open_memory, gap_hours, episodes):
    gap = ConsolidationSettings(gap_seconds=gap_hours * 3_600)
    memory = open_memory(writer=ScriptedWriter(), settings=Settings(consolidation=gap))
    for hours in (0, 2):
        time = MAY + dt.timedelta(hours=hours)
        memory.add(
            Turn(role="user", text=f"Said at {hours}.", time=time), user_id="ann", session_id="s"
        )
    assert memory.consolidate(final=True).written == episodes
