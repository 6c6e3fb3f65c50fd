"""What a notebook shows of a memory: whole, literally, and why each thing was found."""

import datetime as dt
import re
from html.parser import HTMLParser

import pytest

from lightmem_integrations import AccessError, InvalidRequestError, ScopeError, Turn
from lightmem_integrations.testing import ScriptedWriter

DAY = dt.timedelta(days=1)
BEGIN = dt.datetime(2025, 1, 3, 9, tzinfo=dt.timezone.utc)
CANARY = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e"
OUTSIDE = {"script", "img", "link", "iframe", "object", "embed", "style", "svg", "form", "a"}


@pytest.fixture
def memory(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    said = ["Alice.home = Lisbon", "Alice.home = Porto", f"Alice.boat = {CANARY}",
            f"My heron {CANARY} sails to Faro.", "The heron rests."]  # fmt: skip
    for day, text in enumerate(said):
        turn = Turn(role="user", text=text, speaker=f"Ann {CANARY}", time=BEGIN + day * DAY)
        memory.add(turn, user_id="alice", session_id=f"s{day} {CANARY}")
    memory.consolidate()
    return memory


class Tags(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = set(), set(), "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data + "\n"


def shown(view):
    page = Tags(view._repr_html_())
    assert not page.open, "every element is closed"
    assert not page.tags & OUTSIDE
    assert not {name for name in page.attributes if name.startswith("on") or name == "src"}
    assert "\u202e" not in page.words
    return page.words


def test_a_user_is_shown_at_a_glance(memory):
    words = shown(memory.show(user_id="alice"))
    for expected in ("alice", "5\n sessions", "5\n turns", "Alice home Porto.", "current, ",
                     "superseded, ", "2025-01-03 to 2025-01-04", "s4 <script>"):  # fmt: skip
        assert expected in words
    assert words.index("Porto") < words.index("Lisbon"), "what holds stands before what is over"


def test_a_store_is_shown_with_its_users(memory):
    memory.add(Turn(role="user", text="x"), user_id=CANARY)
    words = shown(memory.show())
    assert "2 users" in words
    assert "alice" in words


def test_a_question_is_shown_with_what_was_found_and_why(memory):
    words = shown(memory.show("Where does the heron sail?", user_id="alice"))
    for expected in ("Where does the heron sail?", "#1 by words", "meaning", "of 1,000 tokens",
                     "<memory>", "coarse", " ms", "sails to Faro"):  # fmt: skip
        assert expected in words


def test_a_recall_is_shown_as_it_was(memory):
    found = memory.recall("Where does the heron sail?", user_id="alice", max_tokens=90, k=2)
    words = shown(memory.show(found))
    assert f"{found.tokens} of 90 tokens" in words
    assert "cut or left out" in words


def test_facts_are_shown_in_time(memory):
    facts = memory.facts(user_id="alice", include_past=True)
    page = memory.show(facts)._repr_html_()
    bars = re.findall(r"margin-left:min\(([\d.]+)%[^)]*\)\);width:max\(([\d.]+)%", page)
    starts = [float(start) for start, _ in bars]
    assert len(bars) == 3
    assert starts[-1] == 0, "the oldest begins the axis"
    assert starts[0] > starts[1] > 0, "the newest begins last"


def test_a_space_is_shown_as_one_of_its_members_sees_it(memory):
    memory.spaces.grant("crew", user_id="alice", write=True)
    memory.add(Turn(role="user", text="Crew.boat = Heron II"), user_id="alice", space="crew")
    memory.consolidate()
    seen = shown(memory.show(user_id="alice", space="crew"))
    assert "Heron II" in seen
    assert "Porto" not in seen
    found = shown(memory.show("Which boat has the crew?", user_id="alice", space="crew"))
    assert "Heron II" in found
    with pytest.raises(AccessError):
        memory.show(user_id="bob", space="crew")
    with pytest.raises(ScopeError):
        memory.show(space="crew")


async def test_a_view_can_be_awaited(memory):
    assert "alice" in shown(await memory.ashow(user_id="alice"))


@pytest.mark.parametrize("user", [None, "", "*"])
def test_a_question_needs_a_user(memory, user):
    with pytest.raises(ScopeError):
        memory.show("Where?", user_id=user)


def test_what_cannot_be_shown_is_said(memory):
    with pytest.raises(InvalidRequestError, match=r"recall\(\) or facts\(\)"):
        memory.show(5)


def test_an_empty_memory_says_what_would_fill_it(open_memory):
    memory = open_memory()
    assert "consolidate() makes them" in shown(memory.show(user_id="nobody-yet"))
    assert "Nothing was found." in shown(memory.show("Where?", user_id="nobody-yet"))
