"""What the page shows of a memory, and what its forms change."""

import datetime as dt
import html
import re

import pytest
from jinja2 import Environment

from lightmem_integrations import ModelError, Turn
from lightmem_integrations.testing import ScriptedWriter
from lightmem_integrations.web.page.view import templates

DAY = dt.datetime(2025, 5, 1, 9, tzinfo=dt.timezone.utc)
SAID = [
    "Anne.home = Lisbon since 2024-02-01",
    "Anne.home = Porto since 2025-03-01 replaces",
    "preference Anne.likes + tea",
    "Anne.pet = Rex since 2020-01-01 until 2024-06-01",
]


class Breaking(ScriptedWriter):
    """Fails at one thing that is said."""

    def write(self, turns, **known):
        if any("Break." in turn.text for turn in turns):
            raise ModelError("down")
        return super().write(turns, **known)


@pytest.fixture
def memory(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    for number, text in enumerate(SAID):
        turn = Turn(role="user", speaker="Anne", text=text, id=f"t{number}")
        memory.add(turn, user_id="anne", session_id=f"chat-{number}")
    for agent, size in (("a", 38), ("b", 39)):
        turn = Turn(role="user", speaker="Anne", text=f"Anne.shoes = {size}", time=DAY)
        memory.add(turn, user_id="anne", session_id=agent, agent_id=agent)
    memory.consolidate(final=True)
    return memory


def statements(answer):
    """Statements of the facts that a view lists."""
    found = re.findall(r'<p class="statement"[^>]*><a[^>]*>([^<]*)</a>', answer.text)
    return [html.unescape(each) for each in found]


def dates_in(answer):
    """What stands in the fields for the dates of a fact, by their names."""
    label = r'<label>(?:True since|Until) <input name="(valid_\w+)" value="([^"]*)"'
    return dict(re.findall(label, answer.text))


def fact_of(memory, value, user_id="anne"):
    facts = memory.facts(user_id=user_id, include_past=True)
    return next(each for each in facts[::-1] if each.value == value)


def test_no_view_waits_until_its_template_is_compiled(memory, browse, monkeypatch):
    templates.cache_clear()  # as in a new process
    browser, compiled, compile_ = browse(memory), [], Environment.compile

    def noted(environment, source, name, *rest):
        compiled.append(name)
        return compile_(environment, source, name, *rest)

    monkeypatch.setattr(Environment, "compile", noted)
    for path in ("/timeline", "/facts", "/recall", "/profile", "/forget"):
        browser.show(path, user="anne")
    assert not compiled


class TestUsers:
    def test_every_user_is_listed_with_counts_and_found_by_a_part_of_the_id(self, memory, browse):
        memory.add(Turn(role="user", text="Hello"), user_id="bob@example.com")
        browser = browse(memory)
        shown = browser.get("/").text
        assert "anne" in shown
        assert "bob@example.com" in shown
        assert re.search(r"<dt>Turns</dt><dd>7", shown)
        assert re.search(r"<dt>Not embedded yet</dt><dd>\d", shown)
        found = browser.show("/", q="EXAMPLE").text
        assert "1 user with" in found
        assert "user=anne" not in found
        assert "No user has" in browser.show("/", q="nobody").text

    def test_many_users_come_in_pages(self, open_memory, browse):
        memory = open_memory()
        for number in range(30):
            memory.add(Turn(role="user", text="Hello"), user_id=f"user-{number:02}")
        browser = browse(memory)
        first, second = browser.get("/").text, browser.show("/", page=2).text
        assert "Page 1 of 2" in first
        assert ("user-00" in first, "user-29" in first) == (True, False)
        assert ("user-00" in second, "user-29" in second) == (False, True)
        assert browser.show("/", page="x\u0662").status_code == 200

    def test_each_user_has_a_health_and_the_day_of_the_last_consolidation(
        self, open_memory, browse
    ):
        memory = open_memory(writer=Breaking())
        for user, text in (("ann", "Ann.home = Lisbon"), ("bob", "Break."), ("cay", "Hello.")):
            memory.add(Turn(role="user", text=text), user_id=user)
        browser = browse(memory)

        def row(user):
            found = re.search(rf"user={user}.*?</tr>", browser.get("/").text, re.DOTALL)
            return re.sub(r"<[^>]*>|\s", " ", found[0])

        assert "catching up" in row("ann")
        assert "not yet" in row("ann")
        memory.consolidate(final=True)
        memory.index_pending()
        assert f"{memory.stats(user_id='ann').consolidated_at:%B %Y}" in row("ann")
        assert "well" in row("ann")
        assert "consolidation fails" in row("bob")
        assert "not yet" in row("bob")
        whole, ann, bob = memory.stats(), *memory.stats_of("ann", "bob")
        assert (whole.due, whole.failing) == (bob.due, bob.failing) == (1, 1)
        assert (ann.due, ann.failing) == (0, 0)
        assert whole.consolidated_at >= ann.consolidated_at
        assert bob.consolidated_at is None

    def test_an_empty_store_says_what_will_be_here(self, open_memory, browse):
        assert "Nothing is stored yet" in browse(open_memory()).get("/").text


class TestTimeline:
    @pytest.fixture
    def long(self, open_memory):
        memory = open_memory(writer=ScriptedWriter())
        turns = [
            Turn(role="user", speaker="Ann" if n % 2 else None, text=f"said <{n:03}>",
                 id=f"t{n:03}", time=DAY + dt.timedelta(hours=n), metadata={"mood": f"<m{n}>"})
            for n in range(130)
        ]  # fmt: skip
        memory.add(turns, user_id="ann", session_id="long")
        return memory

    def test_sessions_are_listed_the_latest_first_with_how_they_begin(self, memory, browse):
        shown = browse(memory).show("/timeline", user="anne").text
        named = re.findall(r"<bdi>(chat-\d)</bdi></a>", shown)
        assert named == ["chat-3", "chat-2", "chat-1", "chat-0"]
        assert "preference Anne.likes + tea" in shown

    def test_a_long_session_is_read_page_by_page_in_both_directions(self, long, browse):
        browser = browse(long)
        answer = browser.show("/timeline", user="ann", session="long")
        seen = []
        while True:
            seen += re.findall(r"said &lt;(\d+)&gt;</p>", answer.text)
            later = re.search(r'rel="next" href="([^"]*)"', answer.text)
            if not later:
                break
            answer = browser.get(html.unescape(later[1]))
        assert seen == [f"{n:03}" for n in range(130)]
        back = re.search(r'rel="prev" href="([^"]*)"', answer.text)
        answer = browser.get(html.unescape(back[1]))
        assert re.findall(r"said &lt;(\d+)&gt;</p>", answer.text) == [
            f"{n:03}" for n in range(50, 100)
        ]
        end = browser.show("/timeline", user="ann", session="long", end=1)
        assert re.findall(r"said &lt;(\d+)&gt;</p>", end.text)[-1] == "129"

    @pytest.mark.parametrize("number", [0, 5, 77, 129])
    def test_a_turn_is_jumped_to_by_its_id(self, long, browse, number):
        shown = browse(long).show("/timeline", user="ann", session="long", turn=f"t{number:03}")
        marked = re.search(r'aria-current="true">.*?said &lt;(\d+)&gt;', shown.text, re.DOTALL)
        assert int(marked[1]) == number
        assert f"&lt;m{number}&gt;" in shown.text

    def test_turns_are_filtered_by_speaker_and_day_in_the_address(self, long, browse):
        shown = browse(long).show(
            "/timeline", user="ann", session="long", speaker="Ann", since="2025-05-06"
        )
        found = [int(each) for each in re.findall(r"said &lt;(\d+)&gt;</p>", shown.text)]
        assert found == [n for n in range(130) if n % 2 and n >= 111]
        wrong = browse(long).show("/timeline", user="ann", session="long", since="yesterday")
        assert wrong.status_code == 400
        assert "2026-05-01" in wrong.text

    def test_an_unknown_turn_or_user_is_said(self, long, browse):
        browser = browse(long)
        assert browser.show("/timeline", user="ann", session="long", turn="x").status_code == 404
        assert browser.show("/timeline", user="ann", session="none").status_code == 200
        assert browser.show("/timeline", user="nobody").status_code == 404
        assert browser.get("/timeline").status_code == 404

    def test_a_turn_is_pinned_and_unpinned(self, long, browse):
        browser, named = browse(long), {"user": "ann", "session": "long", "turn": "t003"}
        assert "pinned" in browser.submit("/turns/pin", **named, pinned="1").text
        assert long.history(user_id="ann", session_id="long", after="t002", limit=1)[0].pinned
        browser.submit("/turns/pin", **named)
        assert not long.history(user_id="ann", session_id="long", after="t002", limit=1)[0].pinned

    def test_episodes_stand_where_they_begin(self, memory, browse):
        shown = browse(memory).show("/timeline", user="anne", session="chat-1").text
        assert re.search(r"Episode, 1 turn</span>\s*Anne.home = Porto", shown)


class TestFacts:
    def test_current_past_and_all_are_told_apart(self, memory, browse):
        browser = browse(memory)
        current = statements(browser.show("/facts", user="anne"))
        past = statements(browser.show("/facts", user="anne", show="past"))
        every = statements(browser.show("/facts", user="anne", show="all"))
        assert {"Anne home Porto.", "Anne likes tea."} <= set(current)
        assert set(past) == {"Anne home Lisbon.", "Anne pet Rex."}
        assert sorted(current + past) == sorted(every)

    def test_facts_are_searched_and_filtered_in_the_address(self, memory, browse):
        browser = browse(memory)
        assert statements(browser.show("/facts", user="anne", q="PORTO home")) == [
            "Anne home Porto."
        ]
        assert statements(browser.show("/facts", user="anne", kind="preference")) == [
            "Anne likes tea."
        ]
        assert "No fact meets that" in browser.show("/facts", user="anne", only="pinned").text

    def test_a_filter_is_of_all_facts_and_not_only_of_a_page(self, memory, browse):
        for told in ("assistant", "both"):
            shown = browse(memory).show("/facts", user="anne", told=told).text
            assert "No fact meets that" in shown
        shown = browse(memory).show("/facts", user="anne", told="user", show="past", q="anne")
        assert set(statements(shown)) == {"Anne home Lisbon.", "Anne pet Rex."}
        assert browse(memory).show("/facts", user="anne", kind="wish").status_code == 400

    def test_many_facts_are_read_page_by_page_in_both_directions(self, open_memory, browse):
        memory = open_memory(writer=ScriptedWriter())
        lines = [f"Anne.likes + thing {n:03}" for n in range(130)]
        memory.add([Turn(role="user", text=line) for line in lines], user_id="anne")
        memory.consolidate(final=True)
        browser = browse(memory)

        def read(answer, onward):
            pages = [statements(answer)]
            while later := re.search(rf'rel="{onward}" href="([^"]*)"', answer.text):
                answer = browser.get(html.unescape(later[1]))
                assert "130 facts" in answer.text
                pages.append(statements(answer))
            return answer, pages

        def together(pages):
            return [each for page in pages for each in page]

        latest_first = [each.statement for each in memory.facts(user_id="anne")[::-1]]
        end, pages = read(browser.show("/facts", user="anne", q="LIKES"), "next")
        assert [len(each) for each in pages] == [50, 50, 30]
        assert together(pages) == latest_first
        assert 'rel="prev"' in end.text
        begin, pages = read(end, "prev")
        assert together(pages[::-1]) == latest_first[:100] + latest_first[-30:]
        assert 'rel="next"' in begin.text
        assert browser.show("/facts", user="anne", older="none").status_code == 404

    def test_bars_stand_on_one_scale_and_say_in_words_what_they_show(self, memory, browse):
        shown = browse(memory).show("/facts", user="anne", show="all").text
        drawn = re.compile(
            r'aria-label="True ([^"]*)".*?x="([\d.]+)" y="0" width="([\d.]+)"', re.DOTALL
        )
        bars = drawn.findall(shown)
        placed = {label: (float(at), float(width)) for label, at, width in bars}
        rex = placed["from 2020-01-01 to 2024-06-01"]
        lisbon, porto = placed["from 2024-02-01 to 2025-03-01"], placed["since 2025-03-01"]
        assert rex[0] == 0
        assert sum(lisbon) == pytest.approx(porto[0], abs=0.1)
        assert sum(porto) == pytest.approx(100, abs=0.1)

    def test_of_what_was_told_by_its_month_no_day_is_shown(self, open_memory, browse):
        memory = open_memory(writer=ScriptedWriter())
        told = Turn(role="user", text="Anne.home = Porto since 2019 until 2022-06", time=DAY)
        memory.add(told, user_id="anne")
        memory.index_pending()
        memory.consolidate(final=True)
        browser, porto = browse(memory), fact_of(memory, "Porto")
        for shown in (
            browser.show("/facts", user="anne", show="all"),
            browser.show("/facts/fact", user="anne", id=porto.id),
        ):
            assert 'aria-label="True from 2019 to 2022-06"' in shown.text
            words = re.sub(r"<[^>]*>", "", shown.text)
            assert "2019 to June 2022" in words
        asked = {"user": "anne", "q": "Where was Anne's home?", "tier": "ltm"}
        recalled = browser.show("/recall", **asked).text
        assert "until June 2022" in re.sub(r"<[^>]*>", "", recalled)
        browser.submit(
            "/facts/edit", user="anne", fact=porto.id, statement="Anne lived in Porto.",
            **dates_in(shown),
        )  # fmt: skip
        edited = fact_of(memory, "Porto")
        assert edited.statement == "Anne lived in Porto."
        assert (edited.valid_from_precision, edited.valid_to_precision) == ("year", "month")

    def test_a_date_is_corrected_as_exactly_as_it_is_known(self, memory, browse):
        browser, porto = browse(memory), fact_of(memory, "Porto")
        shown = browser.show("/facts/fact", user="anne", id=porto.id)
        assert dates_in(shown) == {"valid_from": "2025-03-01", "valid_to": ""}
        corrected = browser.submit(
            "/facts/edit", user="anne", fact=porto.id, valid_from="2025-02", valid_to="2025"
        )
        assert dates_in(corrected) == {"valid_from": "2025-02", "valid_to": "2025"}
        assert "February 2025 to 2025" in re.sub(r"<[^>]*>", "", corrected.text)
        exact = fact_of(memory, "Porto")
        by_week = browser.submit("/facts/edit", user="anne", fact=exact.id, valid_from="2025-W05")
        assert dates_in(by_week) == {"valid_from": "2025-W05", "valid_to": "2025"}
        assert "the week of 27 January 2025 to 2025" in re.sub(r"<[^>]*>", "", by_week.text)
        exact = fact_of(memory, "Porto")
        browser.submit("/facts/edit", user="anne", fact=exact.id, valid_from="2025-02-01")
        exact = fact_of(memory, "Porto")
        assert (exact.valid_from_precision, exact.valid_to_precision) == ("day", "year")
        assert dates_in(browser.show("/facts/fact", user="anne", id=exact.id)) == {
            "valid_from": "2025-02-01", "valid_to": "2025",
        }  # fmt: skip

    def test_a_fact_is_explained_by_the_words_that_prove_it_and_its_history(self, memory, browse):
        browser, porto = browse(memory), fact_of(memory, "Porto")
        shown = browser.show("/facts/fact", user="anne", id=porto.id).text
        assert SAID[1] in shown
        assert "Anne home Lisbon." in shown
        proof = re.search(r'href="(/timeline[^"]*turn=t1[^"]*)"', shown)
        assert 'aria-current="true"' in browser.get(html.unescape(proof[1])).text
        assert browser.show("/facts/fact", user="anne", id="none").status_code == 404

    def test_a_fact_is_corrected_retracted_and_restored(self, memory, browse):
        browser, porto = browse(memory), fact_of(memory, "Porto")
        same = browser.submit("/facts/edit", user="anne", fact=porto.id, statement=porto.statement)
        assert "Nothing was changed" in same.text
        edited = browser.submit(
            "/facts/edit", user="anne", fact=porto.id, statement="Anne lives in Braga.",
            valid_from="2025-03-01", reason="She said so.",
        )  # fmt: skip
        assert "Corrected." in edited.text
        assert "Anne lives in Braga." in statements(browser.show("/facts", user="anne"))
        new = next(each for each in memory.facts(user_id="anne") if "Braga" in each.statement)
        assert new.valid_from == porto.valid_from
        gone = browser.submit("/facts/retract", user="anne", fact=new.id, reason="A joke.")
        assert "A joke." in gone.text
        assert "Anne lives in Braga." not in statements(browser.show("/facts", user="anne"))
        back = browser.submit("/facts/edit", user="anne", fact=new.id, statement=new.statement)
        assert "Believed again" in back.text
        assert "Anne lives in Braga." in statements(browser.show("/facts", user="anne"))

    def test_a_day_that_is_changed_moves_the_fact(self, memory, browse):
        browser, porto = browse(memory), fact_of(memory, "Porto")
        changed = {"statement": porto.statement, "valid_from": "2025-01-01"}
        browser.submit("/facts/edit", user="anne", fact=porto.id, **changed)
        assert fact_of(memory, "Porto").valid_from.date() == dt.date(2025, 1, 1)
        wrong = browser.submit("/facts/edit", user="anne", fact=porto.id, valid_from="soon")
        assert wrong.status_code == 400

    def test_a_conflict_is_shown_and_decided(self, memory, browse):
        browser = browse(memory)
        assert "Conflicts (1)" in browser.show("/facts", user="anne").text
        shown = browser.show("/facts", user="anne", show="conflicts")
        assert sorted(statements(shown)) == ["Anne shoes 38.", "Anne shoes 39."]
        (conflict,) = memory.conflicts(user_id="anne")
        kept = fact_of(memory, "39").id
        browser.submit("/facts/resolve", user="anne", conflict=conflict.id, keep=kept)
        assert not memory.conflicts(user_id="anne")
        assert "Anne shoes 38." not in statements(browser.show("/facts", user="anne"))

    def test_many_conflicts_come_in_pages_the_latest_first(self, open_memory, browse):
        memory = open_memory(writer=ScriptedWriter())
        for agent in "ab":
            lines = [f"Anne.key{n:02} = {agent}{n:02}" for n in range(30)]
            said = [Turn(role="user", text=line, time=DAY) for line in lines]
            memory.add(said, user_id="anne", session_id=agent, agent_id=agent)
        memory.consolidate(final=True)
        browser = browse(memory)
        first = browser.show("/facts", user="anne", show="conflicts")
        assert "30 conflicts" in first.text
        older = browser.get(html.unescape(re.search(r'rel="next" href="([^"]*)"', first.text)[1]))
        pages = [statements(first), statements(older)]
        assert [len(each) for each in pages] == [50, 10]
        expected = [side.statement for each in memory.conflicts(user_id="anne")[::-1]
                    for side in (each.first, each.second)]  # fmt: skip
        assert pages[0] + pages[1] == expected
        assert 'rel="next"' not in older.text
        assert "Conflicts (30)" in browser.show("/facts", user="anne").text

    def test_a_fact_is_pinned(self, memory, browse):
        browser, tea = browse(memory), fact_of(memory, "tea")
        assert "Pinned" in browser.submit("/facts/pin", user="anne", fact=tea.id, pinned="1").text
        assert statements(browser.show("/facts", user="anne", only="pinned")) == ["Anne likes tea."]
        browser.submit("/facts/pin", user="anne", fact=tea.id)
        assert not fact_of(memory, "tea").pinned

    def test_a_users_fact_is_nobody_elses(self, memory, browse):
        memory.add(Turn(role="user", text="Hello"), user_id="bob")
        browser, porto = browse(memory), fact_of(memory, "Porto")
        assert browser.show("/facts/fact", user="bob", id=porto.id).status_code == 404
        assert browser.submit("/facts/retract", user="bob", fact=porto.id).status_code == 404
        assert fact_of(memory, "Porto").retracted_at is None


class TestForget:
    def test_what_would_go_is_said_first_and_then_a_receipt(self, memory, browse):
        browser, porto = browse(memory), fact_of(memory, "Porto")
        planned = browser.show("/forget", user="anne", memory=porto.id).text
        assert "This will erase 1 turn, 1 episode and 1 fact" in planned
        assert SAID[1] in planned
        assert memory.stats(user_id="anne").turns == 6
        receipt = browser.submit("/forget", user="anne", memory=porto.id).text
        assert re.search(r"<dt>Turns</dt><dd>1", receipt)
        assert re.search(r"<dt>Facts</dt><dd>1", receipt)
        assert "Porto" not in receipt
        assert "Porto" not in browser.show("/timeline", user="anne").text
        assert memory.stats(user_id="anne").turns == 5

    def test_one_turn_or_a_session_goes_alone(self, memory, browse):
        browser = browse(memory)
        planned = browser.show("/forget", user="anne", session="chat-0", turn="t0").text
        assert SAID[0] in planned
        browser.submit("/forget", user="anne", session="chat-0", turn="t0")
        browser.submit("/forget", user="anne", session="chat-1")
        assert memory.sessions(user_id="anne") == ("chat-2", "chat-3", "a", "b")
        assert "Nothing meets this" in browser.show("/forget", user="anne", session="chat-1").text

    def test_nothing_goes_unless_it_is_named(self, memory, browse):
        browser = browse(memory)
        assert "This will erase" not in browser.show("/forget", user="anne").text
        assert browser.submit("/forget", user="anne").status_code == 400
        assert browser.submit("/forget", user="anne", session=" ").status_code == 400
        assert memory.stats(user_id="anne").turns == 6
        assert "This will erase 6 turns" in browser.show("/forget", user="anne", all=1).text
        assert "To the users" in browser.submit("/forget", user="anne", all="1").text
        assert memory.users() == ()


def test_reading_only_shows_everything_but_what_changes(memory, browse):
    reader, porto = browse(memory, read_only=True), fact_of(memory, "Porto")
    for path, asked in (
        ("/", {}),
        ("/timeline", {"user": "anne"}),
        ("/timeline", {"user": "anne", "session": "chat-1"}),
        ("/facts", {"user": "anne"}),
        ("/facts", {"user": "anne", "show": "conflicts"}),
        ("/facts/fact", {"user": "anne", "id": porto.id}),
    ):
        shown = reader.show(path, **asked)
        assert shown.status_code == 200
        assert "reading only" in shown.text
        assert 'method="post"' not in shown.text
        assert "Forget" not in shown.text
    assert reader.show("/forget", user="anne", all=1).status_code == 403


def test_a_space_is_seen_as_one_of_its_members(memory, browse):
    memory.spaces.grant("home", user_id="anne", write=True)
    memory.add(Turn(role="user", text="Dinner at eight."), user_id="anne", space="home")
    browser = browse(memory)
    shown = browser.show("/timeline", user="anne", space="home", session="default").text
    assert "Dinner at eight." in shown
    assert "added by" in shown
    assert browser.show("/timeline", user="bob", space="home").status_code == 403
