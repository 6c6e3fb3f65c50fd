"""Conversations as the importers' forms hand them over, and what all forms have in common."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NoReturn

from lightmem_integrations.errors import InvalidImportError, InvalidRequestError
from lightmem_integrations.importers.source import Item
from lightmem_integrations.records.conversation import Role, Turn
from lightmem_integrations.records.metadata import RESERVED
from lightmem_integrations.records.storable import as_json
from lightmem_integrations.safety import digest, short_repr

USER = "{user_id}"
"""What stands for the user in a pattern of namespaces."""

_ROLES: Mapping[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}


def role_of(name: object) -> Role | None:
    """The role that an export means by a name."""
    return _ROLES.get(name) if isinstance(name, str) else None


_MOST_METADATA = 200  # values of a turn: a guess, as many as fit into the default size
_MILLISECONDS = 1e11  # a larger time is told in milliseconds: seconds reach the year 5138
_DIGEST_BYTES = 8  # a guess: millions of messages may be in one session


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation of a source, or memories that belong together.

    Attributes:
        where: Where in the source it stands, for errors.
        session_id: Its id there.
        turns: What of it is imported, in order; each has an id.
        owner: Whose it is in the source's words, where that says so.
        agent_id: Which agent took part.
        skipped: Messages without anything to keep, or of a branch that was left.
    """

    where: str
    session_id: str
    turns: Sequence[Turn]
    owner: str | None = None
    agent_id: str | None = None
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a form has to know besides the items.

    Attributes:
        form: Its name.
        name: What a session without an id is named after.
        timezone: The zone of times that name none.
        namespace: Where in a namespace of LangGraph the user stands, as its parts.
    """

    form: str
    name: str
    timezone: dt.tzinfo
    namespace: tuple[str, ...] = ()


Reader = Callable[[Iterable[Item], Asked], Iterator[Conversation]]
"""A form: what makes conversations of the items of a source, without any side effect."""


def unreadable(item: Item, reason: str) -> NoReturn:
    """Refuse an item.

    Raises:
        InvalidImportError: Always; it says where and why.
    """
    raise InvalidImportError(f"{item.where}: {reason}")


def moment_of(value: object, zone: dt.tzinfo) -> dt.datetime | None:
    """A time as exports write it: a datetime, ISO 8601, seconds or milliseconds since 1970.

    Args:
        value: The time; ``None`` and blank text for none.
        zone: The zone of a time that names none.

    Raises:
        InvalidRequestError: It cannot be read.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) > _MILLISECONDS else value
            return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
        when = value if isinstance(value, dt.datetime) else _from_iso(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRequestError(
            f"The time {short_repr(value)} cannot be read: {error}. Pass a datetime, ISO 8601, or "
            "seconds since 1970."
        ) from error
    return when if when.utcoffset() is not None else when.replace(tzinfo=zone)


def _from_iso(text: str) -> dt.datetime:
    # Python 3.10 reads neither the Z nor, after the seconds, anything but three or six digits.
    text = re.sub(r"[zZ]$", "+00:00", text.strip())
    return dt.datetime.fromisoformat(re.sub(r"\.(\d+)", lambda found: f".{found[1][:6]:0<6}", text))


def in_time(turns: Iterable[Turn], began: dt.datetime | None) -> list[Turn]:
    """The turns of a conversation, each with a time: what has none was said with the one before.

    Args:
        turns: The turns, in order.
        began: When the conversation began, if that is known.
    """
    told = list(turns)
    latest = began or next((turn.time for turn in told if turn.time is not None), None)
    timed = []
    for turn in told:
        latest = turn.time or latest
        timed.append(replace(turn, time=latest))
    return timed


def time_of(item: Item, asked: Asked, *values: object) -> dt.datetime | None:
    """The first of several times that is there.

    Raises:
        InvalidImportError: It cannot be read.
    """
    try:
        return next(
            (when for value in values if (when := moment_of(value, asked.timezone)) is not None),
            None,
        )
    except InvalidRequestError as error:
        unreadable(item, str(error))


def made_turn(
    *,
    role: Role,
    text: str,
    own_id: str | None,
    time: dt.datetime | None,
    speaker: object = None,
    whole: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any],
) -> Turn | None:
    """A turn of a message or memory; ``None`` if it says nothing.

    Args:
        role: Who speaks.
        text: The words.
        own_id: Its id in the source, if it has one.
        time: When it was said.
        speaker: The person's name, where there is one.
        whole: The message itself, where the text does not tell all of it.
        metadata: What the source says of it.
    """
    if not text.strip() and not whole:
        return None
    return Turn(
        role=role,
        text=text,
        id=own_id,
        time=time,
        speaker=speaker if isinstance(speaker, str) and speaker.strip() else None,
        message=None if not whole else as_json(dict(whole)),
        metadata=metadata,
    )


def told_of(asked: Asked, told: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of what a source says: where it comes from, and what is not blank, flat.

    A name that is taken, as filters have it for the turn itself, gets the form's name before it.
    """
    found: dict[str, Any] = {"source": asked.form}
    for name, value in islice(flat(told), _MOST_METADATA):
        if value not in (None, ""):
            found[f"{asked.form}_{name}" if name in (*RESERVED, *found) else name] = value
    return found


def flat(told: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The values of an object and of those in it, by their names: ``home.town``."""
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def path_to(leaf: str | None, parents: Mapping[str, str | None]) -> list[str]:
    """Ids from the root of a tree of messages to a leaf: the branch that was last seen."""
    path: dict[str, None] = {}
    while leaf is not None and leaf in parents and leaf not in path:
        path[leaf] = None
        leaf = parents[leaf]
    return list(path)[::-1]


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, or an empty one: exports leave out and write null."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of a list; none where there is no list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def name_of(value: object) -> str | None:
    """An id as text, also one that was written as a number."""
    return str(value) if isinstance(value, (str, int)) and str(value).strip() else None


def joined(texts: Iterable[object]) -> str:
    """The texts among the values that say something, each on lines of its own."""
    return "\n".join(each for each in texts if isinstance(each, str) and each.strip())


def distinct(turns: Iterable[Turn]) -> list[Turn]:
    """The turns without repetitions, each under an id of its own: exports may hold one id twice."""
    seen: dict[str, Turn] = {}
    for turn in turns:
        own_id = turn.id or ""
        first = seen.get(own_id)
        if first is not None and (first.role, first.text) != (turn.role, turn.text):
            own_id = f"{own_id}#{words_digest(turn.role, turn.text)}"
        seen.setdefault(own_id, replace(turn, id=own_id))
    return list(seen.values())


def words_digest(*words: str) -> str:
    """A short digest of words, for the id of what has none."""
    return digest(json.dumps(words), _DIGEST_BYTES)
