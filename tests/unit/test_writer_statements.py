"""What an excellent model writes is kept, whatever its kind; what is wrong is refused or marked.

The statements are our own (`tests/data/statements.json`): dialogues with what can be known from
them, and with what a model gets wrong of such.
"""

import datetime as dt
import json
from pathlib import Path

import pytest

from lightmem_integrations.consolidation.write.model_writer import ModelWriter
from lightmem_integrations.knowledge.drafts import WriterTurn
from scripted_model import ScriptedModel

NOW = dt.datetime(2025, 6, 11, 13, 0, tzinfo=dt.timezone.utc)  # a Wednesday
CASES = json.loads((Path(__file__).parents[1] / "data" / "statements.json").read_text("utf-8"))


def written(case, fact, **options):
    turns = [
        WriterTurn(row, role, speaker, text, NOW, 0, row)
        for row, (role, speaker, text) in enumerate(case["turns"])
    ]
    whole = {
        "kind": "state", "attribute": "what", "value": fact["statement"], "turns": [1],
    } | fact  # fmt: skip
    answer = {
        "summary": "They talk: " + turns[0].text.strip("> "),
        "keywords": [],
        "entities": [],
        "facts": [whole],
    }
    return ModelWriter(ScriptedModel(answer), **options).write(turns)


def each(which):
    return [
        pytest.param(case, fact, id=f"{case['name']}: {fact['statement']}")
        for case in CASES
        for fact in case.get(which, ())
    ]


@pytest.mark.parametrize(("case", "fact"), each("right"))
def test_a_right_fact_is_kept(case, fact):
    draft = written(case, fact)
    assert draft.rejected == ()
    assert draft.facts[0].statement == fact["statement"]


@pytest.mark.parametrize(("case", "fact"), each("wrong"))
def test_a_wrong_fact_is_refused_or_marked_with_the_reason(case, fact):
    draft = written(case, fact)
    assert draft.rejected or draft.facts[0].doubt
    assert all(kept.confidence <= 0.5 for kept in draft.facts)


@pytest.mark.xfail(strict=True, reason="no word tells it")
@pytest.mark.parametrize(("case", "fact"), each("missed"))
def test_what_is_still_missed(case, fact):
    draft = written(case, fact)
    assert not draft.facts or draft.facts[0].doubt


def test_hardly_a_right_fact_is_marked():
    right = [(case, fact) for case in CASES for fact in case["right"]]
    clean = [written(case, fact).facts[0] for case, fact in right]
    marked = [fact.statement for fact in clean if fact.doubt]
    assert len(marked) <= 0.1 * len(right), marked
    assert all(fact.confidence == 0.9 for fact in clean if not fact.doubt)
