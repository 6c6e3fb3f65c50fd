"""A notebook's views in a real browser: they fit a narrow screen, and bars can be compared."""

import pytest

from lightmem_integrations import Turn
from lightmem_integrations.testing import ScriptedWriter

pytestmark = pytest.mark.slow

TRACKS = "() => [...document.querySelectorAll('[role=img]')].map((each) => each.offsetWidth)"
TOO_WIDE = "() => document.documentElement.scrollWidth - innerWidth"


@pytest.fixture
def memory(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    said = ["Ann.home = Lisbon", "Ann.home = Porto", "The heron rests.",
            "My heron sails to Faro in the last week of May, if the wind allows it."]  # fmt: skip
    memory.add([Turn(role="user", text=text) for text in said], user_id="ann")
    memory.consolidate()
    return memory


@pytest.mark.parametrize("width", [360, 1000])
def test_views_fit_the_screen_and_draw_every_bar_to_one_scale(memory, chromium, width):
    tab = chromium.new_page(viewport={"width": width, "height": 640})
    found = memory.recall("Where does my heron sail?", user_id="ann")
    known = memory.facts(user_id="ann", include_past=True)
    for view in (found, known):
        tab.set_content("<!doctype html>" + memory.show(view)._repr_html_())
        widths = {each for each in tab.evaluate(TRACKS) if each}
        assert len(widths) == 1, "a longer bar is a larger share"
        assert tab.evaluate(TOO_WIDE) <= 0
    for view in (memory.show(), memory.show(user_id="ann")):
        tab.set_content("<!doctype html>" + view._repr_html_())
        assert tab.evaluate(TOO_WIDE) <= 0
