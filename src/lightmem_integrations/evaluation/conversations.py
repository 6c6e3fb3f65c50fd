"""Conversations with questions about them, read from LoCoMo's format or from our own."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.records.conversation import Turn

# LoCoMo's own numbering; 1 and 4 are often swapped elsewhere. Category 5 asks about things that
# were never said, so it has no evidence to find and takes no part.
LOCOMO_CATEGORIES: Mapping[int, str] = {
    1: "multi-hop",
    2: "temporal",
    3: "open-domain",
    4: "single-hop",
}
_LOCOMO_DATE = "%I:%M %p on %d %B, %Y"
_LOCOMO_SESSION = re.compile(r"session_(\d+)")
_BETWEEN_IDS = re.compile(r"[;,\s]+")


@dataclass(frozen=True, slots=True)
class Session:
    """The turns of one sitting, oldest first, every one with an id and a time."""

    session_id: str
    turns: tuple[Turn, ...]

    def exchanges(self) -> Iterator[tuple[Turn, ...]]:
        """The turns in the portions in which an agent would add them: question and answers."""
        exchange: list[Turn] = []
        for turn in self.turns:
            if turn.role == "user" and any(earlier.role == "assistant" for earlier in exchange):
                yield tuple(exchange)
                exchange = []
            exchange.append(turn)
        yield tuple(exchange)


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a conversation.

    Attributes:
        text: What is asked.
        answer: The right answer, in words.
        evidence: Ids of the turns that hold the answer; at least one.
        category: What kind of question it is.
    """

    text: str
    answer: str
    evidence: frozenset[str]
    category: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that one user's memory holds, and the questions about it.

    Attributes:
        user_id: The user whose memory it is. Turn ids are unique within it.
        sessions: Its sessions, oldest first.
        questions: The questions that can be judged.
        left_out: Questions of a judged category that cannot be: no evidence is given, or some of
            it names a turn that does not exist.
    """

    user_id: str
    sessions: tuple[Session, ...]
    questions: tuple[Question, ...]
    left_out: int = 0

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of all sessions, oldest first."""
        return tuple(turn for session in self.sessions for turn in session.turns)


def read(path: Path) -> tuple[Conversation, ...]:
    """Read a file of conversations with questions.

    Args:
        path: A JSON file: a list of LoCoMo samples, or an object with ``users`` as in
            ``examples/demo/conversation.json``.

    Returns:
        The conversations, in the order of the file; at least one.

    Raises:
        InvalidRequestError: If the file is missing, is not such JSON, or has nothing to ask.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidRequestError(f"{path} is not JSON: {error}.") from error
    try:
        if isinstance(data, list):
            conversations = tuple(_locomo(sample) for sample in data)
        else:
            conversations = tuple(_of_user(user) for user in data["users"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidRequestError(
            f"{path} is neither a list of LoCoMo samples nor an object with 'users' as in the "
            f"examples/demo/conversation.json: {type(error).__name__}: {error}."
        ) from error
    if not any(conversation.questions for conversation in conversations):
        raise InvalidRequestError(f"{path} holds no question whose evidence can be looked for.")
    return conversations


def _locomo(sample: Mapping[str, Any]) -> Conversation:
    """One LoCoMo sample. Its first speaker takes the user's place, the second the assistant's."""
    talk = sample["conversation"]
    numbers = sorted(int(found[1]) for key in talk if (found := _LOCOMO_SESSION.fullmatch(key)))
    sessions = []
    for number in numbers:
        name = f"session_{number}"
        start = _locomo_time(talk[f"{name}_date_time"])
        turns = tuple(
            Turn(
                id=turn["dia_id"],
                role="user" if turn["speaker"] == talk["speaker_a"] else "assistant",
                speaker=turn["speaker"],
                # Only the session is dated; seconds keep the order of its turns.
                time=start + dt.timedelta(seconds=position),
                text=_locomo_text(turn),
            )
            for position, turn in enumerate(talk[name])
        )
        sessions.append(Session(name, turns))
    asked = [
        (
            each["question"],
            str(each.get("answer", "")),
            _locomo_evidence(each["evidence"]),
            LOCOMO_CATEGORIES[each["category"]],
        )
        for each in sample["qa"]
        if each["category"] in LOCOMO_CATEGORIES
    ]
    return _conversation(sample["sample_id"], sessions, asked)


def _locomo_text(turn: Mapping[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['text']} [shares image: {caption}]" if caption else str(turn["text"])


def _locomo_time(written: str) -> dt.datetime:
    """The start of a session, such as "1:56 pm on 8 May, 2023". No zone is given: UTC is taken."""
    try:
        return dt.datetime.strptime(written, _LOCOMO_DATE).replace(tzinfo=dt.timezone.utc)
    except ValueError as error:
        raise InvalidRequestError(
            f"The session time {written!r} is not of the form '1:56 pm on 8 May, 2023'."
        ) from error


def _locomo_evidence(entries: Iterable[str]) -> list[str]:
    """Turn ids; some entries hold several of them ("D8:6; D9:17")."""
    return [part for entry in entries for part in _BETWEEN_IDS.split(entry) if part]


def _of_user(user: Mapping[str, Any]) -> Conversation:
    """One entry of ``users`` in a file of our own format.

    Raises:
        InvalidRequestError: A time is not of ISO 8601's form, or a turn's id is there twice.
    """
    sessions = [
        Session(
            each["session_id"],
            tuple(
                Turn(
                    id=turn["id"],
                    role=turn["role"],
                    speaker=turn.get("speaker"),
                    time=_iso_time(turn["time"]),
                    text=turn["text"],
                )
                for turn in each["turns"]
            ),
        )
        for each in user["sessions"]
    ]
    asked = [
        (each["question"], str(each["answer"]), list(each["evidence"]), each["kind"])
        for each in user["questions"]
    ]
    return _conversation(user["user_id"], sessions, asked)


def _iso_time(written: str) -> dt.datetime:
    try:
        # Python 3.10 does not read the "Z" of UTC.
        return dt.datetime.fromisoformat(written.replace("Z", "+00:00"))
    except ValueError as error:
        raise InvalidRequestError(f"The time {written!r} is not of ISO 8601's form.") from error


def _conversation(
    user_id: str,
    sessions: Sequence[Session],
    asked: Sequence[tuple[str, str, list[str], str]],
) -> Conversation:
    ids = [turn.id for session in sessions for turn in session.turns]
    known = set(ids)
    if len(known) != len(ids):
        raise InvalidRequestError(f"Conversation {user_id!r} uses a turn id twice.")
    questions = tuple(
        Question(text, answer, frozenset(evidence), category)
        for text, answer, evidence, category in asked
        if evidence and known.issuperset(evidence)
    )
    return Conversation(user_id, tuple(sessions), questions, len(asked) - len(questions))
