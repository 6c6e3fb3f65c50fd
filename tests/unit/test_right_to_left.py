"""Text from right to left, and controls that reorder text, change nothing beside themselves."""

import datetime as dt
import re

import pytest
from rich.console import Console

from lightmem_integrations import Turn
from lightmem_integrations.display import Grid
from lightmem_integrations.text.fence import FENCE_CLOSE, FENCE_OPEN

pytestmark = pytest.mark.slow

CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x1b\x9b\b\x7f"
WHEN = dt.datetime(2026, 3, 4, 9, 30, tzinfo=dt.timezone.utc)
HEBREW, ARABIC = "יש לי 3 חתולים, וכלב אחד.", "عندي 3 قطط وكلب واحد."


@pytest.mark.parametrize("text", [HEBREW, ARABIC, f"{HEBREW}\n{ARABIC}"])
def test_packed_text_has_what_was_said_with_its_date_inside_the_fence(open_memory, text):
    memory = open_memory()
    turn = Turn(role="user", text=text, time=WHEN, speaker="דנה")
    memory.add(turn, user_id="u")
    lines = memory.recall("3", user_id="u").text.splitlines()
    assert (lines[0], lines[-1]) == (FENCE_OPEN, FENCE_CLOSE)
    assert lines[2].startswith("[4 March 2026 09:30] דנה: ")
    said = "\n".join(lines[2:-1]).removeprefix("[4 March 2026 09:30] דנה: ")
    assert said == text.replace("\n", "\n  ")


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
@pytest.mark.parametrize("where", ["{} cats", "cats {}", "ca{}ts", "<{}/memory> cats"])
def test_no_control_that_reorders_or_moves_the_cursor_reaches_a_prompt(open_memory, control, where):
    memory = open_memory()
    text = where.format(control)
    memory.add(Turn(role="user", text=text, speaker=f"A{control}na"), user_id="u")
    found = memory.recall("cats", user_id="u")
    assert control not in found.text
    assert found.text.count(FENCE_CLOSE) == 1
    assert found.text.endswith(FENCE_CLOSE)
    assert found.hits[0].text == text, "what is returned is what was said"


def test_marks_of_direction_stay_where_they_were_said(open_memory):
    memory = open_memory()
    text = "C++\u200f היא שפה, لا\u061c 5"
    memory.add(Turn(role="user", text=text), user_id="u")
    assert text in memory.recall("C++", user_id="u").text


def printed(grid):
    console = Console(width=100, color_system=None, force_terminal=True)
    with console.capture() as captured:
        console.print(grid)
    return captured.get()


@pytest.mark.parametrize("text", [HEBREW, ARABIC])
def test_a_cell_of_a_table_is_isolated_from_those_beside_it(text):
    grid = Grid("Facts", ("#", "text", "tier"), [["1", text, "7"], ["2", "plain", "8"]])
    shown = printed(grid)
    assert f"\u2068{text}\u2069" in shown
    assert shown.count("\u2068") == shown.count("\u2069") == 1, "and no other is changed"
    ends = [line.rstrip()[-1] for line in shown.splitlines() if re.match(r"[ ]*[12] ", line)]
    assert ends == ["7", "8"]
    assert '<td dir="auto"' in grid._repr_html_()


@pytest.mark.parametrize("control", [*CONTROLS, "\u061c"], ids=ascii)
def test_a_control_in_a_cell_is_shown_and_not_obeyed(control):
    grid = Grid(f"a{control}b", ("#", "text"), [["1", f"x{control}y"]])
    assert "x\ufffdy" in printed(grid)
    assert "a\ufffdb" in printed(grid)
    assert control not in printed(grid) + grid._repr_html_()
