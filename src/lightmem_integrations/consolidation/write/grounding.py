"""Groundedness: a model's fact must stand in the turns that it points to."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lightmem_integrations.consolidation.write.own_words import is_own_word, is_supposed
from lightmem_integrations.consolidation.write.prompts import LONGEST_STATEMENT, LONGEST_WORDS
from lightmem_integrations.knowledge.drafts import FactDraft, WriterTurn
from lightmem_integrations.models.json_answer import one_line
from lightmem_integrations.records.conversation import NAMELESS
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.temporal import mentions
from lightmem_integrations.text.terms import terms

_KEYS = {"subject", "attribute", "value", "statement", "when", "turns"}
# A guess: half of its words, at least, since a paraphrase keeps the nouns.
_LEAST_SHARED = 0.5
_MOST_ATTRIBUTE_WORDS = 4  # a guess: a longer attribute is a sentence
_CONFIDENCE = 0.5  # a guess
_NEGATED = re.compile(
    r"\b(?:not|no longer|never|none|no|cannot|without|nor|stopped|quit|anymore)\b|n't\b",
    re.IGNORECASE,
)
_OVER = re.compile(r"\b(?:no longer|used to|not .{1,60} any ?more|formerly)\b", re.IGNORECASE)
# What somebody does in the conversation itself is in its turns already.
_TALK = re.compile(
    r"^(?:\S+ ){1,3}?(?:is |are |was )?(?:mention|offer|encourag|ask|express|thank|say|said|tell|"
    r"told|talk|discuss|agree|congratulat|suggest|appreciat|prais|support|respond|repl(?:y|ie)|compliment)"
    r"(?:s|es|ed|d|ing|e)?\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_FIRST_PERSON = re.compile(r"\b(?:I|my|me|mine|we|our|us)\b")


class UnsupportedError(ValueError):
    """The turns do not bear a fact out; its text says why."""


def check_grounded(written: object, turns: Sequence[WriterTurn], names: Sequence[str]) -> FactDraft:
    """A model's fact as a draft, if the turns bear it out.

    Its shape is checked, then its pointers, then whom it is about, then that its words, numbers
    and negations stand in those turns. Dates are read from the turns' own words.

    Args:
        written: One item of the model's list, with pointers from 1.
        turns: What the model read.
        names: Speakers and other names in the turns.

    Raises:
        UnsupportedError: It is malformed, or the turns do not bear it out.
    """
    if not isinstance(written, Mapping) or set(written) != _KEYS:
        raise UnsupportedError("it has other keys than asked for")
    if not all(isinstance(written[key], str) for key in _KEYS - {"turns"}):
        raise UnsupportedError("a value that should be text is not")
    pointers = _pointers(written["turns"], len(turns))
    if not pointers:
        raise UnsupportedError("it points to no turn that exists")
    subject = _subject(one_line(written["subject"], LONGEST_WORDS), turns, names)
    if subject is None:
        raise UnsupportedError("it is about nobody in these turns")
    attribute = " ".join(re.findall(r"[a-z][a-z'-]*", one_line(written["attribute"], 200).lower()))
    statement = one_line(written["statement"], LONGEST_STATEMENT)
    value = one_line(written["value"], LONGEST_STATEMENT)
    _check_texts(attribute, value, statement)
    bearing = _bearing(pointers, turns, subject)
    _check_words(statement, value, subject, [turns[place] for place in bearing])
    claimed = set(terms(f"{statement} {value}")) - set(terms(subject))
    proof = [place for place in bearing if claimed & set(terms(turns[place].text))]
    return _draft(subject, attribute, value, statement, written["when"], turns, proof or bearing)


def _check_texts(attribute: str, value: str, statement: str) -> None:
    if not statement or not value or not attribute:
        raise UnsupportedError("its statement, value or attribute is empty")
    if len(attribute.split()) > _MOST_ATTRIBUTE_WORDS:
        raise UnsupportedError("its attribute is no attribute")
    if _FIRST_PERSON.search(statement):
        raise UnsupportedError("its statement cannot stand alone")
    if _TALK.search(statement):
        raise UnsupportedError("it is about the conversation itself")


def _pointers(given: Any, count: int) -> list[int]:
    if not isinstance(given, list):
        return []
    places = {each - 1 for each in given if type(each) is int and 1 <= each <= count}
    return sorted(places)


def _subject(named: str, turns: Sequence[WriterTurn], names: Sequence[str]) -> str | None:
    """The name as the turns have it; a role where nothing else is known of the speaker."""
    lowered = named.lower().removeprefix("the ")
    for turn in turns:
        speaker = turn.speaker.strip()
        if speaker.lower() in NAMELESS and turn.role == "user" and lowered == "user":
            return "user"
    return next((name for name in names if lowered and lowered == name.lower()), None)


def _bearing(pointers: Sequence[int], turns: Sequence[WriterTurn], subject: str) -> list[int]:
    """Those that can prove something of a subject: their own turns, else those that name them."""
    sound = [place for place in pointers if _is_sound(turns[place])]
    own = [place for place in sound if _speaker(turns[place]) == subject]
    return own or [place for place in sound if subject.lower() in turns[place].text.lower()]


def _is_sound(turn: WriterTurn) -> bool:
    """True for a turn of a person, in their own words."""
    machine = turn.role in {"system", "tool"}
    machine = machine or (turn.role == "assistant" and _speaker(turn) == "user")
    return not machine and is_own_word(turn.text)


def _speaker(turn: WriterTurn) -> str:
    """The speaker as facts name them."""
    name = turn.speaker.strip()
    return "user" if name.lower() in NAMELESS else name


def _check_words(statement: str, value: str, subject: str, turns: Sequence[WriterTurn]) -> None:
    """Words, numbers and negations of a fact against the turns that may prove it."""
    if not turns:
        raise UnsupportedError("no turn that it points to is by its subject or names it")
    dates = " ".join(date.words for turn in turns for date in mentions(turn.text, turn.time))
    everything = f"{' '.join(turn.text for turn in turns)} {dates}"
    there, about = set(terms(everything)), set(terms(subject))
    claimed = set(terms(f"{statement} {value}")) - about
    if not claimed or len(claimed & there) < _LEAST_SHARED * len(claimed):
        raise UnsupportedError("its words do not stand in the turns it points to")
    if not (set(terms(value)) - about) & there:
        raise UnsupportedError("its value does not stand in the turns it points to")
    if not set(_NUMBER.findall(f"{statement} {value}")) <= set(_NUMBER.findall(everything)):
        raise UnsupportedError("it has a number that was not said")
    said = [sentence for turn in turns for sentence in sentences(turn.text)]
    nearest = max(said, key=lambda each: len(claimed & set(terms(each))), default="")
    if bool(_NEGATED.search(nearest)) != bool(_NEGATED.search(statement)):
        raise UnsupportedError("it denies what was said, or says what was denied")
    if nearest.endswith("?") or is_supposed(nearest):
        raise UnsupportedError("it was asked or supposed, not said")


def _draft(
    subject: str,
    attribute: str,
    value: str,
    statement: str,
    when: str,
    turns: Sequence[WriterTurn],
    pointers: Sequence[int],
) -> FactDraft:
    first = turns[pointers[0]]
    since, until = first.time, None
    # In the turn's own words only: a date that the model worked out is not taken.
    phrase = one_line(when, LONGEST_WORDS).lower()
    for place in pointers:
        turn = turns[place]
        dates = mentions(phrase, turn.time) if phrase and phrase in turn.text.lower() else []
        if dates:
            since = min(dates[0].start, turn.time)
            break
    over = _OVER.search(statement)
    if over:
        until = first.time
    return FactDraft(
        subject=subject,
        attribute=attribute,
        value=value,
        statement=_absolute(statement, first.time),
        evidence=tuple(pointers),
        entities=(),
        valid_from=None if over else since,
        valid_to=until,
        confidence=_CONFIDENCE,
    )


def _absolute(statement: str, time: dt.datetime) -> str:
    """The statement with "last Friday" as the day it was."""
    for date in reversed(mentions(statement, time)):
        statement = f"{statement[: date.span[0]]}{date.words}{statement[date.span[1] :]}"
    return statement
