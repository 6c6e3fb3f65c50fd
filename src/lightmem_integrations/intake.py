"""What comes in is checked here, before anything is written."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import replace

from lightmem_integrations.errors import InvalidTurnError
from lightmem_integrations.recall.terms import terms
from lightmem_integrations.records import ROLES, Turn
from lightmem_integrations.safety import check_turn_id, has_lone_surrogates, shown
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.turns import NewTurn, with_id_and_time

_SEARCHABLE = ("user", "assistant")
_EARLIEST = dt.datetime(1, 1, 2, tzinfo=dt.timezone.utc)  # a day earlier, zones begin to overflow


def checked_turns(turns: Turn | Iterable[Turn], settings: Settings) -> list[NewTurn]:
    """Turns that can be stored as they are, with ids and times filled in.

    Raises:
        InvalidTurnError: One of them cannot be stored; it says which and why.
    """
    if not isinstance(turns, Iterable) and not isinstance(turns, Turn):
        raise InvalidTurnError(f"turns is {shown(turns)}; pass a Turn or a list of them.")
    given = [turns] if isinstance(turns, Turn) else list(turns)
    now = dt.datetime.now(dt.timezone.utc)
    return [_checked(turn, place, now, settings) for place, turn in enumerate(given)]


def _checked(turn: Turn, place: int, now: dt.datetime, settings: Settings) -> NewTurn:
    if not isinstance(turn, Turn):
        raise InvalidTurnError(
            f"Item {place} is {shown(turn)}, a {type(turn).__name__}. Pass Turn objects: "
            "Turn(role='user', text='...')."
        )
    where = f"Turn {place} (id {shown(turn.id)})"
    if turn.role not in ROLES:
        raise InvalidTurnError(
            f"{where} has the role {shown(turn.role)}; it must be one of {', '.join(ROLES)}. "
            "Names of persons go into speaker=."
        )
    if turn.id is not None:
        check_turn_id(turn.id, settings.max_id_chars)
    message = _message_as_json(turn, where)
    if not isinstance(turn.text, str) or (not turn.text.strip() and message is None):
        raise InvalidTurnError(f"{where} has no text ({shown(turn.text)}). Leave such turns out.")
    _check_text(turn.text, f"{where}: text", settings.max_turn_chars)
    if turn.speaker is not None:
        if not isinstance(turn.speaker, str) or not turn.speaker.strip():
            raise InvalidTurnError(f"{where} has the speaker {shown(turn.speaker)}; pass a name.")
        _check_text(turn.speaker, f"{where}: speaker", settings.max_id_chars)
    if turn.time is not None:
        _check_time(turn.time, where, now, settings.clock_skew_seconds)
    searchable = turn.searchable and turn.role in _SEARCHABLE and bool(turn.text.strip())
    complete = replace(with_id_and_time(turn, now), searchable=searchable)
    return NewTurn(complete, " ".join(terms(turn.text)), message)


def _check_text(text: str, where: str, max_chars: int) -> None:
    if len(text) > max_chars:
        raise InvalidTurnError(
            f"{where} has {len(text)} characters; the limit is {max_chars}. Split it into several "
            "turns, or raise Settings.max_turn_chars."
        )
    if "\0" in text:
        raise InvalidTurnError(f"{where} holds a NUL character. Remove it before adding.")
    if has_lone_surrogates(text):
        raise InvalidTurnError(
            f"{where} holds a lone surrogate, which cannot be stored. Clean it, for instance with "
            "text.encode('utf-8', 'replace').decode()."
        )


def _check_time(time: dt.datetime, where: str, now: dt.datetime, skew: float) -> None:
    if not isinstance(time, dt.datetime):
        raise InvalidTurnError(f"{where} has the time {shown(time)}; pass a datetime.")
    if time.utcoffset() is None:
        raise InvalidTurnError(
            f"{where} has the time {time.isoformat()} without a time zone. Add one: "
            "time.replace(tzinfo=datetime.timezone.utc), or time.astimezone() for local time."
        )
    if time < _EARLIEST:
        raise InvalidTurnError(
            f"{where} has the time {time.isoformat()}, which cannot be stored in every time zone. "
            "Pass when it was said, or leave it out."
        )
    if time > now + dt.timedelta(seconds=skew):
        raise InvalidTurnError(
            f"{where} has the time {time.isoformat()}, which lies in the future (now "
            f"{now.isoformat(timespec='seconds')}). Pass when it was said, or leave it out."
        )


def _message_as_json(turn: Turn, where: str) -> str | None:
    if turn.message is None:
        return None
    try:
        encoded = json.dumps(dict(turn.message), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTurnError(
            f"{where}: message is no JSON data ({error}). Pass plain dicts, lists, strings, "
            "numbers and booleans."
        ) from error
    return encoded
