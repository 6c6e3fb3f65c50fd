"""Dates that a model worked out, held against the words from which it did."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import get_args

from lightmem_integrations.knowledge.drafts import WriterTurn
from lightmem_integrations.text.periods import Period, period
from lightmem_integrations.text.temporal import Direction, mentions

_WEEKDAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day", re.IGNORECASE)
_RELATIVE = re.compile(
    r"(?:on )?(?:last|next|this|yesterday|tomorrow|today|tonight|the day (?:before|after))\b"
    r"|.{1,40} ago$|in (?:\d{1,3}|an?|\w{3,5}|a few|a couple(?: of)?) (?:day|week|month|year)",
    re.IGNORECASE,
)
_DAY = dt.timedelta(days=1)
# Guesses: days by which people and models are off, and a week where "last Friday" may be either;
# years of what is told without words for its date, back and ahead.
_OFF, _OFF_BY_A_WEEK = 4 * _DAY, 8 * _DAY
_BACK, _AHEAD = 120, 50


def within_reach(
    written: str, when: str, turns: Sequence[WriterTurn], *, ahead: bool
) -> tuple[Period | None, str | None]:
    """A date, if the words for it can mean it; and what speaks against it.

    Args:
        written: As the model wrote it; empty if it wrote none, then the words are read.
        when: The turn's words for it, as the model copied them.
        turns: What may have told it.
        ahead: Whether it may lie in the future for no reason in words: that of a plan.

    Returns:
        The period, or ``None`` if there is none to believe; and a doubt in words, or ``None``.
    """
    phrase = " ".join(when.lower().split()).strip(" .,\"'")
    heard = [turn for turn in turns if phrase and phrase in " ".join(turn.text.lower().split())]
    if not written.strip():
        return _read(phrase, heard, ahead=ahead), None
    latest = max(turn.time for turn in turns)
    found = period(written, latest.tzinfo)
    if found is None:
        return None, f"its date {written[:20]!r} is no date"
    read = [span for turn in heard for span in _spans(phrase, turn.time)]
    if not heard:
        read = [span for turn in turns for span in _spans(turn.text, turn.time)]
    year = re.compile(rf"\b{found.start.year}\b")
    if any(span.start < found.end and found.start < span.end for span in read) or any(
        year.search(turn.text) for turn in turns
    ):
        return found, None
    doubt = None
    if heard and read:
        doubt = f"the words {phrase[:40]!r} do not mean {written}"
    elif found.start > latest and not (ahead and found.start.year < latest.year + _AHEAD):
        doubt = f"its date {written} lies ahead, and nobody said so"
    elif found.start.year < latest.year - _BACK:
        doubt = f"its date {written} is too long ago"
    if doubt is not None:
        return None, doubt
    near = any(found.start - _OFF < turn.time < found.end + _OFF for turn in turns)
    return found, None if heard or near else f"nobody said when, and it says {written}"


def absolute(statement: str, time: dt.datetime, *, ahead: bool) -> str:
    """The statement with "last Friday" as the day it was."""
    direction: Direction = "future" if ahead else "nearest"
    for date in reversed(mentions(statement, time, direction=direction)):
        begin, end = date.span
        if _RELATIVE.match(statement[begin:end]):
            statement = f"{statement[:begin]}{date.words}{statement[end:]}"
    return statement


def _read(phrase: str, heard: Sequence[WriterTurn], *, ahead: bool) -> Period | None:
    """What words for a date mean, where the model did not work it out."""
    direction: Direction = "future" if ahead else "nearest"
    for turn in heard:
        for date in mentions(phrase, turn.time, direction=direction):
            return Period(date.start, date.end)
    return None


def _spans(words: str, time: dt.datetime) -> list[Period]:
    """All that dates in these words may mean, widened by what people and models are off."""
    found = []
    for direction in get_args(Direction):
        text = words
        dates = mentions(text, time, direction=direction)
        if not dates:
            text = f"on {words[:80]}"  # a bare "Friday"
            dates = mentions(text, time, direction=direction)
        for date in dates:
            off = _OFF_BY_A_WEEK if _WEEKDAY.search(text, *date.span) else _OFF
            off = max(off, date.end - date.start)
            found.append(Period(date.start - off, date.end + off))
    return found
