"""Conversations with questions about them, read from LoCoMo's form or from our own."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.records.conversation import Turn

# LoCoMo's own numbering; 1 and 4 are often swapped elsewhere.
LOCOMO_CATEGORIES: Mapping[int, str] = {
    1: "multi-hop",
    2: "temporal",
    3: "open-domain",
    4: "single-hop",
    5: "adversarial",
}
UNANSWERABLE = frozenset({"adversarial", "abstention"})
"""Categories about what was never said: LoCoMo's and BEAM's names. There is nothing to find."""

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
        answer: The right answer, in words; empty if none is given.
        evidence: Ids of the turns that hold the answer; at least one, if it has one.
        category: What kind of question it is.
        until: When it is asked: what is said then or later does not exist for it. ``None`` if all
            does.
        rubric: What a good answer says, point by point; empty where the data has none.
    """

    text: str
    answer: str
    evidence: frozenset[str]
    category: str
    until: dt.datetime | None = None
    rubric: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that one user's memory holds, and the questions about it.

    Attributes:
        user_id: The user whose memory it is. Turn ids are unique within it.
        sessions: Its sessions, oldest first.
        questions: The questions that can be judged.
        left_out: Questions that cannot be, though they have an answer: no evidence is given, or
            some of it names a turn that does not exist when it is asked.
        unanswerable: Questions about what was never said.
    """

    user_id: str
    sessions: tuple[Session, ...]
    questions: tuple[Question, ...]
    left_out: int = 0
    unanswerable: tuple[Question, ...] = ()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of all sessions, oldest first."""
        return tuple(turn for session in self.sessions for turn in session.turns)


class _Asked(NamedTuple):
    """A question as a file has it."""

    text: str
    answer: str
    evidence: list[str]
    category: str
    asked_at: str | None
    rubric: tuple[str, ...]


def read(path: Path) -> tuple[Conversation, ...]:
    """Read a file of conversations with questions.

    Args:
        path: A JSON file, plain or gzipped: a list of samples in LoCoMo's form, whose turns may
            have a ``role`` and whose questions an ``asked_at``, the id of the turn that asks; or
            an object with ``users``, as docs/evaluation.md describes it.

    Returns:
        The conversations, in the order of the file; at least one.

    Raises:
        InvalidRequestError: If the file is missing, is not such JSON, or has nothing to ask.
    """
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequestError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from error
    except ValueError as error:
        raise InvalidRequestError(f"{path} is not JSON: {error}.") from error
    try:
        if isinstance(data, list):
            conversations = tuple(_locomo(sample) for sample in data)
        else:
            conversations = tuple(_of_user(user) for user in data["users"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidRequestError(
            f"{path} is neither a list of LoCoMo samples nor an object with 'users' as in "
            f"docs/evaluation.md: {type(error).__name__}: {error}."
        ) from error
    if not any(conversation.questions for conversation in conversations):
        raise InvalidRequestError(f"{path} holds no question whose evidence can be looked for.")
    return conversations


def _locomo(sample: Mapping[str, Any]) -> Conversation:
    """One sample of LoCoMo's form.

    Without roles, the first speaker takes the user's place and the second the assistant's.
    """
    talk = sample["conversation"]
    numbers = [int(found[1]) for key in talk if (found := _LOCOMO_SESSION.fullmatch(key))]
    dated = sorted((_locomo_time(talk[f"session_{each}_date_time"]), each) for each in numbers)
    sessions = []
    last = dt.datetime.min.replace(tzinfo=dt.timezone.utc)
    for start, number in dated:
        turns = []
        for position, turn in enumerate(talk[f"session_{number}"]):
            # Only the session is dated; seconds keep the order of its turns. One that goes on when
            # the next has begun pushes that back: what stands before a question is what is earlier.
            last = max(start + dt.timedelta(seconds=position), last + dt.timedelta(milliseconds=1))
            turns.append(_locomo_turn(turn, talk["speaker_a"], last))
        sessions.append(Session(f"session_{number}", tuple(turns)))
    asked = [
        _asked(
            each,
            # Some entries hold several ids ("D8:6; D9:17").
            [part for entry in each["evidence"] for part in _BETWEEN_IDS.split(entry) if part],
            LOCOMO_CATEGORIES.get(each["category"], str(each["category"])),
        )
        for each in sample["qa"]
    ]
    return _conversation(sample["sample_id"], sessions, asked)


def _locomo_turn(turn: Mapping[str, Any], first_speaker: str, time: dt.datetime) -> Turn:
    speaker, role, caption = turn["speaker"], turn.get("role"), turn.get("blip_caption")
    return Turn(
        id=turn["dia_id"],
        role=role or ("user" if speaker == first_speaker else "assistant"),
        # "user" is nobody's name.
        speaker=None if speaker == role else speaker,
        time=time,
        text=f"{turn['text']} [shares image: {caption}]" if caption else str(turn["text"]),
    )


def _locomo_time(written: str) -> dt.datetime:
    """The start of a session, such as "1:56 pm on 8 May, 2023". No zone is given: UTC is taken."""
    try:
        return dt.datetime.strptime(written, _LOCOMO_DATE).replace(tzinfo=dt.timezone.utc)
    except ValueError as error:
        raise InvalidRequestError(
            f"The session time {written!r} is not of the form '1:56 pm on 8 May, 2023'."
        ) from error


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
        _asked(each, list(each["evidence"]), each.get("kind", "question"))
        for each in user["questions"]
    ]
    return _conversation(user["user_id"], sessions, asked)


def _asked(given: Mapping[str, Any], evidence: list[str], category: str) -> _Asked:
    answer = given.get("answer")
    words = "" if answer is None else str(answer)
    rubric = tuple(map(str, given.get("rubric") or ()))
    return _Asked(given["question"], words, evidence, category, given.get("asked_at"), rubric)


def _iso_time(written: str) -> dt.datetime:
    try:
        # Python 3.10 does not read the "Z" of UTC.
        return dt.datetime.fromisoformat(written.replace("Z", "+00:00"))
    except ValueError as error:
        raise InvalidRequestError(f"The time {written!r} is not of ISO 8601's form.") from error


def _conversation(
    user_id: str, sessions: Sequence[Session], asked: Sequence[_Asked]
) -> Conversation:
    turns = [turn for session in sessions for turn in session.turns]
    times = {str(turn.id): turn.time for turn in turns if turn.time}
    if len(times) != len(turns):
        raise InvalidRequestError(f"Conversation {user_id!r} uses a turn id twice.")
    questions, unanswerable = [], []
    for text, answer, evidence, category, asked_at, rubric in asked:
        until = times.get(asked_at) if asked_at else None
        question = Question(text, answer, frozenset(evidence), category, until, rubric)
        known = {name for name, time in times.items() if until is None or time < until}
        if category in UNANSWERABLE:
            unanswerable.append(question)
        elif evidence and known.issuperset(evidence) and (until or not asked_at):
            questions.append(question)
    left_out = len(asked) - len(questions) - len(unanswerable)
    return Conversation(user_id, tuple(sessions), tuple(questions), left_out, tuple(unanswerable))
