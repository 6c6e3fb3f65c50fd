"""Safety: checks of arguments and ids, and digests of them."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import re
from collections.abc import Iterable

from lightmem_integrations.errors import (
    InvalidRequestError,
    InvalidTurnError,
    LightMemError,
    ScopeError,
)

EARLIEST = dt.datetime(1, 1, 2, tzinfo=dt.timezone.utc)
"""The first time that is stored: a day earlier, zones begin to overflow."""
LATEST = dt.datetime(9999, 12, 30, tzinfo=dt.timezone.utc)
"""The last one: a day later, they do, too."""

_WILDCARDS = re.compile(r"[\s*%?]+")
_SHORT = 40  # characters: a guess, enough to tell which value, too few to quote a memory
_VOWELS = frozenset("AEIOaeio")  # no u: a URL, a UUID, a uint8


def short_repr(value: object) -> str:
    """A short form of a value for an error message: 40 characters at most."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # somebody's own class, or a number of 5,000 digits
        return f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}... ({len(text)} characters)"


def type_of(value: object) -> str:
    """The type of a value for an error message, with its article: "a str", "an int"."""
    name = type(value).__name__
    return f"{'an' if name[0] in _VOWELS else 'a'} {name}"


def typed_repr(value: object) -> str:
    """A short form of a value for an error message, with its type: "5, an int"."""
    return "None" if value is None else f"{short_repr(value)}, {type_of(value)}"


def has_lone_surrogates(text: str) -> bool:
    """True if the text holds half of a surrogate pair, which no encoding can store."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _check_identifier(
    value: object, name: str, max_chars: int | None, error: type[LightMemError], remedy: str
) -> str:
    if not isinstance(value, str):
        raise error(f"{name} is {typed_repr(value)}. {remedy}")
    if not value.strip():
        raise error(f"{name} is blank ({short_repr(value)}). {remedy}")
    if max_chars is not None and len(value) > max_chars:
        raise error(f"{name} has {len(value)} characters; the limit is {max_chars}. {remedy}")
    if has_lone_surrogates(value):
        raise error(f"{name} {short_repr(value)} holds a lone surrogate: it is no text. {remedy}")
    return value


def check_user_id(value: object, max_chars: int | None = None) -> str:
    """The user id, if it names exactly one user.

    Without ``max_chars`` its length is not looked at: each store has a limit of its own.

    Raises:
        ScopeError: It is not a string, blank, too long, no valid text, or only wildcards.
    """
    remedy = "Pass the id of exactly one user as user_id=, a non-blank string."
    user_id = _check_identifier(value, "user_id", max_chars, ScopeError, remedy)
    if _WILDCARDS.fullmatch(user_id):
        raise ScopeError(f"user_id {short_repr(user_id)} is a wildcard. {remedy}")
    return user_id


def check_scope_id(value: object, name: str, max_chars: int | None = None) -> str:
    """A session or agent id that can be stored.

    Raises:
        ScopeError: It is not a string, blank, too long or no valid text.
    """
    return _check_identifier(value, name, max_chars, ScopeError, "Pass a non-blank string.")


def check_turn_id(value: object, max_chars: int | None = None) -> str:
    """A turn id that can be stored.

    Raises:
        InvalidTurnError: It is not a string, blank, too long or no valid text.
    """
    remedy = "Pass a non-blank string, or leave it out and one is made."
    return _check_identifier(value, "Turn.id", max_chars, InvalidTurnError, remedy)


def check_count(value: object, name: str) -> int:
    """Check a whole number of at least 1.

    Raises:
        InvalidRequestError: It is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequestError(
            f"{name} is {short_repr(value)}; it must be a whole number from 1 up."
        )
    return value


def check_known(given: Iterable[str], known: Iterable[str], owner: str) -> None:
    """Refuse arguments that nothing takes.

    Raises:
        InvalidRequestError: One of those given is not known; it names what is.
    """
    names = sorted(known)
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            meant = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(names)}."
            raise InvalidRequestError(f"{owner} takes no {short_repr(name)}. {meant}")


def check_share(value: object, name: str) -> float:
    """Check a number from 0 to 1.

    Raises:
        InvalidRequestError: It is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise InvalidRequestError(f"{name} is {short_repr(value)}; it must be from 0 to 1.")
    return value


def check_counts(**values: object) -> None:
    """Refuse a value that is neither ``None`` nor a whole number of at least 1.

    Raises:
        InvalidRequestError: One is anything else.
    """
    for name, value in values.items():
        if value is not None:
            check_count(value, name)


def check_flags(**values: object) -> None:
    """Refuse what is neither true nor false, where taking it for either does harm.

    Raises:
        InvalidRequestError: One is anything else, such as the text "no", which counts as true.
    """
    for name, value in values.items():
        if not isinstance(value, bool):
            raise InvalidRequestError(f"{name} is {typed_repr(value)}; pass True or False.")


def check_seconds(recall_seconds: object) -> float:
    """Check how long a recall may take.

    Raises:
        InvalidRequestError: It is no number above 0.
    """
    number = isinstance(recall_seconds, (int, float)) and not isinstance(recall_seconds, bool)
    if not number or not recall_seconds > 0:  # type: ignore[operator]
        raise InvalidRequestError(
            f"recall_seconds is {short_repr(recall_seconds)}; it must be a number above 0."
        )
    return float(recall_seconds)  # type: ignore[arg-type]


def check_moment(value: object, name: str) -> float | None:
    """Check a time with a zone; returns it in seconds since 1970, or ``None`` for none.

    Raises:
        InvalidRequestError: It is anything else.
    """
    if value is None:
        return None
    if isinstance(value, dt.datetime) and value.utcoffset() is None:
        raise InvalidRequestError(
            f"{name} is {short_repr(value)}, without a time zone. Add one: as a text "
            f"{value.isoformat()}+00:00, in Python {name}.replace(tzinfo=timezone.utc)."
        )
    if not isinstance(value, dt.datetime):
        raise InvalidRequestError(
            f"{name} is {short_repr(value)}; pass a datetime with a time zone, such as "
            "datetime(2026, 5, 1, tzinfo=timezone.utc)."
        )
    return stored_seconds(value)


def stored_seconds(moment: dt.datetime) -> float:
    """A time with a zone in seconds since 1970, as it is stored.

    The first and the last days of the calendar are drawn in by as much as zones and rounding
    need: nothing is ever stored there.
    """
    return min(max(moment.timestamp(), EARLIEST.timestamp()), LATEST.timestamp())


def check_window(since: object, until: object) -> tuple[float | None, float | None]:
    """Check two times between which something was said, as ``check_moment`` does each.

    Raises:
        InvalidRequestError: One is no time, or they are the wrong way round.
    """
    begins, ends = check_moment(since, "since"), check_moment(until, "until")
    if begins is not None and ends is not None and begins > ends:
        raise InvalidRequestError(
            f"since is {since} and until is {until}, which is earlier. Exchange them."
        )
    return begins, ends


def check_names(values: object, name: str) -> tuple[str, ...]:
    """Check several strings; a single one is refused, since it would be taken letter by letter.

    Raises:
        InvalidRequestError: It is anything else.
    """
    if values is None:
        return ()
    names = tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else None
    if names is None or not all(isinstance(each, str) for each in names):
        raise InvalidRequestError(f"{name} is {short_repr(values)}; pass a list of strings.")
    if any(has_lone_surrogates(each) for each in names):
        raise InvalidRequestError(f"{name} {short_repr(values)} holds a lone surrogate. Clean it.")
    return names


def digest(text: str, size: int) -> str:
    """The BLAKE2b digest of any string, as ``2 * size`` hexadecimal characters.

    Halves of surrogate pairs count as well: two strings that differ have two digests.
    """
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=size).hexdigest()


def key_of(identifier: str) -> str:
    """A fixed-length key of an identifier: 32 hexadecimal characters, one for each identifier.

    Identifiers are compared as they are given, without any normalisation: ``u1``, ``U1`` and
    ``u1`` followed by a space are three users. No file, table or collection is ever named by an
    identifier itself.
    """
    return digest(identifier, 16)
