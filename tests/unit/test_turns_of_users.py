"""Users take turns in consolidation: a long backlog of one holds up nobody, and loses no order."""

import dataclasses

from lightmem_integrations import Turn
from lightmem_integrations.testing import ScriptedWriter

A_TURN = 10  # episodes


class Noted(ScriptedWriter):
    """Notes whose episode it writes, and what was said first in it."""

    def __init__(self):
        super().__init__()
        self.wrote = []

    def write(self, turns):
        self.wrote.append(turns[0].text)
        return super().write(turns)


def say(memory, user, count, **scope):
    lines = [f"{user}.likes + thing{number}" for number in range(count)]
    memory.add([Turn(role="user", text=line) for line in lines], user_id=user, **scope)


def test_a_short_memory_does_not_wait_behind_a_long_one(open_memory, consolidated):
    memory, writer = open_memory(), Noted()
    say(memory, "Ann", 45)  # one session
    for number in range(3):
        say(memory, "Bob", 1, session_id=f"s{number}")
    report = consolidated(memory, size=1, writer=writer)
    whose = [text.partition(".")[0] for text in writer.wrote]
    assert whose == ["Ann"] * A_TURN + ["Bob"] * 3 + ["Ann"] * 35
    assert (report.written, report.failed, report.busy, report.waiting) == (48, 0, 0, 0)
    said = [text for text in writer.wrote if text.startswith("Ann")]
    assert said == [f"Ann.likes + thing{number}" for number in range(45)]
    assert consolidated(memory).written == 0


def test_a_session_that_goes_on_is_counted_once(open_memory, consolidated):
    memory, writer, told = open_memory(), Noted(), []
    for number in range(25):
        say(memory, "Ann", 3, session_id=f"s{number}")
    report = consolidated(memory, writer=writer, final=False, on_progress=told.append)
    # The last one may go on; of the others, whose end is known, nothing is left.
    assert (report.written, report.waiting) == (24 * 2 + 1, 1)
    assert [each.done for each in told] == list(range(26))
    assert {each.total for each in told} == {25}


def test_limits_hold_over_all_turns(open_memory, consolidated):
    memory, writer = open_memory(), Noted()
    for user in ("Ann", "Bob"):
        for number in range(15):
            say(memory, user, 1, session_id=f"s{number}")
    consolidated(memory, writer=writer, max_batches=17)
    assert len(writer.wrote) == 17
    assert [text.partition(".")[0] for text in writer.wrote] == ["Ann"] * A_TURN + ["Bob"] * 7


def test_a_failing_session_is_left_for_this_run_and_the_others_go_on(open_memory, consolidated):
    @dataclasses.dataclass
    class Fails(Noted):
        def __post_init__(self):
            super().__init__()

        def write(self, turns):
            if "thing0" in turns[0].text and turns[0].text.startswith("Ann"):
                self.wrote.append("failed")
                raise OSError("the model is away")
            return super().write(turns)

    memory, writer = open_memory(), Fails()
    say(memory, "Ann", 3, session_id="bad")
    for number in range(1, 15):
        memory.add(
            Turn(role="user", text=f"Ann.likes + thing{number}x"),
            user_id="Ann", session_id=f"s{number}",
        )  # fmt: skip
    report = consolidated(memory, size=1, writer=writer)
    assert (report.failed, report.written) == (1, 14)
    assert writer.wrote.count("failed") == 1
