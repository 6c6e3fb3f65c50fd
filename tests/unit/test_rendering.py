"""Tables show what is there, literally, whatever was written."""

import datetime as dt
import html
from dataclasses import replace

import pytest
from rich.console import Console

from lightmem_integrations.display import clipped
from lightmem_integrations.records.conversation import (
    Hit,
    Plan,
    Recall,
    Source,
    Turn,
    Turns,
)
from lightmem_integrations.records.knowledge import Episodes, Explanation, Fact, Facts
from lightmem_integrations.records.report import ConsolidationReport, Receipt, Stats

WHEN = dt.datetime(2026, 3, 3, 19, 14, tzinfo=dt.timezone.utc)


def recall_of(*texts, query="Where is it?", speaker="Ann", degraded=()):
    hits = tuple(
        Hit(
            text=text,
            tier="mtm",
            score=1.5,
            parts={},
            when=WHEN,
            source=Source(session_id="s", turn_ids=("t",)),
            turns=(Turn(role="user", text=text, speaker=speaker, time=WHEN, id="t"),),
        )
        for text in texts
    )
    return Recall(
        query=query,
        hits=hits,
        text="",
        tokens=42,
        plan=Plan(queries=(query,)),
        milliseconds={"total": 8.25},
        degraded=degraded,
    )


def printed(table, width=100):
    console = Console(width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_a_hit_is_shown_with_its_tier_score_day_speaker_and_words():
    shown = printed(recall_of("I moved to Lisbon."))
    row = next(line for line in shown.splitlines() if "Lisbon" in line)
    assert row.split() == ["1", "mtm", "1.50", "2026-03-03", "Ann", "I", "moved", "to", "Lisbon."]
    assert "Where is it?" in shown
    assert "1 hit in 8.2 ms; 42 tokens of context" in shown


def test_a_notebook_shows_the_same_as_a_terminal():
    page = recall_of("I moved to Lisbon.")._repr_html_()
    for words in ("Where is it?", "mtm", "1.50", "2026-03-03", "Ann", "1 hit in 8.2 ms"):
        assert words in page


def test_the_span_of_a_fact_is_not_cut():
    fact = Fact(
        id="f" * 32, subject="Ann", attribute="home", value="Lisbon", statement="Ann: Lisbon.",
        entities=(), valid_from=WHEN, valid_to=WHEN + dt.timedelta(days=9), recorded_at=WHEN,
        retracted_at=None, reason=None, superseded_by="g" * 32, confidence=0.5, agent_id=None,
        author="writer", version=1,
    )  # fmt: skip
    explained = Explanation(fact=fact, evidence=(), history=(fact, fact), conflicts=())
    assert "2026-03-03 to 2026-03-12" in printed(explained, width=80).split("fact ffff")[0]


def test_a_long_name_leaves_room_for_the_words():
    shown = printed(recall_of("I moved to Lisbon.", speaker="A" * 90), width=80)
    assert "I moved to Lisbon." in shown


def test_a_recall_without_hits_says_so():
    shown = printed(recall_of())
    assert "no hits" in shown
    assert "tier" not in shown
    assert "no hits" in recall_of()._repr_html_()


@pytest.mark.parametrize("nothing", [Facts(), Episodes()])
def test_who_forgot_to_consolidate_is_told(nothing):
    assert "consolidate() makes them" in printed(nothing)


def test_what_was_said_is_shown_turn_by_turn():
    turns = Turns(
        (
            Turn(role="user", speaker="Ann", text="I moved to [b]Lisbon[/b].", time=WHEN),
            Turn(role="assistant", text="Nice.", time=WHEN, superseded=True, pinned=True),
        )
    )
    shown = printed(turns)
    assert shown.startswith("2 turns")
    assert "2026-03-03 19:14  Ann" in shown
    assert "I moved to [b]Lisbon[/b]." in shown
    assert "assistant (pinned)  Nice. (superseded)" in shown
    assert "&lt;" not in turns._repr_html_()
    assert "2026-03-03 19:14" in turns._repr_html_()


def test_who_asks_for_a_session_that_is_none_is_told_that_one_is_shown():
    assert "sessions() has all." in printed(Turns())
    named = printed(Turns((), ("monday", "[b]tuesday[/b]")))
    assert "sessions() has all; lately: monday, [b]tuesday[/b]." in named


def test_who_has_no_facts_is_told_that_they_take_a_model_or_that_none_is_meant():
    assert "none meets what was asked" in printed(Facts())
    assert "with a model: LightMem(..., writer=model)" in printed(Facts())


def test_the_facts_with_which_the_text_begins_stand_below_the_hits():
    recall = recall_of("It leaks.")
    (hit,) = recall.hits
    facts = [replace(hit, text=f"Boat {n} leaks.", tier="ltm") for n in range(6)]
    shown = printed(replace(recall, known=tuple(facts)))
    assert "known: Boat 0 leaks." in shown
    assert "known: Boat 4 leaks." in shown
    assert "Boat 5" not in shown
    assert "known: 1 more" in shown
    assert "known" not in printed(recall)


def test_what_did_not_work_is_shown():
    recall = recall_of("x", degraded=("the vector index did not answer",))
    assert "degraded: the vector index did not answer" in printed(recall)
    assert "degraded: the vector index did not answer" in recall._repr_html_()


@pytest.mark.parametrize("text", ["[red]alarm[/red]", "[/]", "[link=https://example.com]x[/link]"])
def test_rich_markup_in_a_memory_is_shown_literally(text):
    recall = recall_of(text, query=text, speaker="[b]", degraded=(text,))
    shown = printed(recall)
    assert shown.count(text) == 3
    assert "[b]" in shown


def test_html_in_a_memory_is_escaped():
    attack = '<script>alert("x")</script>'
    page = recall_of(attack, query=attack, speaker="<b>", degraded=(attack,))._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page
    assert page.count(html.escape(attack)) == 3


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\r", "\x9b", "\u202e", "\x00"])
def test_characters_that_a_terminal_obeys_do_not_reach_it(character):
    recall = recall_of(f"safe{character}[2Jtext", query=f"q{character}q", speaker=f"A{character}n")
    assert character not in printed(recall).replace("\r\n", "\n")
    assert character not in recall._repr_html_()


def test_long_and_many_lined_memories_are_clipped_to_a_few_lines():
    recall = recall_of("line\n" * 5_000)
    assert len(printed(recall).splitlines()) < 15
    assert len(recall._repr_html_()) < 5_000


def test_a_narrow_terminal_is_never_exceeded():
    shown = printed(recall_of("word " * 60 + "a" * 300, query="q " * 100), width=60)
    assert max(len(line) for line in shown.splitlines()) <= 60


def test_stats_are_shown_with_their_figures():
    stats = Stats(
        users=1_234,
        sessions=5,
        turns=60_000,
        searchable=30_000,
        pending=7,
        episodes=40,
        facts=55,
        set_aside=42,
        embedder="all-MiniLM-L6-v2",
        dimension=384,
        index="ready",
        bytes=2_500_000,
    )
    shown = printed(replace(stats.grid(), title="[i]store[/i]"))
    for words in (
        "[i]store[/i]",
        "1,234",
        "60,000",
        "42",
        "MiniLM-L6-v2 (384 dimensions)",
        "2.5 MB",
    ):
        assert words in shown


def test_stats_of_an_empty_store_in_memory_are_shown_in_words():
    stats = Stats(
        users=0,
        sessions=0,
        turns=0,
        searchable=0,
        pending=0,
        episodes=40,
        facts=55,
        set_aside=0,
        embedder=None,
        dimension=None,
        index="ready",
        bytes=None,
    )
    shown = printed(stats)
    assert "none yet" in shown
    assert "in memory" in shown


def test_a_receipt_says_whether_files_were_rewritten():
    assert "yes" in printed(Receipt(turns=3, sessions=1, vectors=3, purged=True))
    assert "no" in printed(Receipt(turns=3, sessions=1, vectors=3, purged=False))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Marta sings Britten on Sunday.", "Marta sings…"),
        ("Marta sings in the choir", "Marta sings in…"),
        ("漢" * 40, "漢" * 15 + "…"),
        ("id " + "7" * 40, "id 777777777777…"),
        ("Marta sings.", "Marta sings."),
    ],
)
def test_what_is_clipped_ends_with_a_whole_word(text, shown):
    assert clipped(text, 16) == shown


def test_what_failed_alike_is_said_once():
    report = ConsolidationReport(failed=3, dropped=1, problems=("a key is wrong",) * 3)
    shown = printed(report)
    assert shown.count("a key is wrong") == 1
    assert "a key is wrong (3 times)" in shown
    assert "facts and summaries dropped" in shown
