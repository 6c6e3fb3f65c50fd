"""Dates that a model worked out, held against the words from which it did.

A date is no more exact than the words for it: "last week" names no day, whichever a model wrote.
A season names no month, but which one is meant, in which half of the world, a model may know from
what else was said: its year is believed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import NamedTuple, get_args

from lightmem_integrations.knowledge.drafts import WriterTurn
from lightmem_integrations.text.periods import Period, period
from lightmem_integrations.text.precision import first_moment, is_finer
from lightmem_integrations.text.recurring import Direction
from lightmem_integrations.text.temporal import mentions, readings

_WEEKDAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day", re.IGNORECASE)
_RELATIVE = re.compile(
    r"(?:on )?(?:last|next|this|yesterday|tomorrow|today|tonight|the day (?:before|after))\b"
    r"|the \w{3,9} (?:before last|after next)$|(?:on|since) the \d\d?(?:st|nd|rd|th)$"
    r"|.{1,40} ago$|in (?:\d{1,3}|an?|\w{3,5}|a few|a couple(?: of)?) (?:day|week|month|year)",
    re.IGNORECASE,
)
# What may stand around a date that is told with nothing more exact, such as a day or a feast.
_BESIDE = re.compile(
    r"(?:\W|\b(?:in|on|at|by|for|from|of|the|since|until|till|during|over|about|around|just|only|back|"
    r"some ?time|early|earlier|late|later|mid|middle|beginning|start|end)\b)*"
)
_DAY = dt.timedelta(days=1)
# Guesses: days by which people and models are off, a week where "last Friday" may be either, and a
# year where "last summer" may; years of what is told without words for its date, back and ahead.
_OFF, _OFF_BY_A_WEEK, _OFF_BY_A_YEAR = 4 * _DAY, 8 * _DAY, 366 * _DAY
_BACK, _AHEAD = 120, 50


class _Reading(NamedTuple):
    """What a date in words may mean.

    Attributes:
        meant: The period.
        off: By how much people and models are off.
        alone: Whether it stands alone.
        season: Whether it is one.
    """

    meant: Period
    off: dt.timedelta
    alone: bool
    season: bool


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
        What was told, or ``None`` if there is none to believe; it may be a part of a week, a month
        or a year, such as a weekend. And a doubt in words, or ``None``.
    """
    phrase = " ".join(when.lower().split()).strip(" .,\"'")
    heard = [turn for turn in turns if phrase and phrase in " ".join(turn.text.lower().split())]
    if not written.strip():
        return _named(phrase, heard, ahead=ahead), None
    latest = max(turn.time for turn in turns)
    found = period(written, latest.tzinfo)
    if found is None:
        return None, f"its date {written[:20]!r} is no date"
    read = [each for turn in heard for each in _readings(phrase, turn.time)]
    if not heard:
        read = [each for turn in turns for each in _readings(turn.text, turn.time)]
    near = [each for each in read if _is_near(found, each.meant.start, each.meant.end, each.off)]
    year = re.compile(rf"\b{found.start.year}\b")
    if near or any(year.search(turn.text) for turn in turns):
        alone = [each for each in near if heard and each.alone]
        return _as_told(found, alone), None
    doubt = None
    if heard and read:
        doubt = f"the words {phrase[:40]!r} do not mean {written}"
    elif found.start > latest and not (ahead and found.start.year < latest.year + _AHEAD):
        doubt = f"its date {written} lies ahead, and nobody said so"
    elif found.start.year < latest.year - _BACK:
        doubt = f"its date {written} is too long ago"
    if doubt is not None:
        return None, doubt
    lately = any(_is_near(found, turn.time, turn.time, _OFF) for turn in turns)
    return found, None if heard or lately else f"nobody said when, and it says {written}"


def _is_near(found: Period, start: dt.datetime, end: dt.datetime, off: dt.timedelta) -> bool:
    # By differences: at the ends of the calendar there are no days around a date.
    return start - found.end < off and found.start - end < off


def absolute(statement: str, time: dt.datetime, *, ahead: bool) -> str:
    """The statement with "last Friday" as the day it was."""
    direction: Direction = "future" if ahead else "nearest"
    for date in reversed(mentions(statement, time, direction=direction)):
        begin, end = date.span
        if _RELATIVE.match(statement[begin:end]):
            statement = f"{statement[:begin]}{date.words}{statement[end:]}"
    return statement


def _named(phrase: str, heard: Sequence[WriterTurn], *, ahead: bool) -> Period | None:
    """What words for a date mean, where the model did not work it out."""
    direction: Direction = "future" if ahead else "nearest"
    for turn in heard:
        for date in mentions(phrase, turn.time, direction=direction):
            return Period(date.start, date.end, date.precision)
    return None


def _as_told(found: Period, read: Sequence[_Reading]) -> Period:
    """A date no more exact than the words for it."""
    vaguer = [each for each in read if is_finer(found.precision, each.meant.precision)]
    if any(each.season for each in vaguer):
        return _of_a_season(found, [each.meant for each in vaguer])
    meant = (each.meant for each in vaguer)
    return min(meant, key=lambda each: abs(each.start - found.start), default=found)


def _of_a_season(found: Period, seasons: Sequence[Period]) -> Period:
    """The season in which a date lies, as far as that is of its year; the date itself in none."""
    within = (each for each in seasons if each.start <= found.start < each.end)
    meant = next(within, found)
    year = first_moment(found.start, "year")
    return Period(max(meant.start, year), meant.end, "year")


def _readings(words: str, time: dt.datetime) -> list[_Reading]:
    """All that dates in these words may mean."""
    found = []
    for direction in get_args(Direction):
        text = words
        dates = readings(text, time, direction=direction)
        if not dates:
            text = f"on {words[:80]}"  # a bare "Friday"
            dates = readings(text, time, direction=direction)
        for date in dates:
            off = _OFF_BY_A_WEEK if _WEEKDAY.search(text, *date.span) else _OFF
            off = max(_OFF_BY_A_YEAR if date.season else off, date.end - date.start)
            begin, end = date.span
            found.append(
                _Reading(
                    meant=Period(date.start, date.end, date.precision),
                    off=off,
                    alone=_BESIDE.fullmatch(f"{text[:begin]} {text[end:]}") is not None,
                    season=date.season,
                )
            )
    return found
