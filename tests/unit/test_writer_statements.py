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
DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "statements.json").read_text("utf-8"))
BY_KIND = json.loads((DATA / "statements_by_kind.json").read_text("utf-8"))


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
    assert len(marked) <= 0.06 * len(right), marked
    assert all(fact.confidence == 0.9 for fact in clean if not fact.doubt)


def test_of_37_kinds_right_facts_are_kept_and_wrong_ones_refused_or_marked():
    """What models get wrong, kind by kind; the levels are those reached, not those wished for."""
    right = [written(case, fact) for case in BY_KIND for fact in case["right"]]
    wrong = [written(case, fact) for case in BY_KIND for fact in case["wrong"]]
    clean = [draft for draft in right if draft.facts and not draft.facts[0].doubt]
    caught = [draft for draft in wrong if not draft.facts or draft.facts[0].doubt]
    assert all(draft.facts for draft in right)
    assert len(clean) >= 0.88 * len(right)
    assert len(caught) >= 0.79 * len(wrong)


@pytest.mark.parametrize(
    ("said", "statement", "doubt"),
    [
        ("I lent Karim my tent.", "Karim lent Rosa his tent.", "its two sides stand"),
        ("It takes 250 grams of butter.", "It takes 250 millilitres of butter.", "a number is of"),
        ("Priya does the invoices and Marc does sales.", "Marc does the invoices.", "told of"),
        ("Just adopted a puppy!", "Rosa adopted a retriever puppy.", "nobody said retriever"),
        ("Half of my students passed.", "Rosa's students passed.", "it was said of a part"),
        ("It's no. 8. Wait, no, no. 18.", "Rosa's address is no. 8.", "it was corrected"),
        ("The twins start in June.", "The twins start in July.", "nobody said july"),
    ],
)
def test_a_doubt_says_what_the_turns_say_otherwise(said, statement, doubt):
    subject = statement.split("'")[0].split()[0]
    case = {"turns": [["user", "Rosa", said]]}
    named = {"Marc": "Marc", "Karim": "Karim", "It": "recipe", "The": "twins"}.get(subject, "Rosa")
    case["turns"][0][2] += " That is the recipe." if named == "recipe" else ""
    draft = written(case, {"subject": named, "statement": statement})
    assert doubt in draft.facts[0].doubt
