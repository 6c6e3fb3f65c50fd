"""A recall says of each hit how it was found and what counted, and of the rest why it is cut."""

import datetime as dt
import itertools

import pytest

from lightmem_integrations import Turn
from lightmem_integrations.testing import ScriptedWriter

BEGIN = dt.datetime(2025, 1, 3, 9, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)


def say(memory, *texts, user_id="ann", **more):
    turns = [
        Turn(role="user", text=text, id=f"t{n}", time=BEGIN + n * HOUR, **more)
        for n, text in enumerate(texts)
    ]
    for turn in turns:  # in sessions of their own: no neighbours
        memory.add(turn, user_id=user_id, session_id=turn.id)


def by_id(recall):
    return {hit.turns[0].id: hit for hit in (*recall.hits, *recall.further)}


def test_a_hit_knows_its_ranks_by_words_and_by_meaning(open_memory):
    memory = open_memory()
    say(memory, "The heron sails.", "The heron sails to Faro at noon.", "Nothing of that.")
    hits = by_id(memory.recall("Does the heron sail to Faro?", user_id="ann", strict=True))
    assert hits["t1"].ranks["words"] == 1
    assert hits["t0"].ranks["words"] == 2
    assert "words" not in hits["t2"].ranks
    assert sorted(hit.ranks["meaning"] for hit in hits.values()) == [1, 2, 3]


def test_a_turn_beside_one_that_was_found_has_no_rank(open_memory):
    memory = open_memory()
    turns = [Turn(role="user", text=text, id=text) for text in ("The heron?", "Yes indeed.")]
    memory.add(turns, user_id="ann")
    found = memory.recall("heron", user_id="ann", max_tokens=500)
    assert by_id(found)["The heron?"].ranks == {"words": 1, "meaning": 1}


def test_the_weighed_parts_of_hits_give_their_order(open_memory):
    memory = open_memory()
    words = ["heron", "sails", "Faro", "noon", "boat", "harbour", "gull", "storm", "anchor", "mast"]
    say(memory, *(f"The {a} and the {b} of {n}." for n, (a, b) in enumerate(
        itertools.pairwise(words))))  # fmt: skip
    found = memory.recall("When did the heron and the boat sail to Faro?", user_id="ann")
    sums = [sum(hit.parts[name] * weight for name, weight in hit.weights.items())
            for hit in found.hits]  # fmt: skip
    assert len(sums) == 5
    assert sums == sorted(sums, reverse=True)
    assert sums[0] > sums[-1]


def test_what_the_budget_cuts_is_told_with_the_room_that_was_left(open_memory):
    memory = open_memory()
    say(memory, *(f"The heron {n}: " + "it sails to Faro. " * 20 for n in range(5)))
    found = memory.recall("heron", user_id="ann", max_tokens=250)
    assert found.max_tokens == 250
    whole = {id_ for id_, hit in by_id(found).items() if hit.text == hit.turns[0].text}
    cut = {cut.hit.turns[0].id: cut.why for cut in found.cuts}
    assert whole
    assert whole.isdisjoint(cut)
    assert whole | set(cut) == {f"t{n}" for n in range(5)}
    assert any(why.startswith("left out: longer than the ") for why in cut.values())


def test_a_hit_that_is_shortened_is_told_with_how_much(open_memory):
    memory = open_memory()
    say(memory, "The heron. " + "It sails to Faro. " * 200)
    found = memory.recall("heron", user_id="ann", max_tokens=120)
    (cut,) = found.cuts
    assert cut.why.startswith("shortened: ")
    assert cut.hit.text == cut.hit.turns[0].text, "the whole of it"
    assert found.hits[0].text.endswith(" ...")


def test_what_scores_below_the_threshold_is_told(open_memory):
    memory = open_memory()
    say(memory, "The heron sails.", "My tax return is late.")
    found = memory.recall("Who won the vote?", user_id="ann", score_threshold=0.99)
    assert not found.hits
    assert {cut.hit.turns[0].id for cut in found.cuts} == {"t0", "t1"}
    assert all("is too low" in cut.why for cut in found.cuts)


def test_what_fits_is_in_no_list_of_cuts(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    say(memory, "Ann.home = Lisbon", "The heron sails.")
    memory.consolidate()
    assert memory.recall("home", user_id="ann").cuts == ()


@pytest.mark.parametrize("tokens", [60, 90])
def test_a_fact_that_has_no_room_is_told(open_memory, tokens):
    memory = open_memory(writer=ScriptedWriter())
    say(memory, *(f"Ann.thing{n} = a very long value of the thing number {n}" for n in range(8)))
    memory.consolidate()
    found = memory.recall("thing of Ann", user_id="ann", max_tokens=tokens)
    assert "left out: the part for what is known is full" in {cut.why for cut in found.cuts}
