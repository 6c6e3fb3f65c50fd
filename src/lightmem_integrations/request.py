"""A question to a user's memory, checked: whose, how much may come back, within which limits."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.records import TIERS, Tier
from lightmem_integrations.safety import check_scope_id, has_lone_surrogates, shown
from lightmem_integrations.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A checked question: whose memory, how much may come back, and within which limits."""

    query: str
    user_id: str
    k: int
    max_tokens: int
    tiers: tuple[Tier, ...]
    session_id: str | None
    since: float | None
    until: float | None
    as_of: float | None
    speakers: tuple[str, ...]
    exclude: tuple[str, ...]
    exclude_session: str | None
    count_tokens: TokenCounter
    strict: bool


def checked_request(
    settings: Settings,
    *,
    query: object,
    user_id: str,
    k: object,
    max_tokens: object,
    tiers: object,
    session_id: object,
    since: object,
    until: object,
    as_of: object,
    speakers: object,
    exclude: object,
    exclude_session: object,
    count_tokens: TokenCounter,
    strict: bool,
) -> Request:
    """The request, with the settings' sizes where none were given.

    Raises:
        ScopeError: A session id names nothing.
        InvalidRequestError: Another argument makes no sense.
    """
    moment = check_moment(as_of, "as_of")
    return Request(
        query=_check_query(query),
        user_id=user_id,
        k=check_count(settings.k if k is None else k, "k"),
        max_tokens=check_count(
            settings.max_tokens if max_tokens is None else max_tokens, "max_tokens"
        ),
        tiers=_check_tiers(tiers),
        session_id=_check_session(session_id, "session_id", settings),
        since=check_moment(since, "since"),
        until=_earlier(check_moment(until, "until"), moment),
        as_of=moment,
        speakers=check_names(speakers, "speakers"),
        exclude=check_names(exclude, "exclude"),
        exclude_session=_check_session(exclude_session, "exclude_session", settings),
        count_tokens=count_tokens,
        strict=strict,
    )


def _earlier(until: float | None, as_of: float | None) -> float | None:
    """The first moment that is too late; what was said at ``as_of`` itself is not."""
    if as_of is None:
        return until
    after = math.nextafter(as_of, math.inf)
    return after if until is None else min(until, after)


def _check_query(query: object) -> str:
    """A question that can be searched for.

    Raises:
        InvalidRequestError: It is not a string, blank, or no valid text.
    """
    if not isinstance(query, str) or not query.strip():
        raise InvalidRequestError(
            f"The query is {shown(query)}. Pass what is asked for as a non-blank string."
        )
    if has_lone_surrogates(query):
        raise InvalidRequestError(f"The query {shown(query)} holds a lone surrogate. Clean it.")
    return query


def check_count(value: object, name: str) -> int:
    """A whole number of at least 1.

    Raises:
        InvalidRequestError: It is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequestError(f"{name} is {shown(value)}; it must be a whole number from 1 up.")
    return value


def check_moment(value: object, name: str) -> float | None:
    """A time with a zone as seconds since 1970, or ``None``.

    Raises:
        InvalidRequestError: It is anything else.
    """
    if value is None:
        return None
    if not isinstance(value, dt.datetime) or value.utcoffset() is None:
        raise InvalidRequestError(
            f"{name} is {shown(value)}; pass a datetime with a time zone, such as "
            "datetime(2026, 5, 1, tzinfo=timezone.utc)."
        )
    return value.timestamp()


def check_names(values: object, name: str) -> tuple[str, ...]:
    """Several strings; a single string is refused, since it would be taken letter by letter.

    Raises:
        InvalidRequestError: It is anything else.
    """
    if values is None:
        return ()
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequestError(f"{name} is {shown(values)}; pass a list of strings.")
    names = tuple(values)
    if not all(isinstance(each, str) for each in names):
        raise InvalidRequestError(f"{name} is {shown(values)}; pass a list of strings.")
    if any(has_lone_surrogates(each) for each in names):
        raise InvalidRequestError(f"{name} {shown(values)} holds a lone surrogate. Clean it.")
    return names


def _check_session(value: object, name: str, settings: Settings) -> str | None:
    return None if value is None else check_scope_id(value, name, settings.max_id_chars)


def _check_tiers(tiers: object) -> tuple[Tier, ...]:
    names = check_names(tiers, "tiers")
    if not names or not set(names) <= set(TIERS):
        raise InvalidRequestError(
            f"tiers is {shown(tiers)}; pass one or more of {', '.join(TIERS)}. The recent turns of "
            "a session come from short_term()."
        )
    return tuple(each for each in TIERS if each in names)
