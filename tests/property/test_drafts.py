"""Whatever was said and whatever a model answers: no turn is lost, no draft points astray."""

import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lightmem_integrations.consolidation.segment import SegmentSettings, segment
from lightmem_integrations.consolidation.write.extractive import ExtractiveWriter
from lightmem_integrations.consolidation.write.model_writer import ModelWriter
from lightmem_integrations.errors import ModelOutputError
from lightmem_integrations.knowledge.drafts import WriterTurn

START = dt.datetime(2025, 6, 1, tzinfo=dt.timezone.utc)
PIECES = [
    "I live in Lisbon. ",
    "I no longer work at Acme",
    "last Friday",
    " and I ",
    "my sister Lena",
    "I love jazz, but ",
    '"',
    "> ",
    "```",
    "[",
    ": ",
    "?",
    "Dr. ",
    "@ana ",
    "5 May ",
    "don't ",
    "\n",
    "\u2019",
    "\u200d",
    "if ",
    "Ben ",
]
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=12).map("".join)
speakers = st.sampled_from(["Ana", "Ben", "user", "assistant", "", "Dr. Vogel", "\u0130"])


@st.composite
def said(draw, size=14):
    count = draw(st.integers(0, size))
    return [
        WriterTurn(
            row=row,
            role=draw(st.sampled_from(["user", "assistant", "tool"])),
            speaker=draw(speakers),
            text=draw(texts),
            time=START + dt.timedelta(minutes=draw(st.integers(-5_000, 5_000))),
            session=0,
            position=row,
        )
        for row in range(count)
    ]


@st.composite
def streams(draw):
    count = draw(st.integers(0, 60))
    rows = draw(st.permutations(range(count)))
    return [
        WriterTurn(
            row=row,
            role="user",
            speaker="Ana",
            text="",
            time=START + dt.timedelta(hours=draw(st.integers(-20, 20))),
            session=draw(st.integers(0, 3)),
            position=draw(st.integers(0, 40)),
            vector=draw(
                st.sampled_from([None, *np.eye(4, dtype=np.float32), np.zeros(4, np.float32)])
            ),
        )
        for row in rows
    ]


@pytest.mark.slow
@given(
    streams(), st.booleans(), st.integers(1, 9), st.integers(1, 50), st.integers(1, 12),
    st.floats(-3, 3),
)  # fmt: skip
def test_every_turn_is_in_one_place_and_sessions_keep_their_order(
    turns, final, shortest, longest, window, shift
):
    chosen = SegmentSettings(shortest=shortest, longest=longest, window=window, shift=shift)
    found = segment(turns, final=final, settings=chosen)
    placed = [turn for episode in (*found.closed, found.open) for turn in episode]
    assert sorted(turn.row for turn in placed) == sorted(turn.row for turn in turns)
    for session in {turn.session for turn in turns}:
        order = [(turn.position, turn.row) for turn in placed if turn.session == session]
        assert order == sorted(order)
    for episode in found.closed:
        assert episode
        assert len(episode) <= longest
        assert len({turn.session for turn in episode}) == 1
    assert not (final and found.open)
    again = segment(list(reversed(turns)), final=final, settings=chosen)
    assert [[turn.row for turn in each] for each in again.closed] == [
        [turn.row for turn in each] for each in found.closed
    ]


@settings(deadline=None)
@example([WriterTurn(0, "user", "Ana", "0my sister Lena", START, session=0, position=0)])
@given(said())
def test_the_extractive_writer_invents_nothing_and_points_at_turns(turns):
    draft = ExtractiveWriter().write(turns)
    everything = " ".join(" ".join(turn.text.split()) for turn in turns).lower()
    for word in draft.keywords:
        assert word.lower() in everything.replace("\u2019", "'") or not word.isascii()
    for fact in draft.facts:
        assert fact.evidence
        assert fact.subject
        assert fact.value
        assert fact.statement.endswith(".")
        assert all(0 <= pointer < len(turns) for pointer in fact.evidence)
        assert all(turns[pointer].role != "tool" for pointer in fact.evidence)
        if fact.valid_from and fact.valid_to:
            assert fact.valid_from <= fact.valid_to


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 9), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
keys = ("subject", "attribute", "value", "statement", "when", "turns")
sensible = st.one_of(
    st.sampled_from(
        ["Ana", "Ben", "user", "home", "Lisbon", "Ana lives in Lisbon.", "last Friday"]
    ),
    values,
)
facts = st.fixed_dictionaries(dict.fromkeys(keys, sensible)) | values
answers = (
    st.fixed_dictionaries(
        {
            "summary": st.sampled_from(["Ana lives in Lisbon.", "x"]) | values,
            "keywords": st.lists(sensible, max_size=5) | values,
            "entities": st.lists(sensible, max_size=5) | values,
            "facts": st.lists(facts, max_size=6) | values,
        }
    )
    | values
)


class Model:
    name = "fake"

    def __init__(self, text):
        self.text = text
        self.prompt_tokens = self.completion_tokens = 1

    def complete(self, *args, **options):
        return self


@pytest.mark.slow
@settings(deadline=None)
@given(said().filter(bool), answers)
def test_whatever_a_model_answers_is_checked_or_refused(turns, answer):
    try:
        draft = ModelWriter(Model(json.dumps(answer))).write(turns)
    except ModelOutputError:
        return
    names = {name.lower() for name in draft.entities} | {turn.speaker.lower() for turn in turns}
    draft.summary.encode()
    for fact in draft.facts:
        assert fact.subject.lower() in names | {"user"}
        assert fact.evidence
        assert all(type(pointer) is int and 0 <= pointer < len(turns) for pointer in fact.evidence)
        f"{fact.value}{fact.statement}{fact.attribute}".encode()
