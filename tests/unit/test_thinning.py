"""What a writer's model reads of the turns: less, with the numbers of the turns, in their words."""

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightmem_integrations.consolidation.write.model_writer import ModelWriter
from lightmem_integrations.consolidation.write.thin import thinned
from lightmem_integrations.knowledge.drafts import WriterTurn
from scripted_model import ScriptedModel

NOW = dt.datetime(2025, 6, 11, 13, 0, tzinfo=dt.timezone.utc)


def turns(*said):
    """Of texts, Ann's and Ben's in turn, or pairs of a role and a text."""
    pairs = [
        (("user", "Ann", each), ("user", "Ben", each))[place % 2]
        if isinstance(each, str)
        else (each[0], each[0], each[1])
        for place, each in enumerate(said)
    ]
    return [
        WriterTurn(row, role, speaker, text, NOW, 0, row)
        for row, (role, speaker, text) in enumerate(pairs)
    ]


def test_greetings_and_thanks_are_left_out_and_the_others_keep_their_numbers():
    read = turns(
        "Hi Ben! How are you?",
        "Great, thanks Ann! And you?",
        "I have adopted a puppy. Amazing!",
        "Wow, that's awesome!",
        "\N{PARTY POPPER}\N{PARTY POPPER}",
        "Her name is Luna.",
    )
    assert thinned(read)[-2:] == [(2, "I have adopted a puppy."), (5, "Her name is Luna.")]
    assert {place for place, _ in thinned(read)} <= {1, 2, 5}  # an answer may stay


def test_a_short_answer_to_a_question_stays():
    read = turns("Did you really sell the boat?", "Yes!", "Wow!")
    assert thinned(read) == [(0, "Did you really sell the boat?"), (1, "Yes!")]


def test_numbers_and_what_is_no_english_stay():
    read = turns("At 7!", "Ich wohne in Köln.", "来年、京都に引っ越します。", "Ya no bebo café.")
    assert thinned(read) == list(enumerate(turn.text for turn in read))


@pytest.mark.parametrize("said", [
    "Last night was amazing! We had a concert for her birthday.",
    "It was the best, the day before yesterday! We sang in the choir.",
    "Yup! We just did it three days ago! We hiked up the hill.",
])  # fmt: skip
def test_small_talk_stays_where_it_dates_what_stands_beside_it(said):
    ((_, kept),) = thinned(turns(said))
    assert any(each in kept for each in ("Last night", "the day before yesterday", "days ago"))


def test_what_was_said_before_is_left_out():
    pasted = "The meeting is on Thursday in the blue room."
    read = turns(f"{pasted} Come early.", f"{pasted} I will bring cake.", pasted)
    assert thinned(read) == [(0, read[0].text), (1, "I will bring cake.")]


def test_code_is_cut_to_its_first_line():
    code = "```python\ndef rates(year):\n    return {'eur': 1.1}\n\nprint(rates(2024))\n```"
    ((place, text),) = thinned(turns(f"I wrote this for Acme:\n{code}\nIt runs daily."))
    assert (place, text) == (
        0,
        "I wrote this for Acme:\n```def rates(year): ...```\nIt runs daily.",
    )
    open_end = thinned(turns("Look:\n```\nSELECT 1;\nSELECT 2;"))
    assert "SELECT 2" not in open_end[0][1]


def test_a_long_text_is_read_from_its_beginning_and_an_answer_less_far():
    long = " ".join(f"Sentence number {n} is about the harbour." for n in range(200))
    (asked, answered) = thinned(turns(("user", long), ("assistant", long.replace("is", "was"))))
    assert asked[1].startswith("Sentence number 0 is")
    assert 1_800 < len(asked[1]) < 2_010
    assert 1_200 < len(answered[1]) < 1_410
    assert asked[1].endswith("harbour. ...")


def test_quoted_lines_stay_lines_of_their_own():
    text = "He wrote to me:\n> I have sold the boat.\n> It was old.\nI am sad about it."
    assert thinned(turns(text)) == [(0, text)]


@given(st.lists(st.text(max_size=60), max_size=8))
def test_nothing_is_made_up(texts):
    read = turns(*texts)
    kept = thinned(read)
    assert [place for place, _ in kept] == sorted({place for place, _ in kept})
    for place, text in kept:
        assert set(text.split()) <= {*read[place].text.split(), "..."}


def test_it_takes_linear_time():
    def seconds(count):
        read = turns(*(f"Word{n} and word{n + 1} are told. Wow! " * 20 for n in range(count)))
        start = time.perf_counter()
        thinned(read)
        return time.perf_counter() - start

    seconds(20)
    assert seconds(400) < 60 * max(seconds(20), 0.005)


SAID = turns("Hi Ben!", "Hello!", "I have adopted a puppy.", "Wow, awesome!", "Her name is Luna.")


def answer(pointer):
    return {
        "summary": "Ann has adopted a puppy named Luna.",
        "keywords": [],
        "entities": [],
        "facts": [
            {
                "kind": "event", "subject": "Ann", "attribute": "pet", "value": "a puppy",
                "statement": "Ann has adopted a puppy.", "when": "", "turns": [pointer],
            }
        ],
    }  # fmt: skip


def test_a_model_reads_less_and_its_pointers_are_those_to_all_turns():
    model = ScriptedModel(answer(1))
    draft = ModelWriter(model, thin=True).write(SAID)
    prompt = model.asked[0][0][-1]["content"]
    assert "adopted a puppy" in prompt
    assert "awesome" not in prompt
    assert [fact.evidence for fact in draft.facts] == [(2,)]
    assert draft.speakers == ("Ann", "Ben")
    whole = ModelWriter(ScriptedModel(answer(3)))
    assert [fact.evidence for fact in whole.write(SAID).facts] == [(2,)]
    assert "awesome" in whole.model.asked[0][0][-1]["content"]


def test_small_talk_alone_is_an_episode_without_asking_the_model():
    model = ScriptedModel(answer(1))
    draft = ModelWriter(model, thin=True).write(turns("Hi Ben!", "Hello Ann!"))
    assert (model.asked, draft.facts, draft.speakers) == ([], (), ("Ann", "Ben"))
    assert draft.summary
