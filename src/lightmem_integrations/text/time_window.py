"""The time that a question asks about."""

from __future__ import annotations

import datetime as dt
import re

from lightmem_integrations.text.precision import first_moment
from lightmem_integrations.text.temporal import readings

_SINCE = re.compile(r"\bsince $", re.IGNORECASE)
_BETWEEN = re.compile(r"\b(?:between|from|since|until)\b", re.IGNORECASE)
_DATED = re.compile(r"\b(?:19|20)\d\d\b")
_DURATION = re.compile(r"for (?!the )", re.IGNORECASE)


def time_window(query: str, now: dt.datetime) -> tuple[dt.datetime | None, dt.datetime | None]:
    """The time that a question asks about: the span of the dates that it names.

    "Between May 2025 and last week" spans both; "since May" lasts until now. How long something
    took ("for two years") says nothing about when.

    Args:
        query: The question.
        now: When it is asked, with a time zone.

    Returns:
        Start and end (exclusive); ``(None, None)`` where no date is named.
    """
    found = [
        mention
        for mention in readings(query, now, direction="past")
        if not _DURATION.match(query, mention.span[0])
    ]
    if not _BETWEEN.search(query):
        # In "last Friday before 10 April 2023" the Friday is not the last one before now.
        dated = [mention for mention in found if _DATED.search(query, *mention.span)]
        found = dated or found
    if not found:
        return None, None
    ends = [
        max(mention.end, now)
        if mention.lasting or _SINCE.search(query, 0, mention.span[0])
        else mention.end
        for mention in found
    ]
    # What is said "today" holds from that moment; asked, it is the whole day.
    return first_moment(min(mention.start for mention in found), "day"), max(ends)
