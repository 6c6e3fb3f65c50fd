"""The two invented people of the demo: what they say, session by session, and the questions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from lightmem_integrations.evaluation.conversations import Question, Session, of_user


@dataclass(frozen=True, slots=True)
class Person:
    """An invented user.

    Attributes:
        user_id: Under which the memory is kept.
        name: First name.
        sessions: All that was said, oldest first.
        questions: About what was said; the few that the demo asks come first.
    """

    user_id: str
    name: str
    sessions: tuple[Session, ...]
    questions: tuple[Question, ...]

    @property
    def turn_ids(self) -> frozenset[str]:
        """Ids of everything said in this person's sessions."""
        return frozenset(turn.id or "" for each in self.sessions for turn in each.turns)


def people() -> tuple[Person, ...]:
    """The invented users of ``conversation.json``."""
    file = resources.files("lightmem_integrations.demo") / "conversation.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    return tuple(_person(user) for user in data["users"])


def _person(user: dict[str, Any]) -> Person:
    conversation = of_user(user)
    first = {asked["question"] for asked in user["questions"] if asked.get("demo")}
    questions = sorted(conversation.questions, key=lambda question: question.text not in first)
    return Person(user["user_id"], user["name"], conversation.sessions, tuple(questions))
