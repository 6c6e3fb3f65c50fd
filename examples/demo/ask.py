"""The conversations told, and questions put to the agents: what they answer and were shown."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agents import Agent
from lightmem_integrations.errors import LightMemError
from lightmem_integrations.evaluation.conversations import Conversation, Question
from lightmem_integrations.records.conversation import Recall
from observed import ObservedMemory


@dataclass(frozen=True, slots=True)
class Answer:
    """One agent's answer to one question.

    Attributes:
        framework: Whose agent.
        asker: The conversation of the person who asks, and in whose memory is looked.
        question: The question, with its right answer and its evidence.
        text: The agent's answer.
        milliseconds: Time of the whole run of the agent.
        recalls: What came back from memory for it; an agent may ask more than once.
        strangers: Ids of the turns of everybody else.
    """

    framework: str
    asker: Conversation
    question: Question
    text: str
    milliseconds: float
    recalls: tuple[Recall, ...]
    strangers: frozenset[str]

    @property
    def turns(self) -> frozenset[str]:
        """Ids of the turns that came into the prompt."""
        return frozenset(
            turn.id or ""
            for recall in self.recalls
            for hit in recall.hits
            for turn in (*hit.turns, *hit.neighbours)
        )

    @property
    def complete(self) -> bool:
        """True if all evidence of the question came into the prompt."""
        return self.question.evidence <= self.turns

    @property
    def foreign(self) -> int:
        """How many turns of other people came into it. Always 0, or isolation is broken."""
        return len(self.turns & self.strangers)


def tell(memory: ObservedMemory, people: Iterable[Conversation]) -> tuple[float, float]:
    """Add the conversations, one call for each exchange, and wait until they are indexed.

    Returns:
        Seconds of adding, and seconds after that until every turn had its vector.
    """
    start = time.perf_counter()
    for person in people:
        for session in person.sessions:
            for exchange in session.exchanges():
                memory.add(exchange, user_id=person.user_id, session_id=session.session_id)
    added = time.perf_counter()
    memory.index_pending()
    memory.questions_only = True
    return added - start, time.perf_counter() - added


def warm_up(agents: Mapping[str, Agent], person: Conversation) -> None:
    """The first run of each agent, which imports and compiles what later runs find ready."""
    for agent in agents.values():
        agent(person.user_id, _new_session(), "Hello?")


def ask(
    memory: ObservedMemory,
    agents: Mapping[str, Agent],
    question: Question,
    *,
    asker: Conversation,
    others: Iterable[Conversation],
) -> tuple[Answer, ...]:
    """Every agent's answer to one question, each in a new session.

    Args:
        memory: The store, with the conversations in it.
        agents: Who answers, by framework.
        question: What is asked.
        asker: In whose memory is looked.
        others: People of whom nothing may be shown.

    Raises:
        LightMemError: An agent did not ask its memory.
    """
    strangers = frozenset(turn.id or "" for other in others for turn in other.turns)
    answers = []
    for framework, agent in agents.items():
        before = len(memory.recalls)
        start = time.perf_counter()
        text = agent(asker.user_id, _new_session(), question.text)
        milliseconds = (time.perf_counter() - start) * 1_000
        recalls = tuple(found for _, found in memory.recalls[before:])
        if not recalls:
            raise LightMemError(f"The {framework} agent did not ask its memory {question.text!r}.")
        answers.append(Answer(framework, asker, question, text, milliseconds, recalls, strangers))
    return tuple(answers)


def _new_session() -> str:
    return f"asked-{uuid.uuid4().hex[:12]}"
