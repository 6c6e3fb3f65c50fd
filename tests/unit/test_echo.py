"""What an agent repeats of what it was shown is no new evidence of it, however often."""

import datetime as dt
import re

import pytest

from lightmem_integrations import Turn
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft
from lightmem_integrations.testing import ScriptedWriter

pytestmark = pytest.mark.slow

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
ROUNDS = 50
TOLD = "Ann.home = Lisbon", "Ann.likes + tea", "event Ann.visit + Porto since 2025-04-20"
ASKED = "Where does Ann live?", "What likes Ann?", "What visit did Ann make, and of what city?"
NOTED = re.compile(r"(?:event )?\w+\.\w+ [=+] \w+(?: since [\d-]+)?")


class Believing:
    """A Writer that takes all it reads for facts: whatever is known, whoever repeats it.

    Where a turn holds the value of a known fact, it notes that fact again, in words of its own;
    with ``sure`` it says by its number that it confirms it.
    """

    name = "believing"

    def __init__(self, *, sure):
        self.sure = sure
        self.noted = 0

    def write(self, turns, *, before=(), known=()):
        first = ScriptedWriter().write(turns)
        again = [
            FactDraft(
                subject=fact.subject, attribute=fact.attribute, value=fact.value, kind=fact.kind,
                statement=f"{fact.statement} {'It was said again.' if self.sure else ''}".strip(),
                evidence=(place,), entities=(fact.subject, fact.value),
                relation="confirms" if self.sure else None, known=number if self.sure else None,
            )
            for place, turn in enumerate(turns)
            for number, fact in enumerate(known)
            if fact.value in turn.text
        ]  # fmt: skip
        self.noted += len(again)
        return EpisodeDraft(summary=first.summary, facts=(*first.facts, *again))


def told(memory):
    memory.add(
        [Turn(role="user", speaker="Ann", text=text, time=MAY) for text in TOLD],
        user_id="ann", session_id="first",
    )  # fmt: skip
    memory.consolidate()
    return memory


def believed(memory):
    return sorted(
        (
            fact.statement,
            round(fact.confidence, 3),
            len(memory.explain(fact.id, user_id="ann").evidence),
        )
        for fact in memory.facts(user_id="ann", include_past=True)
    )


def rounds(memory, role="assistant"):
    """Ann asks, and is answered with what the recall shows; or says it all again herself."""
    for number in range(ROUNDS):
        question = ASKED[number % len(ASKED)]
        shown = dict.fromkeys(NOTED.findall(memory.recall(question, user_id="ann").text))
        assert shown, "nothing was recalled that could be repeated"
        when = MAY + dt.timedelta(hours=number + 1)
        memory.add(
            [
                Turn(role="user", speaker="Ann", text=question, time=when),
                Turn(role=role, text="\n".join(shown), time=when + dt.timedelta(seconds=1)),
            ],
            user_id="ann", session_id=f"s{number}",
        )  # fmt: skip
        report = memory.consolidate()
        assert (report.failed, report.written) == (0, 1)


@pytest.mark.parametrize(
    "writer",
    [ScriptedWriter(), Believing(sure=True), Believing(sure=False)],
    ids=["notes", "sure", "unsure"],
)
def test_an_agent_that_repeats_what_it_was_shown_proves_nothing(open_memory, writer):
    memory = told(open_memory(writer=writer))
    before = believed(memory)
    assert len(before) == len(TOLD)
    rounds(memory)
    assert believed(memory) == before
    if isinstance(writer, Believing):
        assert writer.noted >= ROUNDS


def test_what_the_user_says_again_is_new_evidence(open_memory):
    memory = told(open_memory(writer=ScriptedWriter()))
    before = believed(memory)
    rounds(memory, role="user")
    after = believed(memory)
    assert [each[0] for each in after] == [each[0] for each in before]
    assert any(new[1] > old[1] and new[2] > old[2] for new, old in zip(after, before, strict=True))


REWORDED = {
    "Ann lives in Lisbon.": "Lisbon is where Ann lives.",
    "Ann works at Acme as an engineer.": "Ann is an engineer employed by Acme.",
}


class Rewording:
    """A Writer that is shown nothing known, and notes what the assistant says in other words."""

    name = "rewording"

    def write(self, turns):
        facts = [
            FactDraft(
                subject="Ann", attribute=f"{turn.role} said", value=text[:-1], statement=text,
                evidence=(place,), entities=tuple(re.findall(r"Ann|Lisbon|Acme", statement)),
            )
            for place, turn in enumerate(turns)
            for statement, reworded in REWORDED.items()
            if statement in turn.text
            for text in [statement if turn.role == "user" else reworded]
        ]  # fmt: skip
        return EpisodeDraft(summary="Ann talks.", facts=tuple(facts))


def test_nor_does_an_agent_that_is_noted_in_other_words(open_memory):
    memory = open_memory(embedder=None, writer=Rewording())
    statements = " ".join(REWORDED)
    memory.add(Turn(role="user", text=statements, time=MAY), user_id="ann", session_id="first")
    memory.consolidate()
    before = believed(memory)
    assert [each[0] for each in before] == sorted(REWORDED)
    for number in range(ROUNDS):
        when = MAY + dt.timedelta(hours=number + 1)
        memory.add(
            [
                Turn(role="user", text="What do you know of me?", time=when),
                Turn(role="assistant", text=statements, time=when + dt.timedelta(seconds=1)),
            ],
            user_id="ann", session_id=f"s{number}",
        )  # fmt: skip
        assert memory.consolidate().written == 1
    assert believed(memory) == before
