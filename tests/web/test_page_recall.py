"""The recall debugger: the text as the model gets it, why each hit is there, what was cut."""

import datetime as dt
import html
import re

import pytest

from lightmem_integrations import Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

BEGIN = dt.datetime(2026, 1, 3, 9, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
CANARY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7777 * 7777 }}\u202e"
QUESTION = "Where does the heron sail?"


@pytest.fixture
def memory(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    said = ["Alice.boat = Heron", "The heron sails to Faro.", "The heron rests in Porto. " * 30,
            "Nothing of that kind.", "The gull sails too."]  # fmt: skip
    for n, text in enumerate(said):
        turn = Turn(role="user", text=text, id=f"t{n}", time=BEGIN + n * 30 * DAY)
        memory.add(turn, user_id="alice", session_id=f"s{n}")
    memory.consolidate()
    return memory


class Deaf(HashEmbedder):
    """An embedder that reads what is said, and no question."""

    def embed_query(self, text):
        raise OSError("away")


def words(page):
    return html.unescape(re.sub(r"<[^>]*>", " ", page.text))


def test_the_text_is_shown_as_the_model_gets_it(memory, browse):
    found = memory.recall(QUESTION, user_id="alice", max_tokens=150)
    page = browse(memory).show("/recall", user="alice", q=QUESTION, tokens=150)
    assert page.status_code == 200
    (shown,) = re.findall(r"<pre[^>]*>(.*?)</pre>", page.text, re.DOTALL)
    assert html.unescape(shown) == found.text
    assert f"{found.tokens} of 150 tokens" in words(page)
    assert f'aria-valuemax="150" aria-valuenow="{found.tokens}"' in page.text


def test_each_hit_says_how_it_was_found_and_what_counted(memory, browse):
    page = browse(memory).show("/recall", user="alice", q=QUESTION)
    assert "#1 by words" in words(page)
    assert "by meaning" in words(page)
    found = memory.recall(QUESTION, user_id="alice")
    counted = [value * weight for name, weight in found.hits[0].weights.items()
               if (value := found.hits[0].parts[name])]  # fmt: skip
    assert counted
    for value in counted:
        assert f"{value:+.2f}" in words(page)
    assert len(re.findall(r'<rect class="(?:more|less)"', page.text)) >= len(counted)


def test_what_was_cut_says_why(memory, browse):
    page = browse(memory).show("/recall", user="alice", q=QUESTION, tokens=80)
    found = memory.recall(QUESTION, user_id="alice", max_tokens=80)
    assert found.cuts
    for cut in found.cuts:
        assert cut.why in words(page)


def test_hits_lead_to_what_was_said_and_to_facts(memory, browse):
    browser = browse(memory)
    page = browser.show("/recall", user="alice", q="What boat does Alice have?")
    links = {html.unescape(each) for each in re.findall(r'href="(/[^"]*)"', page.text)}
    assert any(each.startswith("/timeline?user=alice&session=s0&turn=t0") for each in links)
    fact = memory.facts(user_id="alice")[0]
    assert f"/facts/fact?user=alice&id={fact.id}" in links
    assert not {each for each in links if browser.get(each).status_code != 200}


def test_as_of_a_day_what_came_later_is_not_known(memory, browse):
    page = browse(memory).show("/recall", user="alice", q=QUESTION, day="2026-02-02")
    assert "sails to Faro" in words(page)
    assert "rests in Porto" not in words(page)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"day": "yesterday"}, "write one such as 2026-05-01"),
        ({"day": "2026-02-30"}, "2026-02-30"),
        ({"day": CANARY}, "is no day"),
        ({"spaces": "secret"}, "may not read"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told_beside_the_form(memory, browse, given, reason):
    page = browse(memory).show("/recall", user="alice", q=QUESTION, **given)
    assert page.status_code == 400
    assert reason in words(page)
    assert f'value="{QUESTION}"' in page.text


def test_numbers_that_are_none_stand_for_the_defaults(memory, browse):
    page = browse(memory).show("/recall", user="alice", q=QUESTION, k="-3", tokens="many")
    assert page.status_code == 200
    assert f"of {memory.settings.max_tokens:,} tokens" in words(page)


def test_two_settings_are_compared_side_by_side(memory, browse):
    sides = {"k": 2, "k2": 1, "tokens": 500, "tokens2": 70}
    page = browse(memory).show("/recall", user="alice", q=QUESTION, **sides)
    assert words(page).count("What the model gets") == 2
    assert "of 500 tokens" in words(page)
    assert "of 70 tokens" in words(page)
    assert "same place there" in words(page)
    assert "only here" in words(page)
    alone = browse(memory).show("/recall", user="alice", q=QUESTION, k=2)
    (other,) = re.findall(r'href="([^"]*)">Compare with', alone.text)
    assert words(browse(memory).get(html.unescape(other))).count("What the model gets") == 2


def test_a_space_is_asked_by_who_may_read_it(memory, browse):
    memory.spaces.grant("family", user_id="bela", write=True)
    memory.spaces.grant("family", user_id="alice")
    memory.add(Turn(role="user", text="The heron needs paint."), user_id="bela", space="family")
    browser = browse(memory)
    assert "needs paint" not in words(browser.show("/recall", user="alice", q="heron paint"))
    for given in ({"spaces": "all"}, {"spaces": "family"}, {"space": "family"}):
        page = browser.show("/recall", user="alice", q="heron paint", **given)
        assert "needs paint" in words(page)
    refused = browser.show("/recall", user="alice", q="heron", space="other")
    assert refused.status_code == 403


def test_a_degraded_recall_says_what_was_missing(open_memory, browse):
    memory = open_memory(embedder=Deaf())
    memory.add(Turn(role="user", text="The heron sails."), user_id="alice")
    page = browse(memory).show("/recall", user="alice", q=QUESTION)
    assert "searched by words only" in words(page)


def test_nothing_asked_and_nothing_found_are_said(memory, browse):
    assert "Ask something" in words(browse(memory).show("/recall", user="alice"))
    page = browse(memory).show("/recall", user="alice", q=QUESTION, day="2025-01-01")
    assert "no text would be put into the prompt" in words(page)


def test_whatever_was_said_is_shown_literally(open_memory, browse):
    memory = open_memory(writer=ScriptedWriter())
    turn = Turn(role="user", text=f"Ann.boat = {CANARY}", speaker=CANARY, id=CANARY, time=BEGIN)
    memory.add(turn, user_id=CANARY, session_id=CANARY)
    memory.add(Turn(role="user", text=f"heron {CANARY}"), user_id=CANARY, session_id="s")
    memory.consolidate()
    memory.spaces.grant(CANARY, user_id=CANARY)
    browser = browse(memory)
    asked = {"user": CANARY, "q": f"heron {CANARY}", "session2": CANARY, "k2": 3, "tier2": CANARY}
    for path, given in (("/recall", asked), ("/recall", {"user": CANARY, "q": "boat"}),
                        ("/profile", {"user": CANARY}), ("/spaces", {}), ("/spaces", {"q": CANARY}),
                        ("/metrics", {})):  # fmt: skip
        page = browser.show(path, **given)
        assert page.status_code in {200, 400}, path
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert " style=" not in page.text
        assert "60481729" not in page.text
        assert "\u202e" not in re.sub(r'(?:value|href)="[^"]*"', "", page.text)


def test_a_profile_is_shown_with_what_proves_it(memory, browse):
    page = browse(memory).show("/profile", user="alice")
    profile = memory.profile(user_id="alice")
    assert profile.text
    assert html.escape(profile.text, quote=False).strip() in page.text
    assert f"{profile.tokens} of {memory.settings.profile_tokens} tokens" in words(page)
    assert f"id={profile.lines[0].fact_id}" in page.text
    memory.add(Turn(role="user", text="x"), user_id="new")
    assert "Nothing that a profile holds" in words(browse(memory).show("/profile", user="new"))


def test_spaces_are_shown_with_who_may_do_what(memory, browse):
    browser = browse(memory)
    assert "There are no spaces" in words(browser.show("/spaces"))
    memory.spaces.grant("family", user_id="alice", write=True)
    memory.spaces.grant("family", user_id="bela")
    page = browser.show("/spaces")
    assert re.search(r"alice\s+read and write\s.*bela\s+read\s", words(page), re.DOTALL)
    (as_bela,) = re.findall(r'href="([^"]*user=bela[^"]*)"', page.text)
    assert browser.get(html.unescape(as_bela)).status_code == 200
    assert "No space has" in words(browser.show("/spaces", q="work"))


def test_metrics_say_how_long_calls_took_and_what_was_missing(open_memory, memory, browse):
    browser = browse(memory)
    assert "no call yet" in words(browser.show("/metrics"))
    browser.show("/recall", user="alice", q=QUESTION)
    page = browser.show("/metrics")
    assert "every recall had its words" in words(page)
    assert re.search(r"recall\s+1\s+0\s+[\d.,]+ ms", words(page))
    deaf = open_memory(embedder=Deaf())
    deaf.add(Turn(role="user", text="The heron sails."), user_id="alice")
    deaf.recall(QUESTION, user_id="alice")
    assert "1 recall of 1 went on" in words(browse(deaf).show("/metrics"))


@pytest.mark.slow
def test_the_slider_goes_back_in_time_in_a_browser_that_loads_nothing_from_outside(
    memory, page_address, chromium
):
    address = page_address(memory)
    page = chromium.new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}/?token=token-of-the-tests")
    page.get_by_role("link", name="alice").first.click()
    page.get_by_role("link", name="Recall").click()
    page.get_by_text("Ask something").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    assert "rests in Porto" in page.get_by_label("The packed text").inner_text()
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")  # the day of the first turn
    page.wait_for_url("**day=2026-01-03**")
    assert "Porto" not in page.get_by_label("The packed text").inner_text()
    page.get_by_role("link", name="Compare with other settings").click()
    assert page.get_by_role("heading", name="What the model gets").count() == 2
    assert {url.split("/")[2] for url in asked} == {address.split("/")[2]}
    assert not wrong
