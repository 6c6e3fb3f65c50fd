"""What a run of consolidation costs: counted where a model is asked, foretold, and bounded."""

import datetime as dt

import pytest

from lightmem_integrations import (
    Completion,
    ConsolidationSettings,
    InvalidRequestError,
    Settings,
    Turn,
)
from lightmem_integrations.errors import ModelError
from lightmem_integrations.testing import ScriptedWriter
from scripted_model import ScriptedModel

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
NOTHING = {
    "summary": "Ann talks about her garden.",
    "keywords": [],
    "entities": [],
    "facts": [],
}  # fmt: skip


@pytest.fixture
def five_sessions(open_memory):
    """Opens a memory in which Ann's garden is told about on five days."""

    def opened(writer, **settings):
        consolidation = ConsolidationSettings(**settings)
        memory = open_memory(writer=writer, settings=Settings(consolidation=consolidation))
        for day in range(5):
            memory.add(
                Turn(
                    role="user", speaker="Ann", text=f"In my garden there are {day + 2} roses.",
                    time=MAY + dt.timedelta(days=day),
                ),
                user_id="ann", session_id=f"s{day}",
            )  # fmt: skip
        return memory

    return opened


class Silent(ScriptedModel):
    """A runner that does not say how many tokens it took."""

    def complete(self, messages, **options):
        return Completion(super().complete(messages, **options).text)


def test_a_run_ends_before_it_asks_more_often_and_the_next_goes_on(five_sessions):
    model = ScriptedModel(NOTHING)
    memory = five_sessions(model)
    report = memory.consolidate(max_calls=2)
    assert (report.written, report.calls, len(model.asked)) == (2, 2, 2)
    assert "max_calls=2" in report.stopped
    assert report.turns_left == 3
    assert 3 * 100 < report.tokens_left < 3 * 140  # as the two before, 120 tokens each
    assert report.failed == 0
    rest = memory.consolidate(max_calls=3)
    assert (rest.written, rest.calls, rest.stopped, rest.turns_left) == (3, 3, "", 0)


def test_a_run_ends_before_it_takes_more_tokens(five_sessions):
    memory = five_sessions(ScriptedModel(NOTHING))
    report = memory.consolidate(max_tokens=400)  # 120 each
    assert (report.written, report.tokens, report.turns_left) == (3, 360, 2)
    assert "max_tokens=400" in report.stopped
    assert "about 120" in report.stopped
    rest = memory.consolidate(max_tokens=240)  # to the last token
    assert (rest.written, rest.stopped) == (2, "")


def test_a_limit_that_no_episode_fits_costs_nothing_and_says_so(five_sessions):
    model = ScriptedModel(NOTHING)
    report = five_sessions(model).consolidate(max_tokens=10)
    assert (report.written, report.calls, model.asked) == (0, 0, [])
    assert report.turns_left == 5


def test_a_writer_without_a_model_is_under_no_limit(five_sessions):
    report = five_sessions(None).consolidate(max_calls=1, max_tokens=1)
    assert (report.written, report.calls, report.tokens, report.stopped) == (5, 0, 0, "")


def test_a_writer_of_ones_own_is_held_to_what_its_drafts_say(five_sessions):
    report = five_sessions(ScriptedWriter()).consolidate(max_tokens=20)  # 7 words each
    assert (report.written, report.tokens, report.turns_left) == (2, 14, 3)


def test_calls_in_vain_count(five_sessions):
    model = ScriptedModel("no JSON")
    report = five_sessions(model).consolidate(max_calls=2)
    assert (report.written, report.failed, report.calls) == (0, 2, 2)
    assert len(model.asked) == 2
    assert report.tokens == 240
    memory = five_sessions(ScriptedModel(ModelError("down")), max_failures=3)
    assert memory.consolidate().calls == 3


def test_tokens_are_counted_here_where_the_runner_does_not_say(five_sessions):
    memory = five_sessions(Silent(NOTHING))
    report = memory.consolidate(max_tokens=1_500)
    assert 0 < report.tokens <= 1_500
    assert report.turns_left > 0


def test_what_a_run_will_cost_is_known_before_it(five_sessions):
    model = ScriptedModel(NOTHING)
    memory = five_sessions(model)
    ahead = memory.consolidate(dry_run=True)
    assert (ahead.turns_left, ahead.written, model.asked) == (5, 0, [])
    assert 5 * 50 < ahead.tokens_left < 5 * 150
    heard = []
    memory.consolidate(on_progress=heard.append)
    assert heard[0].tokens_left == ahead.tokens_left
    assert [each.tokens for each in heard] == [0, 120, 240, 360, 480, 600]
    assert [each.calls for each in heard] == [0, 1, 2, 3, 4, 5]
    assert abs(heard[2].tokens_left - 360) < 20
    assert heard[2].seconds_left > 0
    assert memory.consolidate(dry_run=True).turns_left == 0


def test_limits_are_positive(five_sessions):
    memory = five_sessions(None)
    for wrong in ({"max_calls": 0}, {"max_tokens": -1}, {"max_tokens": 1.5}):
        with pytest.raises(InvalidRequestError):
            memory.consolidate(**wrong)


def test_a_run_says_what_rests_after_a_failure_and_a_retry_does_not_wait(five_sessions):
    down = ScriptedModel(ModelError("down"))
    memory = five_sessions(down)
    report = memory.consolidate(user_id="ann")
    assert (report.failed, report.resting, report.turns_left) == (3, 0, 2)
    assert "turns left for the next run" in dict(report.grid().rows)
    back = ScriptedModel(NOTHING)
    report = memory.consolidate(user_id="ann", writer=back)
    assert (report.written, report.resting, report.turns_left) == (2, 3, 0)
    ahead = memory.consolidate(dry_run=True)
    assert (ahead.resting, ahead.turns_left) == (3, 0)
    assert "sessions at rest after a failure, until a retry" in dict(ahead.grid().rows)
    assert memory.consolidate(user_id="bob", retry_set_aside=True).resting == 0
    shown = dict(memory.stats().grid().rows)
    assert (shown["sessions to consolidate"], shown["failed, tried again later"]) == ("3", "3")
    report = memory.consolidate(user_id="ann", writer=back, retry_set_aside=True)
    assert (report.written, report.resting) == (3, 0)
    assert dict(memory.stats().grid().rows)["sessions to consolidate"] == "0"
