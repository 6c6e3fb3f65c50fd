"""Validation: raw arguments become new turns and requests, before anything is written or read."""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lightmem_integrations.errors import InvalidRequestError, InvalidTurnError
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.models.token_counter import check_token_counter
from lightmem_integrations.records.conversation import ROLES, TIERS, Tier, Turn
from lightmem_integrations.records.filter_form import filter_of
from lightmem_integrations.records.filters import Filter
from lightmem_integrations.records.lifetime import check_lifetime
from lightmem_integrations.records.metadata import checked_metadata
from lightmem_integrations.safety import (
    EARLIEST,
    check_count,
    check_moment,
    check_names,
    check_scope_id,
    check_seconds,
    check_share,
    check_turn_id,
    check_window,
    has_lone_surrogates,
    short_repr,
    typed_repr,
)
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.turns import NewTurn
from lightmem_integrations.text.inflections import turn_terms
from lightmem_integrations.text.timezone import check_timezone

_SEARCHABLE = ("user", "assistant")


def checked_turns(
    turns: Turn | Iterable[Turn],
    settings: Settings,
    now: dt.datetime,
    author: str | None = None,
) -> list[NewTurn]:
    """Check turns, and fill in their ids and times: what names no time is said ``now``.

    Of a space, where several users speak, the ``author`` is the speaker of a user's turns that name
    none: what two of them say of themselves is not taken for one person's.

    Raises:
        InvalidTurnError: One of them cannot be stored; it says which and why.
    """
    if not isinstance(turns, (Turn, Iterable)) or isinstance(turns, (str, bytes, Mapping)):
        raise InvalidTurnError(
            f"turns is {typed_repr(turns)}. Pass a Turn or a list of "
            "them: Turn(role='user', text='...')."
        )
    given = [turns] if isinstance(turns, Turn) else list(turns)
    return [_checked_turn(turn, place, now, settings, author) for place, turn in enumerate(given)]


def _checked_turn(
    turn: Turn, place: int, now: dt.datetime, settings: Settings, author: str | None
) -> NewTurn:
    if not isinstance(turn, Turn):
        raise InvalidTurnError(
            f"Item {place} is {typed_repr(turn)}. Pass Turn objects: Turn(role='user', text='...')."
        )
    where = f"Turn {place} (id {short_repr(turn.id)})"
    if turn.role not in ROLES:
        raise InvalidTurnError(
            f"{where} has the role {short_repr(turn.role)}; it must be one of {', '.join(ROLES)}. "
            "Names of persons go into speaker=."
        )
    if turn.id is not None:
        check_turn_id(turn.id, settings.max_id_chars)
    message = _message_as_json(turn, where)
    if not isinstance(turn.text, str) or (not turn.text.strip() and message is None):
        raise InvalidTurnError(
            f"{where} has no text ({short_repr(turn.text)}). Leave such turns out."
        )
    _check_text(turn.text, f"{where}: text", settings.max_turn_chars, "max_turn_chars")
    if turn.speaker is not None:
        if not isinstance(turn.speaker, str) or not turn.speaker.strip():
            raise InvalidTurnError(
                f"{where} has the speaker {short_repr(turn.speaker)}; pass a name."
            )
        _check_text(turn.speaker, f"{where}: speaker", settings.max_id_chars, "max_id_chars")
    if turn.time is not None:
        _check_time(turn.time, where, now, settings.clock_skew_seconds)
    metadata = checked_metadata(turn.metadata, where, settings.max_metadata_bytes)
    check_lifetime(turn, where, turn.time or now)
    searchable = turn.searchable and turn.role in _SEARCHABLE and bool(turn.text.strip())
    complete = replace(
        turn, id=turn.id or uuid.uuid4().hex, time=turn.time or now, searchable=searchable,
        metadata=json.loads(metadata or "{}"),
        author=author, speaker=turn.speaker or _speaker(turn, author),
    )  # fmt: skip
    return NewTurn(complete, " ".join(turn_terms(turn.text)), message, metadata)


def _speaker(turn: Turn, author: str | None) -> str | None:
    """Who said it in a space, where none is named: a name holds no NUL, an id may."""
    return author.replace("\0", "\ufffd") if author and turn.role == "user" else None


def _check_text(text: str, where: str, max_chars: int, setting: str) -> None:
    if len(text) > max_chars:
        raise InvalidTurnError(
            f"{where} has {len(text)} characters; the limit is {max_chars}. Shorten it, split it "
            f"into several turns, or raise Settings.{setting}."
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
        raise InvalidTurnError(f"{where} has the time {short_repr(time)}; pass a datetime.")
    if time.utcoffset() is None:
        raise InvalidTurnError(
            f"{where} has the time {time.isoformat()} without a time zone. Add one: "
            "time.replace(tzinfo=datetime.timezone.utc), or time.astimezone() for local time."
        )
    if time < EARLIEST:
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
        return json.dumps(dict(turn.message), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTurnError(
            f"{where}: message is no JSON data ({error}). Pass plain dicts, lists, strings, "
            "numbers and booleans."
        ) from error


# Times as many hits for a summary or an order of events, where none are asked for: a guess; the
# default budget then holds fifteen pieces of some sixty tokens.
_BROAD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A checked question, carried whole through recall.

    Attributes:
        query: The question.
        user_id: Whose memory.
        k: Hits at most.
        k_broad: Hits at most where the question is about much at once.
        max_tokens: Size of the packed text at most.
        score_threshold: Score that a hit must have, from 0 to 1.
        tiers: Memories to search, in the order of ``TIERS``.
        session_id: The only session to look in.
        since: Nothing said before this time, in seconds since 1970.
        until: Nothing said at this time or later, in seconds since 1970; not after ``as_of``.
        as_of: The time at which it is asked, in seconds since 1970.
        speakers: The only speakers; empty for all.
        exclude: Ids of turns that must not come back.
        exclude_session: A session whose turns must not come back.
        timezone: By whose calendar dates in the question are read.
        count_tokens: Counts tokens for this request.
        strict: Raise instead of degrading.
        recall_seconds: How long the answer may take; ``None`` for the settings' limits.
        filter: What the turns must meet; ``None`` for all.
    """

    query: str
    user_id: str
    k: int
    k_broad: int
    max_tokens: int
    score_threshold: float
    tiers: tuple[Tier, ...]
    session_id: str | None
    since: float | None
    until: float | None
    as_of: float | None
    speakers: tuple[str, ...]
    exclude: tuple[str, ...]
    exclude_session: str | None
    timezone: str | None
    count_tokens: TokenCounter
    strict: bool
    recall_seconds: float | None
    filter: Filter | None


def checked_request(
    settings: Settings,
    *,
    query: object,
    user_id: str,
    k: object = None,
    max_tokens: object = None,
    score_threshold: object = None,
    tiers: object = TIERS,
    session_id: object = None,
    since: object = None,
    until: object = None,
    as_of: object = None,
    speakers: object = None,
    exclude: object = (),
    exclude_session: object = None,
    timezone: object = None,
    count_tokens: TokenCounter,
    strict: bool = False,
    recall_seconds: float | None = None,
    filter: object = None,  # noqa: A002
) -> Request:
    """Check the arguments of a recall; where a size is ``None``, it is the settings'.

    Raises:
        ScopeError: A session id names nothing.
        InvalidRequestError: Another argument makes no sense.
    """
    moment = check_moment(as_of, "as_of")
    begins, ends = check_window(since, until)
    check_token_counter(count_tokens)
    hits = check_count(settings.k if k is None else k, "k")
    return Request(
        query=_check_query(query),
        user_id=user_id,
        k=hits,
        k_broad=_BROAD * hits if k is None else hits,
        max_tokens=check_count(
            settings.max_tokens if max_tokens is None else max_tokens, "max_tokens"
        ),
        score_threshold=check_share(
            settings.score_threshold if score_threshold is None else score_threshold,
            "score_threshold",
        ),
        tiers=_check_tiers(tiers),
        session_id=_check_session(session_id, "session_id", settings),
        since=begins,
        until=_until(ends, moment),
        as_of=moment,
        speakers=check_names(speakers, "speakers"),
        exclude=check_names(exclude, "exclude"),
        exclude_session=_check_session(exclude_session, "exclude_session", settings),
        timezone=check_timezone(timezone) or settings.timezone,
        count_tokens=count_tokens,
        strict=strict,
        recall_seconds=None if recall_seconds is None else check_seconds(recall_seconds),
        filter=filter_of(filter),
    )


def _until(until: float | None, as_of: float | None) -> float | None:
    """The first time that is too late; what was said at ``as_of`` itself is not."""
    if as_of is None:
        return until
    after = math.nextafter(as_of, math.inf)
    return after if until is None else min(until, after)


def _check_query(query: object) -> str:
    """Check a question: refuse what is no string, blank, or no valid text."""
    if not isinstance(query, str) or not query.strip():
        raise InvalidRequestError(
            f"The query is {short_repr(query)}. Pass what is asked for as a non-blank string."
        )
    return check_names([query], "query")[0]


def _check_session(value: object, name: str, settings: Settings) -> str | None:
    return None if value is None else check_scope_id(value, name, settings.max_id_chars)


def _check_tiers(tiers: object) -> tuple[Tier, ...]:
    names = check_names(tiers, "tiers")
    if not names or not set(names) <= set(TIERS):
        raise InvalidRequestError(
            f"tiers is {short_repr(tiers)}; pass one or more of {', '.join(TIERS)}. The recent "
            "turns of a session come from short_term()."
        )
    return tuple(each for each in TIERS if each in names)
