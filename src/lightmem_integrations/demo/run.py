"""The demo: two people talk, both frameworks answer from memory, nobody sees another's words."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lightmem_integrations.demo.agents import (
    LANGCHAIN,
    LLAMA_INDEX,
    PLAIN,
    Agent,
    installed,
    langchain_agent,
    llama_index_agent,
    plain_agent,
)
from lightmem_integrations.demo.load import Person
from lightmem_integrations.demo.observed import ObservedMemory
from lightmem_integrations.errors import LightMemError
from lightmem_integrations.evaluation.conversations import Question
from lightmem_integrations.records.conversation import Hit, Recall
from lightmem_integrations.records.knowledge import Evidence, Fact

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_SHOWN_FACTS = 3  # a guess

Choice = Literal["both", "langchain", "llama-index"]


@dataclass(frozen=True, slots=True)
class Told:
    """Totals of the turns stored before anything is asked.

    Attributes:
        people: How many people talked.
        sessions: In how many sessions.
        turns: How many turns there were.
        seconds: Time of all calls of ``add`` together.
        indexing_seconds: Time after that until every turn had its vector.
    """

    people: int
    sessions: int
    turns: int
    seconds: float
    indexing_seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One agent's answer to one question.

    Attributes:
        framework: Whose agent.
        text: Its answer.
        milliseconds: Time of the whole run of the agent.
        recall: What came back from memory for it.
        foreign: Turns of another person among that. Always 0, or isolation is broken.
    """

    framework: str
    text: str
    milliseconds: float
    recall: Recall
    foreign: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, who asked it, whom it is about, and the answers.

    Attributes:
        asker: The person who asks, and in whose memory is looked.
        about: The person whom the question is about.
        question: The question, with its right answer and its evidence.
        answers: One for each framework.
    """

    asker: Person
    about: Person
    question: Question
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that was asked.

    Attributes:
        asked: Questions of people about themselves.
        crossed: Questions of people about each other.
    """

    asked: tuple[Asked, ...]
    crossed: tuple[Asked, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every answer to every question."""
        return tuple(each for one in (*self.asked, *self.crossed) for each in one.answers)

    @property
    def foreign(self) -> int:
        """Turns of another person that were recalled, over all questions."""
        return sum(answer.foreign for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Learned:
    """Facts made of one person's turns.

    Attributes:
        count: How many facts are known.
        latest: The few of them that became true last.
        evidence: A turn that proves the last of these.
    """

    count: int
    latest: tuple[Fact, ...]
    evidence: Evidence | None


def has_evidence(question: Question, recall: Recall) -> bool:
    """True if all evidence of the question came into the prompt."""
    return question.evidence <= {each for hit in recall.hits for each in shown_turns(hit)}


def shown_turns(hit: Hit) -> frozenset[str]:
    """Ids of the turns that a hit brought into the prompt."""
    return frozenset(turn.id or "" for turn in (*hit.turns, *hit.neighbours))


def agents(
    memory: ObservedMemory, choice: Choice, model: BaseChatModel | None = None
) -> Mapping[str, Agent]:
    """The agents that are asked, by framework.

    Args:
        memory: The store behind them.
        choice: Which frameworks. With ``both``, one that is not installed is left out; if neither
            is, recall is quoted from without a framework.
        model: Chat model of the LangChain agent; ``None`` for the one that only quotes.

    Raises:
        MissingExtraError: If a framework asked for by name is not installed.
    """
    found: dict[str, Agent] = {}
    if choice == "langchain" or (choice == "both" and installed(LANGCHAIN)):
        found[LANGCHAIN] = langchain_agent(memory, model)
    if choice == "llama-index" or (choice == "both" and installed(LLAMA_INDEX)):
        found[LLAMA_INDEX] = llama_index_agent(memory)
    return found or {PLAIN: plain_agent(memory)}


def tell(memory: ObservedMemory, everybody: Sequence[Person]) -> Told:
    """Add the conversations, one call for each exchange, and wait until they are indexed."""
    start = time.perf_counter()
    turns = 0
    for person in everybody:
        for session in person.sessions:
            for exchange in session.exchanges():
                memory.add(exchange, user_id=person.user_id, session_id=session.session_id)
                turns += len(exchange)
    added = time.perf_counter()
    memory.index_pending()
    memory.questions_only = True
    return Told(
        people=len(everybody),
        sessions=sum(len(person.sessions) for person in everybody),
        turns=turns,
        seconds=added - start,
        indexing_seconds=time.perf_counter() - added,
    )


def ask_all(
    memory: ObservedMemory,
    by_framework: Mapping[str, Agent],
    everybody: Sequence[Person],
    *,
    questions: int,
    on_asked: Callable[[Asked], None] = lambda _: None,
) -> Outcome:
    """Ask everybody's questions in new sessions, then questions about the others.

    Args:
        memory: The store, with the conversations in it.
        by_framework: Who answers.
        everybody: Who asks.
        questions: How many questions each person asks.
        on_asked: Called after each question that a person asked about themselves.
    """
    # The first run of an agent imports and compiles what later runs find ready.
    for agent in by_framework.values():
        agent(everybody[0].user_id, _new_session(), "Hello?")

    def ask(asker: Person, about: Person, question: Question) -> Asked:
        foreign = {turn_id for each in everybody if each is not asker for turn_id in each.turn_ids}
        answers = tuple(
            _answer(memory, framework, agent, asker.user_id, question.text, foreign)
            for framework, agent in by_framework.items()
        )
        return Asked(asker, about, question, answers)

    asked = []
    for person in everybody:
        for question in person.questions[:questions]:
            asked.append(ask(person, person, question))
            on_asked(asked[-1])
    crossed = tuple(
        ask(asker, about, about.questions[0])
        for asker, about in itertools.permutations(everybody, 2)
    )
    return Outcome(asked=tuple(asked), crossed=crossed)


def learned(memory: ObservedMemory, person: Person) -> Learned:
    """A person's facts after consolidation: the latest, and evidence of the last one."""
    facts = memory.facts(user_id=person.user_id)
    latest = sorted(facts, key=lambda fact: fact.valid_from)[-_SHOWN_FACTS:]
    evidence = memory.explain(latest[-1].id, user_id=person.user_id).evidence if latest else ()
    return Learned(len(facts), tuple(latest), evidence[0] if evidence else None)


def _answer(
    memory: ObservedMemory,
    framework: str,
    agent: Agent,
    user_id: str,
    question: str,
    foreign: Collection[str],
) -> Answer:
    before = len(memory.recalls)
    start = time.perf_counter()
    text = agent(user_id, _new_session(), question)
    milliseconds = (time.perf_counter() - start) * 1_000
    # An agent may ask its memory more than once; each time counts.
    recalls = [found for _, found in memory.recalls[before:]]
    if not recalls:
        raise LightMemError(f"The {framework} agent did not ask its memory {question!r}.")
    seen = {turn for found in recalls for hit in found.hits for turn in shown_turns(hit)}
    return Answer(framework, text, milliseconds, recalls[0], len(seen.intersection(foreign)))


def _new_session() -> str:
    return f"asked-{uuid.uuid4().hex[:12]}"
