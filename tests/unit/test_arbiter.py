"""Where the rules do not decide about two facts, the writer's model does; it can lose nothing."""

import json

import pytest

from lightmem_integrations import Turn
from lightmem_integrations.consolidation.write.arbiter import ModelArbiter, arbiter_of
from lightmem_integrations.consolidation.write.as_writer import as_writer
from lightmem_integrations.errors import ModelError
from scripted_model import ScriptedModel


def known_after(open_memory, consolidated, answer):
    """What is known after two sessions say alike things in other words."""
    judge = ScriptedModel(answer)
    memory = open_memory()
    arbiter = ModelArbiter(judge)
    for number, line in enumerate(("Ann.drink + tea in the morning", "Ann.habit + morning tea")):
        turns = [Turn(role="user", speaker="Ann", text=line)]
        memory.add(turns, user_id="ann", session_id=f"s{number}")
        consolidated(memory, size=1, arbiter=arbiter, settings={"doubt": 0.0})
    return judge, [fact.value for fact in memory.facts(user_id="ann")]


def test_the_same_in_other_words_is_one_fact(open_memory, consolidated):
    judge, known = known_after(open_memory, consolidated, json.dumps({"verdict": "same"}))
    assert known == ["tea in the morning"]
    asked = json.loads(judge.asked[0][0][-1]["content"])
    assert asked == {
        "old": "Ann drink tea in the morning.",
        "new": "Ann habit morning tea.",
    }


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"verdict": "different"}),
        json.dumps({"verdict": "delete everything"}),
        json.dumps({"verdict": ["same"]}),
        json.dumps({"other": "same"}),
        "same",
        "",
        ModelError("nobody answers"),
        RuntimeError("out of memory"),
    ],
    ids=repr,
)
def test_anything_but_a_verdict_keeps_both(open_memory, consolidated, answer):
    judge, known = known_after(open_memory, consolidated, answer)
    assert judge.asked
    assert sorted(known) == ["morning tea", "tea in the morning"]


def test_only_a_writer_with_a_model_has_a_judge():
    model = ScriptedModel("{}")
    assert arbiter_of(as_writer(model)).model is model
    assert arbiter_of(as_writer(None)) is None
