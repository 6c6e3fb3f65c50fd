"""Without a model consolidation makes episodes and no facts, and answers get no worse for it."""

from pathlib import Path

import pytest

from lightmem_integrations import LightMem
from lightmem_integrations.evaluation.conversations import read

pytestmark = pytest.mark.slow

CONVERSATION = Path(__file__).parents[2] / "examples" / "demo" / "conversation.json"


def place(found, question):
    """Where the first turn stands that answers; behind all others where none does."""
    turns = [turn.id for hit in found.hits for turn in hit.turns]
    return min((turns.index(each) for each in question.evidence if each in turns), default=99)


def shown(found, question):
    """How many of the turns that answer are in the text."""
    turns = {turn.id for hit in found.hits for turn in (*hit.turns, *hit.neighbours)}
    return len(turns & set(question.evidence))


def test_nobody_is_answered_worse_after_a_consolidation_without_a_model():
    with LightMem() as memory:
        people = read(CONVERSATION)
        for person in people:
            for session in person.sessions:
                memory.add(session.turns, user_id=person.user_id, session_id=session.session_id)
        memory.index_pending()
        memory.warm_up()
        asked = [(person.user_id, each) for person in people for each in person.questions]

        def recalls():
            return [memory.recall(each.text, user_id=user, strict=True) for user, each in asked]

        before = recalls()
        report = memory.consolidate(final=True)
        assert (report.facts, report.problems) == (0, ())
        assert report.written >= len(people)
        for (_, question), was, now in zip(asked, before, recalls(), strict=True):
            assert place(now, question) <= place(was, question), question.text
            assert shown(now, question) >= shown(was, question), question.text
