"""Corrections that a person makes, within a write transaction: a new fact, or one fewer."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from sqlalchemy import Connection

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.knowledge.beliefs import PERSON, new_belief
from lightmem_integrations.knowledge.commit import insert_belief
from lightmem_integrations.knowledge.retraction import retract_fact
from lightmem_integrations.safety import (
    check_moment,
    has_lone_surrogates,
    short_repr,
    stored_seconds,
)
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage.claims import (
    MOST_CONFIDENCE,
    Claim,
    insert_claim,
    read_claims,
    zones_of_facts,
)
from lightmem_integrations.storage.facts import StoredFact, next_revision, read_facts, update_fact
from lightmem_integrations.text.periods import period
from lightmem_integrations.text.precision import Precision, by_calendar, iso_date


@dataclass(frozen=True, slots=True)
class Correction:
    """Parts of a fact to be changed, and why; ``None`` leaves a part as it is.

    Without a new statement, the old one has its value replaced. A date that is no moment
    is a day, a week, a month or a year in ISO 8601, in the time zone in which the fact was told.
    """

    statement: str | None
    value: str | None
    valid_from: dt.datetime | dt.date | str | None
    valid_to: dt.datetime | dt.date | str | None
    expires_at: dt.datetime | None
    reason: str

    @property
    def says(self) -> tuple[object, ...]:
        """The parts that tell something else of what is so."""
        return self.statement, self.value, self.valid_from, self.valid_to

    def check(self) -> None:
        """Refuse a correction that changes nothing, or that cannot be stored.

        Raises:
            InvalidRequestError: As said.
        """
        if all(part is None for part in (*self.says, self.expires_at)):
            raise InvalidRequestError(
                "Nothing to edit: pass statement, value, valid_from, valid_to or expires_at."
            )
        for name, text in (("statement", self.statement), ("value", self.value)):
            if text is not None:
                check_text(text, name)
        check_text(self.reason, "reason")
        for name in ("valid_from", "valid_to"):
            _meant(getattr(self, name), name, dt.timezone.utc)
        check_moment(self.expires_at, "expires_at")


def correct(
    connection: Connection,
    old: StoredFact,
    change: Correction,
    settings: ConsolidationSettings,
    now: float,
) -> StoredFact:
    """Put a corrected fact in the place of one that stands; returns the new one.

    Where only its lifetime changes, it is the same fact.

    Raises:
        InvalidRequestError: It would end before it begins, or expire though it is pinned.
    """
    expires_at = check_moment(change.expires_at, "expires_at")
    if expires_at is not None and old.pinned:
        raise InvalidRequestError(
            f"The fact {short_repr(old.key)} is pinned, so it cannot expire. Unpin it first."
        )
    revision = next_revision(connection, old.user)
    kept = {"expires_at": old.expires_at if expires_at is None else expires_at,
            "pinned": old.pinned, "importance": old.importance}  # fmt: skip
    if all(part is None for part in change.says):
        update_fact(connection, old, kept, revision)
        return read_facts(connection, old.user, [old.row])[0]
    claims = read_claims(connection, old.user, [old.row])[old.row]
    value = old.value if change.value is None else change.value.strip()
    statement = _new_statement(old, value) if change.statement is None else change.statement.strip()
    zone = zones_of_facts(connection, old.user, [old.row])[old.row][0]
    since, since_precision = old.valid_from, old.valid_from_precision
    until, until_precision = old.stated_to, old.stated_to_precision
    begun = _meant(change.valid_from, "valid_from", zone)
    if begun is not None:
        since, _, since_precision = begun
    ended = _meant(change.valid_to, "valid_to", zone)
    if ended is not None:
        first, last, until_precision = ended
        # A day passes for its beginning; what began in the course of it ended in it, too.
        until = max(first, min(since, last)) if until_precision == "day" else last
    if until is not None and until < since:
        dates = (until, until_precision), (since, since_precision)
        ends, begins = (_shown(by_calendar(*date, zone), date[1]) for date in dates)
        raise InvalidRequestError(
            f"valid_to lies before valid_from ({ends} before {begins}); pass the later one as "
            "valid_to, and both where both are wrong."
        )
    claim = Claim(
        subject=old.subject, attribute=old.attribute, value=value, statement=statement,
        entities=tuple(name for name in old.entities if name in statement), single=old.single,
        since=since, said_at=now, stated_to=until, confidence=MOST_CONFIDENCE, agent=old.agent,
        turns=tuple(dict.fromkeys(turn for claim in claims for turn in claim.turns)), kind=old.kind,
        since_precision=since_precision, stated_to_precision=until_precision, line=old.line,
    )  # fmt: skip
    belief = new_belief(claim, now, PERSON)
    belief.valid_to = until
    row = insert_belief(connection, old.user, belief, PERSON, revision)
    insert_claim(connection, old.user, row, claim, None, now)
    update_fact(connection, read_facts(connection, old.user, [row])[0], kept, revision)
    retract_fact(connection, old, change.reason, settings, revision, now, successor=row)
    return read_facts(connection, old.user, [row])[0]


def _meant(given: object, name: str, zone: dt.tzinfo) -> tuple[float, float, Precision] | None:
    """First and last second of a date, in seconds since 1970, and how exactly it is known.

    Args:
        given: A moment; a day, a week, a month or a year in ISO 8601; or ``None``.
        name: What the date is called in an error.
        zone: Where that is meant.

    Raises:
        InvalidRequestError: It is anything else.
    """
    if isinstance(given, dt.datetime) or not isinstance(given, (dt.date, str)):
        moment = check_moment(given, name)
        return None if moment is None else (moment, moment, "day")
    written = str(given)
    found = period(written, zone)
    # What would be read all the same, such as "2023-1", or a time whose hour would be lost.
    if found is None or iso_date(found.start, found.precision) != written:
        raise InvalidRequestError(
            f"{name} is {short_repr(given)}, which is no day, week, month or year before 9999; "
            'pass one such as "2023-01-15", "2023-W03", "2023-01" or "2023", or a datetime with a '
            "time zone."
        )
    return stored_seconds(found.start), stored_seconds(found.last), found.precision


def check_text(text: object, name: str) -> None:
    """Refuse what is no text, or cannot be stored.

    Raises:
        InvalidRequestError: As said.
    """
    if not isinstance(text, str) or not text.strip() or "\0" in text or has_lone_surrogates(text):
        raise InvalidRequestError(f"{name} is {short_repr(text)}; pass a text.")


def _shown(moment: dt.datetime, precision: Precision) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if precision == "day" else iso_date(moment, precision)


def _new_statement(old: StoredFact, value: str) -> str:
    if old.value and old.value in old.statement:
        # "tea" is no part of a "teacher"; where words have no blanks between them, any place is.
        words = re.compile(rf"(?<!\w){re.escape(old.value)}(?!\w)")
        if words.search(old.statement):
            return words.sub(lambda _: value, old.statement)
        return old.statement.replace(old.value, value)
    return f"{old.subject}: {old.attribute}: {value}"
