"""The audit on the page: figures, ways to what is meant, and merging, each of whom it is about."""

import html
import re

import pytest

from lightmem_integrations import Turn
from told_facts import TellingWriter, tells

CANARY = "<script>alert('canary')</script>"
TWICE = [
    tells("Ann lives in Lisbon.", attribute="home", value="Lisbon"),
    tells("Ann lives in Lisbon.", attribute="place", value="Lisbon"),
    tells(f"She has {CANARY}.", subject="She"),
]


@pytest.fixture
def memory(open_memory, consolidated):
    memory = open_memory(writer=TellingWriter())
    for user in ("ann", "bob"):
        memory.add([Turn(role="user", text=each) for each in TWICE], user_id=user)
    consolidated(memory, size=3, writer=TellingWriter())
    return memory


def test_findings_lead_to_the_facts_that_are_meant(memory, browse):
    browser = browse(memory)
    shown = browser.show("/audit", user="ann")
    assert shown.status_code == 200
    links = [html.unescape(each) for each in re.findall(r'href="(/facts/fact[^"]*)"', shown.text)]
    assert len(links) >= 3
    for each in links:
        assert "user=ann" in each
        assert browser.get(each).status_code == 200
    assert CANARY not in shown.text
    everybody = browser.show("/audit")
    assert "bob" in everybody.text
    assert CANARY not in everybody.text
    assert "bob" not in shown.text


def test_facts_are_merged_by_a_button_of_one_user(memory, browse):
    browser = browse(memory)
    assert "Merge them" in browser.show("/audit", user="ann").text
    after = browser.submit("/audit/merge", user="ann")
    assert (after.status_code, "Merge them" in after.text) == (200, False)
    assert len(memory.facts(user_id="ann")) == 2
    assert len(memory.facts(user_id="bob")) == 3
    assert browser.submit("/audit/merge", user="bob", proof="wrong").status_code == 403
    assert len(memory.facts(user_id="bob")) == 3


def test_a_page_for_reading_shows_figures_and_no_button(memory, browse):
    browser = browse(memory, read_only=True)
    shown = browser.show("/audit", user="ann")
    assert (shown.status_code, "Merge them" in shown.text) == (200, False)
    assert browser.submit("/audit/merge", user="ann").status_code == 403


def test_an_empty_store_has_no_junk(open_memory, browse):
    shown = browse(open_memory()).show("/audit")
    assert (shown.status_code, "No junk was found." in shown.text) == (200, True)
