"""Facts that a turn's speaker states, read by rules: no model, nothing that was not said."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace

from lightmem_integrations.consolidation.write import clauses, grammar
from lightmem_integrations.consolidation.write.correction import SLIP
from lightmem_integrations.consolidation.write.fact_patterns import (
    DIED,
    ENDS,
    PARTED,
    PATTERNS,
    PLACEHOLDER,
    POSSESSED,
    RELATED,
    Pattern,
)
from lightmem_integrations.knowledge.drafts import FactDraft, WriterTurn
from lightmem_integrations.text.sentences import without_quotations
from lightmem_integrations.text.temporal import CALENDAR, Mention, mentions
from lightmem_integrations.text.terms import terms

_UNTRUE = re.compile(
    r"^(?:it|that) (?:is not true|is wrong|is false|is not the case) that (?=I )", re.I
)
_CUT = re.compile(
    r" (?:because|which|but|although|though|so that|while|when|where|until|'cause|cuz|btw)\b"
    r"| (?=I (?:am|was|have|had|will|did|got|feel|felt)\b)"
    r"|,? (?:so|and|then) (?=(?:I|it|they|he|she|we|that|this|there|so|am|is|was|were|had|have|"
    r"got|the|just|really|found|saw|felt|let|can|made|all|has|now)\b)"
    r"|, ?(?=(?:so|it|its|which|who|but|though|he|she|they|that|this|not|you|thanks|where|"
    r"especially|like|with|making|hoping|trying|even|plus|right|too|how|can|could|what|any|please|"
    r"is|do|does|should|will|would)\b)|[!?:;(]"
    rf"|,? (?:{SLIP})(?=,? [A-Z])| (?:after all\b|now$)"
)
# What is denied is named first: "not allergic to nuts, the test was negative".
_DENIED = re.compile(r",|$")
_EMPTY = re.compile(
    r"^(?:nothing|none|nobody|no one|neither|nowhere|"
    r"it|this|that|these|those|them|him|her|you|your|how|what|when|the way|me|us|here|there|"
    r"so|some(?:thing|one)|anything|everything|ones?|being able|sure|to (?:be|see|hear)|lots?|all|"
    r"a (?:lot|blast|ball|break|while|look|bit|few|hard|rough|tough|difference)|"
    r"an? (?:\w+ )?(?:good|great|awesome|amazing|wonderful|fun) time|"
    r"the (?:chance|opportunity|idea)|time|back|in touch|hearing|seeing|care|great|good|such|"
    r"more|right|rid|better|off|out|up|on|over|through|ready|tired|really|pretty|like|lost|into|done|working|to|it)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"^(?:the|his|her|their|its)\b|\b(?:it|this|these|those|them|thought)\b", re.I
)
_POINTING_END = re.compile(r"\bit\b|\b(?:this|that|them|those)$", re.IGNORECASE)
_YOU = re.compile(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
_HANGING = re.compile(r"\b(?:of|in|at|to|on|for|with|from|by|and|or|the|a|an|my|our)(?:,|$)")
# A date that says something else than when it happened: "my 18 July meeting", "due by Friday".
_ATTACHED = re.compile(
    r"\b(?:of|for|by|than|until|before|after|to|from|and|or|the|an?|my|our|their|his|her|its|your|"
    r"this|that|'s) $",
    re.IGNORECASE,
)
# What a date leaves between commas, and before a mark.
_HOLE = re.compile(r"(?: ?,){1,9}(?= |$)")
_BEFORE_MARK = re.compile(r" (?=[.,!])")
_PROPER = re.compile(r"\b[A-Z][\w'-]{1,40}(?: (?:of |the )?[A-Z][\w'-]{1,40}){0,5}")
# Guesses: a value of more words is a story; a longer taste names nothing to be liked again.
_MOST_WORDS = 20
_MOST_WORDS_OF_A_TASTE = 5
_TITLES = frozenset({"Mr", "Mrs", "Ms", "Dr", "Sr", "Frau", "Herr"})
# Their patterns say enough: "lost my job", "broke up".
_WHOLE = frozenset({"job", "career", "education", "relationship"})
_LIKES = {"so": "likes", "not": "does not like", "ended": "no longer likes", "once": "used to like"}
_DISLIKES = frozenset({"hate", "dislike", "loathe", "cannot stand"})
_LATELY = re.compile(r"(?: (?:now|again|nowadays|these days|too|as well)){1,3}$", re.IGNORECASE)
_DIET = re.compile(r"^(?:eat|drink) (?P<value>.+)")


def facts(turn: WriterTurn, pointer: int) -> Iterator[FactDraft]:
    """Facts that a turn states: what lasts, what happened, and what is not so or has ended.

    Questions, suppositions, orders, stories, quotations and reports of what others said state
    nothing, nor do the machine's own turns (an assistant without a person's name, a tool, the
    system), nor a text so long that it was hardly just said.

    Args:
        turn: What was said.
        pointer: Its place in the episode.
    """
    nameless = turn.speaker.strip().lower() in grammar.NAMELESS
    machine = turn.role in {"system", "tool"} or (turn.role == "assistant" and nameless)
    if machine or clauses.is_pasted(turn.text) or not clauses.is_own_word(turn.text):
        return
    speaker = "user" if nameless else turn.speaker.strip()
    for sentence in clauses.standing_sentences(turn.text):
        for fact in _stated(sentence, speaker, turn.time):
            yield replace(fact, evidence=(pointer,))


def _stated(sentence: str, speaker: str, time: dt.datetime) -> Iterator[FactDraft]:
    yield from _kin(without_quotations(sentence), speaker, time)
    for clause in clauses.statements(sentence):
        dates = mentions(clause, time)
        if any(_is_attached(date, clause) for date in dates):
            continue
        bare = _without(dates, clause)
        yield from _ends(bare, speaker, dates, time)
        fact = _possession(clause, speaker, time) or _statement(bare, speaker, dates, time)
        if fact is not None:
            yield fact


def _is_attached(date: Mention, clause: str) -> bool:
    begin, end = date.span
    # Of a range, only the beginning is read.
    return bool(_ATTACHED.search(clause[:begin])) or clause[end : end + 1] in {"-", "\u2013", "'"}


def _without(dates: list[Mention], clause: str) -> str:
    for date in reversed(dates):
        clause = f"{clause[: date.span[0]]} {clause[date.span[1] :]}"
    clause = _HOLE.sub(",", " ".join(clause.split()))
    return grammar.without_lead(_BEFORE_MARK.sub("", clause))


def _kin(sentence: str, speaker: str, time: dt.datetime) -> Iterator[FactDraft]:
    """Relations of named people, as in "my sister Lena": said in passing, so in questions too."""
    if DIED.match(sentence) or PARTED.search(sentence):
        return
    for found in RELATED.finditer(sentence):
        relation, name = found["relation"].lower(), found["name"]
        if not CALENDAR.fullmatch(name) and name not in _TITLES:
            yield _about(speaker, relation, name, time, single=False)


def _ends(bare: str, speaker: str, dates: list[Mention], time: dt.datetime) -> Iterator[FactDraft]:
    """The end of something, by its verb: "sold my car", "left Siemens"; only if it was known."""
    stated = grammar.parse(bare, speaker)
    ends: list[tuple[tuple[str, ...], re.Match[str] | None]] = [(("pet",), DIED.match(bare))]
    if stated is not None and stated.subject == speaker and stated.polarity == "so":
        ends += [(names, verb.match(stated.predicate)) for names, verb in ENDS]
    until = min(dates[0].start, time) if dates else time
    for names, found in ends:
        value = _value(found["value"] or found["name"]) if found else ""
        for name in names if terms(value) else ():
            told = f"{grammar.called(speaker)}: {grammar.others_words(bare)}"
            fact = _about(speaker, name, value, time, single=False)
            yield replace(fact, statement=told, valid_from=None, valid_to=until, denies=True)


def _possession(clause: str, speaker: str, time: dt.datetime) -> FactDraft | None:
    """As in "my favourite food is ramen", "my son is called Max"."""
    found = POSSESSED.match(grammar.without_lead(clause))
    if found is None:
        return None
    value = grammar.others_words(_value(found["value"]))
    what = found["what"] or ("birthday" if found["born"] else f"{found['relation']}'s name")
    if not _is_value(value) or (found["relation"] and not value[0].isupper()):
        return None
    fact = _about(speaker, what.lower(), value, time)
    if found["not"]:
        return replace(fact, valid_from=None, valid_to=time, denies=True)
    return fact


def _about(
    speaker: str, what: str, value: str, time: dt.datetime, *, single: bool = True
) -> FactDraft:
    owner = grammar.called(speaker)
    return FactDraft(
        subject=speaker,
        attribute=what,
        value=value,
        statement=f"{owner[0].upper()}{owner[1:]}'s {what} is {value}.",
        evidence=(),
        entities=_names(value),
        valid_from=time,
        single=single,
        confidence=0.7,  # a guess: the words leave no doubt whose it is
    )


def _statement(
    clause: str, speaker: str, dates: list[Mention], time: dt.datetime
) -> FactDraft | None:
    untrue = _UNTRUE.match(clause)
    stated = grammar.parse(clause[untrue.end() :] if untrue else clause, speaker)
    if stated is not None and untrue:
        stated = replace(stated, polarity="not") if stated.polarity == "so" else None
    found = _recognised(stated) if stated else None
    if stated is None or found is None:
        return None
    pattern, match = found
    if pattern.kind == "past":
        # "For three years" ended at an unknown time.
        dates = [date for date in dates if not date.lasting]
    # "Born in May" leaves out the year, and it was no year lately.
    date = dates[0] if dates and pattern.attribute != "origin" else None
    undated = date is None and pattern.kind == "dated"
    if undated or (date is not None and date.start > time and pattern.kind != "taste"):
        return None
    begin = match.start("value")
    cut = min(_cut(stated.predicate, begin), match.end("value"))
    if stated.polarity != "so" and (first := _DENIED.search(stated.predicate, begin)):
        cut = min(cut, first.start())
    value = stated.predicate[begin:cut].strip(" ,.!-'")
    filed = _filed(pattern, match, grammar.others_words(value), stated)
    if filed is None or not _says_something(value, pattern):
        return None
    attribute, kept, single = filed
    own = kept == grammar.others_words(value)
    over = pattern.kind == "past" or (stated.polarity != "so" and own)
    told = replace(stated, predicate=stated.predicate[:cut].strip(" ,.!-'"))
    then = min(date.start, time) if date else time
    return FactDraft(
        subject=stated.subject,
        attribute=attribute,
        value=kept,
        statement=grammar.sentence(told, date.words if date else None),
        evidence=(),
        entities=_names(value),
        valid_from=None if over else then,
        valid_to=then if over else None,
        single=single,
        confidence=0.6 if stated.subject == speaker else 0.5,  # guesses: of others, less
        denies=own and stated.polarity == "not",
    )


def _recognised(stated: grammar.Stated) -> tuple[Pattern, re.Match[str]] | None:
    """The first pattern that fits, if it can be said with this polarity."""
    if stated.polarity in {"so", "not"} and (diet := _DIET.match(stated.predicate)):
        return _FOOD, diet
    for pattern in PATTERNS:
        match = pattern.expression.match(stated.predicate)
        if match:
            # That something did not happen, or is not planned, is no memory of its own.
            lasting = pattern.kind in {"state", "taste"}
            return (pattern, match) if stated.polarity == "so" or lasting else None
    return None


_FOOD = Pattern("diet", "state", single=False, expression=_DIET)


def _is_value(value: str) -> bool:
    return bool(
        terms(value)
        and not (_EMPTY.match(value) or PLACEHOLDER.search(value))
        and not _YOU.search(value)
        and len(value.split()) <= _MOST_WORDS
    )


def _says_something(value: str, pattern: Pattern) -> bool:
    if _HANGING.search(value) or _YOU.search(value) or len(value.split()) > _MOST_WORDS:
        return False
    if pattern.attribute in _WHOLE:
        return True
    # The value of an event begins with its verb; what was done stands behind it.
    thing = value.partition(" ")[2] if pattern.attribute == "event" else value
    if not (thing.isdigit() or _is_value(thing)):
        return False
    # A taste for something pointed at ("the colors", "this") is praise of what was just shown.
    return not (_POINTING_END if pattern.kind != "taste" else _POINTING).search(thing)


def _filed(
    pattern: Pattern, match: re.Match[str], value: str, stated: grammar.Stated
) -> tuple[str, str, bool] | None:
    """Attribute, value, and whether there is one such value at a time; None for no fact.

    A taste is filed under what it is for, so that "loves coffee" and "no longer likes coffee" are
    two values of one thing, and liking tea is another.
    """
    if pattern is _FOOD:
        return ("diet", f"no {value}", False) if stated.polarity == "not" else None
    if pattern.kind != "taste":
        return pattern.attribute, value, pattern.single
    value = _LATELY.sub("", value)
    if len(value.split()) > _MOST_WORDS_OF_A_TASTE:
        return None
    said = _LIKES[stated.polarity]
    if match["verb"] in _DISLIKES:
        said = {"so": "does not like", "not": "likes"}.get(stated.polarity, said)
    return f"taste for {value.lower()}", said, True


def _cut(text: str, begin: int) -> int:
    found = _CUT.search(text, begin)
    return found.start() if found else len(text)


def _value(text: str) -> str:
    return text[: _cut(text, 0)].strip(" ,.!-'")


def _names(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_PROPER.findall(value)))
