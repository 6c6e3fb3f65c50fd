"""The demo conversation as records: who says what in which session, and what is asked about it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from lightmem_integrations.records.conversation import Turn


@dataclass(frozen=True, slots=True)
class DemoSession:
    """One sitting.

    Attributes:
        session_id: Its id.
        turns: What was said, oldest first.
    """

    session_id: str
    turns: tuple[Turn, ...]

    def exchanges(self) -> Iterator[tuple[Turn, ...]]:
        """The turns in the portions in which an agent would add them: question and answers."""
        exchange: list[Turn] = []
        for turn in self.turns:
            if turn.role == "user" and any(each.role == "assistant" for each in exchange):
                yield tuple(exchange)
                exchange = []
            exchange.append(turn)
        yield tuple(exchange)


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A question about what a person said.

    Attributes:
        text: The question.
        answer: The right answer.
        evidence: Ids of the turns that hold it.
        kind: ``single-hop``, ``temporal``, ``update``, ``multi-hop`` or ``inference``.
        in_demo: Whether it is one of the few that the demo asks first.
    """

    text: str
    answer: str
    evidence: frozenset[str]
    kind: str
    in_demo: bool


@dataclass(frozen=True, slots=True)
class Person:
    """An invented user.

    Attributes:
        user_id: Under which the memory is kept.
        name: First name.
        sessions: All that was said, oldest first.
        questions: About what was said; those of the demo first.
    """

    user_id: str
    name: str
    sessions: tuple[DemoSession, ...]
    questions: tuple[DemoQuestion, ...]

    @property
    def turn_ids(self) -> frozenset[str]:
        """Ids of everything said in this person's sessions."""
        return frozenset(turn.id or "" for each in self.sessions for turn in each.turns)


def people() -> tuple[Person, ...]:
    """The invented users of ``conversation.json``."""
    file = resources.files("lightmem_integrations.demo") / "conversation.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    return tuple(_person(each) for each in data["users"])


def _person(data: dict[str, Any]) -> Person:
    questions = (
        DemoQuestion(
            text=each["question"],
            answer=each["answer"],
            evidence=frozenset(each["evidence"]),
            kind=each["kind"],
            in_demo=each.get("demo", False),
        )
        for each in data["questions"]
    )
    return Person(
        user_id=data["user_id"],
        name=data["name"],
        sessions=tuple(
            DemoSession(each["session_id"], tuple(map(_turn, each["turns"])))
            for each in data["sessions"]
        ),
        questions=tuple(sorted(questions, key=lambda question: not question.in_demo)),
    )


def _turn(data: dict[str, Any]) -> Turn:
    return Turn(
        id=data["id"],
        role=data["role"],
        speaker=data["speaker"],
        time=dt.datetime.fromisoformat(data["time"]),
        text=data["text"],
    )
