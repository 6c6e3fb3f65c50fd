"""Consolidation in the background: it comes by itself, keeps out of the way, and ends cleanly."""

import datetime as dt
import gc
import logging
import threading
import time

import pytest

from lightmem_integrations import (
    ConsolidationSettings,
    LightMem,
    ModelError,
    Settings,
    SettingsError,
    Turn,
)
from lightmem_integrations.consolidation import worker as background
from lightmem_integrations.engine.idle import IdleDetector
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

pytestmark = pytest.mark.slow

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
NAME = "lightmem-consolidation"
ASKED_SECONDS = 0.5  # a thread that asks for a run has surely got as far as waiting for its turn


def settings(*, quiet_seconds=0.0, on=True, **others):
    return Settings(
        background_indexing=False,
        background_consolidation=on,
        consolidation=ConsolidationSettings(quiet_seconds=quiet_seconds, **others),
    )


def say(memory, text, day=1, user="ann"):
    memory.add(
        Turn(role="user", text=text, time=MAY + dt.timedelta(days=day)),
        user_id=user, session_id=f"s{day}",
    )  # fmt: skip


def wait_until(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.01)


def threads():
    return [each for each in threading.enumerate() if each.name == NAME]


class Held(ScriptedWriter):
    """Waits in every call until it is let go."""

    def __init__(self):
        super().__init__()
        self.called, self.let_go = threading.Event(), threading.Event()

    def write(self, turns):
        self.called.set()
        assert self.let_go.wait(30)
        return super().write(turns)


def test_it_consolidates_by_itself_and_ends_with_the_store(open_memory, tmp_path):
    memory = open_memory(tmp_path, writer=ScriptedWriter(), settings=settings())
    say(memory, "Ann.home = Lisbon", day=1)
    wait_until(lambda: memory.facts(user_id="ann"))
    say(memory, "Ann.home = Porto", day=2)
    wait_until(lambda: [fact.value for fact in memory.facts(user_id="ann")] == ["Porto"])
    memory.close()
    wait_until(lambda: not threads())
    open_memory(tmp_path)


def test_it_is_off_unless_asked_for(open_memory):
    open_memory(settings=Settings(background_indexing=False))
    assert not threads()
    assert not Settings().background_consolidation


def test_it_waits_for_quiet(open_memory):
    writer = ScriptedWriter()
    memory = open_memory(writer=writer, settings=settings(quiet_seconds=0.6))
    begun = time.monotonic()
    say(memory, "Ann.home = Lisbon")
    while time.monotonic() - begun < 1.5:
        memory.recall("home", user_id="ann")  # somebody keeps asking
        time.sleep(0.02)
    assert writer.calls == []
    wait_until(lambda: writer.calls)


def test_a_recall_under_way_holds_the_next_step_up_but_not_for_ever():
    activity = IdleDetector()
    with activity.call():
        assert activity.quiet_seconds() == 0
        activity.give_way(0.01)  # returns although the call goes on
        passed = threading.Event()
        waiting = threading.Thread(target=lambda: (activity.give_way(30), passed.set()))
        waiting.start()
        assert not passed.wait(0.2)
    assert passed.wait(10)
    waiting.join()
    time.sleep(0.02)
    assert activity.quiet_seconds() > 0.01


def test_between_two_turns_a_run_gives_way(open_memory, monkeypatch):
    """A recall that begins while an episode is written is waited for at its next turn."""
    monkeypatch.setattr(background, "_GIVE_WAY_SECONDS", 30)
    asked, answer = threading.Event(), threading.Event()

    class Thoughtful(HashEmbedder):
        def embed_query(self, text):
            asked.set()
            assert answer.wait(30)
            return super().embed_query(text)

    memory = open_memory(embedder=Thoughtful())
    order, begun, go_on = [], threading.Event(), threading.Event()

    class Slowly(ScriptedWriter):
        def write(self, turns):
            for number, _ in enumerate(turns):
                order.append(number)
                if not number:
                    begun.set()
                    assert go_on.wait(30)
            return super().write([])

    for number in range(2):
        memory.add(
            Turn(role="user", text=f"x{number}", time=MAY + dt.timedelta(minutes=number)),
            user_id="ann",
        )
    run = threading.Thread(target=lambda: memory.consolidate(writer=Slowly(), final=True))
    run.start()
    assert begun.wait(30)
    recall = threading.Thread(target=lambda: memory.recall("x0", user_id="ann"))
    recall.start()
    assert asked.wait(30)
    go_on.set()
    time.sleep(0.2)
    order.append("recalled")
    answer.set()
    run.join(30)
    recall.join(30)
    assert order == [0, "recalled", 1]


def test_a_run_that_somebody_asks_for_goes_first(open_memory):
    writer = Held()
    memory = open_memory(writer=writer, settings=settings())
    for day in range(3):
        say(memory, f"Ann.likes + tea{day}", day=day)
    assert writer.called.wait(30)
    reports = []
    asked = threading.Thread(
        target=lambda: reports.append(memory.consolidate(user_id="ann", writer=ScriptedWriter()))
    )
    asked.start()
    time.sleep(ASKED_SECONDS)
    writer.let_go.set()
    asked.join(30)
    assert (reports[0].written, reports[0].busy) == (2, 0)
    wait_until(lambda: len(memory.facts(user_id="ann")) == 3)
    assert len(memory.episodes(user_id="ann")) == 3


def test_after_an_interruption_the_thread_goes_on(open_memory, tmp_path):
    memory = open_memory(tmp_path)
    for day in range(3):
        say(memory, f"Ann.likes + tea{day}", day=day)
    memory.close()
    writer = Held()
    memory = open_memory(tmp_path, writer=writer, settings=settings())  # nothing new wakes it
    assert writer.called.wait(30)
    asked = threading.Thread(target=lambda: memory.consolidate(user_id="nobody"))
    asked.start()
    time.sleep(ASKED_SECONDS)
    writer.let_go.set()
    asked.join(30)
    wait_until(lambda: len(memory.facts(user_id="ann")) == 3)


def test_a_failing_writer_is_left_alone_for_a_while_and_then_tried_again(
    open_memory, monkeypatch, caplog
):
    monkeypatch.setattr(background, "FIRST_PAUSE", 0.2)
    caplog.set_level(logging.INFO)
    calls = []

    class Down(ScriptedWriter):
        def write(self, turns):
            calls.append(time.monotonic())
            if len(calls) < 3:
                raise ModelError("nobody answers")
            return super().write(turns)

    memory = open_memory(
        writer=Down(), settings=settings(first_backoff_seconds=0, longest_backoff_seconds=0)
    )
    say(memory, "Ann.home = Lisbon")
    wait_until(lambda: calls)
    for day in range(2, 6):
        say(memory, f"Ann.likes + tea{day}", day=day, user="bob")  # wakes nobody
    assert memory.recall("Lisbon", user_id="ann").hits
    wait_until(lambda: memory.facts(user_id="ann") and len(memory.facts(user_id="bob")) == 4)
    assert "put back" in caplog.text
    assert "Lisbon" not in caplog.text


def test_a_ledger_that_fails_does_not_end_the_thread(open_memory, monkeypatch, caplog):
    monkeypatch.setattr(background, "FIRST_PAUSE", 0.05)
    true_run, failures = background.consolidate, []

    def failing_first(*arguments, **options):
        if len(failures) < 2:
            failures.append(1)
            raise OSError("disk full")
        return true_run(*arguments, **options)

    monkeypatch.setattr(background, "consolidate", failing_first)
    memory = open_memory(writer=ScriptedWriter(), settings=settings())
    say(memory, "Ann.home = Lisbon")
    wait_until(lambda: memory.facts(user_id="ann"))
    assert caplog.text.count("disk full") == 2


def test_it_closes_in_the_middle_of_its_work_and_goes_on_at_the_next_opening(open_memory, tmp_path):
    writer = Held()
    memory = open_memory(tmp_path, writer=writer, settings=settings())
    for day in range(4):
        say(memory, f"Ann.likes + tea{day}", day=day)
    assert writer.called.wait(30)
    closing = threading.Thread(target=memory.close)
    closing.start()
    time.sleep(0.1)
    writer.let_go.set()
    closing.join(30)
    assert not closing.is_alive()
    again = open_memory(tmp_path, writer=ScriptedWriter())
    made = len(again.episodes(user_id="ann"))
    assert 1 <= made < 4
    assert again.consolidate().written == 4 - made


def test_a_store_that_is_dropped_without_closing_is_let_go(tmp_path):
    memory = LightMem(tmp_path, embedder=HashEmbedder(), settings=settings())
    assert threads()
    del memory
    wait_until(lambda: (gc.collect(), not threads())[1])
    LightMem(tmp_path, embedder=HashEmbedder()).close()


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5", None])
def test_quiet_is_a_number_of_seconds(seconds):
    with pytest.raises(SettingsError):
        ConsolidationSettings(quiet_seconds=seconds)
