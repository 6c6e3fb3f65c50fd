"""Facts that a turn's speaker states, read by rules: no model, nothing that was not said."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace

from lightmem_integrations.consolidation.write import clauses, grammar
from lightmem_integrations.consolidation.write.fact_patterns import (
    DATED_ONLY,
    PATTERNS,
    RELATIONS,
    VAGUE,
    Pattern,
)
from lightmem_integrations.consolidation.write.grammar import Stated
from lightmem_integrations.knowledge.drafts import FactDraft, WriterTurn
from lightmem_integrations.text.sentences import sentences, without_quotations
from lightmem_integrations.text.temporal import CALENDAR, Mention, mentions
from lightmem_integrations.text.terms import terms

_NAMED = re.compile(
    rf"^(?:[Mm]y|[Oo]ur) (?P<relation>{RELATIONS})(?:'s name is| is (?:named|called)) "
    r"(?P<value>[A-Z]\w+)"
)
_POSSESSED = re.compile(
    r"^[Mm]y (?P<what>name|birthday|favou?rite (?:[\w-]+ ?){1,3})(?: is| are|'s) (?P<value>.+)"
)
_BORN = re.compile(
    r"^(?:I was born on|[Mm]y birthday is(?: on)?) (?P<value>(?:the )?(?:\d|"
    r"[A-Z])[\w ,]{2,24}?)(?:[.!;]|$)"
)
_RELATED = re.compile(
    rf"\b[Mm]y (?:(?:older|younger|little|big|elder|twin|new|dear|"
    rf"lovely) )?(?P<relation>{RELATIONS}),? "
    r"(?P<name>[A-Z][a-z]+)\b(?! [A-Z])"
)
_FUTURE = re.compile(r"\b(?:will|going to|plan|planning|next|about to|(?:am|are|is) \w+ing)\b")
_CUT = re.compile(
    r"\s+(?:because|which|but|although|though|so that|while|when|where|until|'cause|cuz|btw)\b"
    r"|\s+(?=I (?:am|was|have|had|will|did|got|feel|felt)\b)"
    r"|,?\s+(?:so|and|then) (?=(?:I|it|they|he|she|we|that|this|there|so|am|is|was|were|had|have|"
    r"got|the|just|really|found|saw|felt|let|can|made|all|has|now)\b)"
    r"|,\s*(?=(?:so|it|its|which|who|but|though|he|she|they|that|this|not|you|thanks|where|"
    r"especially|like|with|making|hoping|trying|even|plus|right|too)\b)|[!?:;(]|\.(?:\s|$)"
)
_EMPTY = re.compile(
    r"^(?:it|this|that|these|those|them|him|her|you|your|how|what|when|the way|me|us|here|there|"
    r"so|some(?:thing|one)|anything|everything|ones?|being able|sure|to (?:be|see|hear)|lots?|all|"
    r"a (?:lot|blast|ball|break|while|look|bit|few|hard|rough|tough|difference)|"
    r"an? (?:\w+ )?(?:good|great|awesome|amazing|wonderful|fun) time|"
    r"the (?:chance|opportunity|idea)|time|back|in touch|hearing|seeing|care|great|good|such|"
    r"more|right|rid|better|off|out|up|on|over|through|ready|tired|really|pretty|like|lost|into|done|working|to|it)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"^(?:the|his|her|their|its)\b|\b(?:it|this|these|those|them|you|your|thought)\b", re.IGNORECASE
)
_POINTING_END = re.compile(r"\b(?:it|this|that|them|those|you)$", re.IGNORECASE)
_HANGING = re.compile(r"\b(?:of|in|at|to|on|for|with|from),")
# Where a date stood between commas.
_HOLE = re.compile(r"(?: ?,)+(?= |$)")
_PROPER = re.compile(r"\b[A-Z][\w'-]+(?: (?:of |the )?[A-Z][\w'-]+)*")
# Guesses: a value of more words is a story, an event of fewer terms says too little by itself.
_MOST_WORDS = 20
_FEW_TERMS = 4
_TITLES = frozenset({"Mr", "Mrs", "Ms", "Dr", "Sr", "Frau", "Herr"})
# Their patterns say enough: "lost my job", "broke up".
_WHOLE = frozenset({"job", "career", "education", "relationship"})
# A guess: a longer one names no thing that could be liked again.
_MOST_WORDS_OF_A_TASTE = 5
_LIKES = {"so": "likes", "not": "does not like", "ended": "no longer likes", "once": "used to like"}
_DISLIKES = {"hate", "dislike", "loathe", "cannot stand"}


def facts(
    turn: WriterTurn, pointer: int, speakers: tuple[str, ...], known: tuple[str, ...] = ()
) -> Iterator[FactDraft]:
    """Facts that a turn states: what lasts, and what happened.

    Questions, suppositions, orders, quotations and reports of what others said state nothing, nor
    do the machine's own turns (an assistant without a person's name, a tool, the system).

    Args:
        turn: What was said.
        pointer: Its place in the episode.
        speakers: Names of those who speak in the episode.
        known: Other names in it, of whom something may be stated.
    """
    nameless = turn.speaker.strip().lower() in grammar.NAMELESS
    machine = turn.role in {"system", "tool"} or (turn.role == "assistant" and nameless)
    if machine or not clauses.is_own_word(turn.text):
        return
    speaker = "user" if nameless else turn.speaker.strip()
    others = [each for each in speakers if each.strip() != speaker]
    addressee = (
        others[0] if len(others) == 1 and others[0].lower() not in grammar.NAMELESS else None
    )
    for sentence in sentences(turn.text):
        if sentence.endswith(":"):
            return  # What follows is a list or somebody else's text.
        for kin in _kin(without_quotations(sentence), speaker, turn.time):
            yield replace(kin, evidence=(pointer,))
        for clause in clauses.statements(sentence):
            dates = mentions(
                clause, turn.time, direction="future" if _FUTURE.search(clause) else "nearest"
            )
            bare = _without(dates, clause)
            fact = _possession(clause, bare, speaker, turn.time) or _statement(
                bare, speaker, (*speakers, *known), addressee, dates, turn.time
            )
            if fact is not None:
                yield replace(fact, evidence=(pointer,))


def _without(dates: list[Mention], clause: str) -> str:
    for date in reversed(dates):
        clause = f"{clause[: date.span[0]]} {clause[date.span[1] :]}"
    return grammar.without_lead(_HOLE.sub(",", " ".join(clause.split())))


def _kin(sentence: str, speaker: str, time: dt.datetime) -> Iterator[FactDraft]:
    """Relations of named people, as in "my sister Lena": said in passing, so in questions too."""
    for found in _RELATED.finditer(sentence):
        relation, name = found["relation"].lower(), found["name"]
        if not CALENDAR.fullmatch(name) and name not in _TITLES:
            yield _about(speaker, relation, name, time, single=False)


def _possession(clause: str, bare: str, speaker: str, time: dt.datetime) -> FactDraft | None:
    """As in "my favourite food is ramen", "my son is called Max"; ``bare`` is without dates."""
    born = _BORN.match(grammar.without_lead(clause))
    if born:
        return _about(speaker, "birthday", born["value"].strip(" ,.!"), time)
    found = _NAMED.match(bare) or _POSSESSED.match(bare)
    if found is None:
        return None
    what = found.groupdict().get("relation")
    what = f"{what.lower()}'s name" if what else found["what"].strip().lower()
    value = found["value"][: _cut(found["value"], 0)].strip(" ,.!-'")
    if not terms(value) or _EMPTY.match(value) or len(value.split()) > _MOST_WORDS:
        return None
    return _about(speaker, what, grammar.others_words(value, None), time)


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
        confidence=0.7,
    )


def _statement(
    clause: str,
    speaker: str,
    known: tuple[str, ...],
    addressee: str | None,
    dates: list[Mention],
    time: dt.datetime,
) -> FactDraft | None:
    stated = grammar.parse(clause, speaker, known)
    found = _recognised(stated) if stated else None
    if stated is None or found is None:
        return None
    pattern, match = found
    if pattern.kind == "event" and dates and dates[0].start > time:
        pattern = _ARRANGED
    if pattern.kind == "plan":
        dates = [date for date in dates if date.end > time]
    if pattern.kind == "past":
        # "For three years" ended at an unknown time.
        dates = [date for date in dates if not date.lasting]
    date = dates[0] if dates else None
    begin = match.start("value")
    cut = min(_cut(stated.predicate, begin), match.end("value"))
    value = stated.predicate[begin:cut].strip(" ,.!-'")
    vague = (pattern.kind == "plan" and DATED_ONLY.match(stated.predicate)) or (
        pattern.attribute == "event"
        and VAGUE.match(stated.predicate)
        and (len(terms(value)) <= _FEW_TERMS or stated.predicate.startswith("have got"))
    )
    if vague and date is None:
        return None
    if not _says_something(value, pattern):
        return None
    told = replace(stated, predicate=stated.predicate[:cut].strip(" ,.!-'"))
    value = grammar.others_words(value, addressee)
    attribute, kept, single = _filed(pattern, match, value, stated)
    over = pattern.kind == "past" or (stated.polarity in {"ended", "once"} and kept == value)
    return FactDraft(
        subject=stated.subject,
        attribute=attribute,
        value=kept,
        statement=grammar.sentence(told, addressee, date.words if date else None),
        evidence=(),
        entities=_names(value),
        valid_from=_since(pattern, date, time, over=over),
        valid_to=_until(pattern, date, time, over=over),
        single=single,
        confidence=0.6 if stated.subject == speaker else 0.5,
    )


def _recognised(stated: Stated) -> tuple[Pattern, re.Match[str]] | None:
    """The first pattern that fits, if it can be said with this polarity."""
    if stated.polarity == "not" and (diet := _DIET.match(stated.predicate)):
        return _DENIED_FOOD, diet
    for pattern in PATTERNS:
        match = pattern.expression.match(stated.predicate)
        if match:
            # That something did not happen, or is not planned, is no memory of its own.
            lasting = pattern.kind in {"state", "taste"}
            may = stated.polarity == "so" or (lasting and stated.polarity != "not")
            return (pattern, match) if may or pattern.kind == "taste" else None
    return None


_ARRANGED = Pattern("plan", "plan", single=False, expression=re.compile("(?P<value>.+)"))
_DIET = re.compile(r"^(?:eat|drink) (?P<value>.+)")
_DENIED_FOOD = Pattern("diet", "state", single=False, expression=_DIET)


def _says_something(value: str, pattern: Pattern) -> bool:
    # The value of an event begins with its verb; what was done stands behind it.
    thing = value.partition(" ")[2] if pattern.attribute == "event" else value
    if pattern.attribute in _WHOLE:
        return len(value.split()) <= _MOST_WORDS
    known = bool(terms(thing)) or thing.isdigit()
    if (
        not known
        or _HANGING.search(value)
        or len(value.split()) > _MOST_WORDS
        or _EMPTY.match(thing)
    ):
        return False
    # A taste for something pointed at ("the colors", "this") is praise of what was just shown.
    return not (_POINTING_END if pattern.kind != "taste" else _POINTING).search(thing)


def _filed(
    pattern: Pattern, match: re.Match[str], value: str, stated: Stated
) -> tuple[str, str, bool]:
    """Attribute, value, and whether there is one such value at a time.

    A taste is filed under what it is for, so that "loves coffee" and "no longer likes coffee" are
    two values of one thing, and liking tea is another.
    """
    if stated.polarity == "not" and pattern is _DENIED_FOOD:
        return "diet", f"no {value}", False
    if pattern.kind != "taste":
        return pattern.attribute, value, pattern.single
    verb = match["verb"]
    said = _LIKES[stated.polarity]
    if verb in _DISLIKES:
        said = {"so": "does not like", "not": "likes"}.get(stated.polarity, said)
    if len(value.split()) > _MOST_WORDS_OF_A_TASTE:
        return "taste", f"{said} {value}", False
    return f"taste for {value.lower()}", said, True


def _since(
    pattern: Pattern, date: Mention | None, time: dt.datetime, *, over: bool
) -> dt.datetime | None:
    if over:
        return None
    if date is None or pattern.kind == "plan":
        return time
    return min(date.start, time) if pattern.kind != "event" or not date.lasting else time


def _until(
    pattern: Pattern, date: Mention | None, time: dt.datetime, *, over: bool
) -> dt.datetime | None:
    if over:
        return min(date.start, time) if date else time
    return date.end if pattern.kind == "plan" and date else None


def _cut(text: str, begin: int) -> int:
    found = _CUT.search(text, begin)
    return found.start() if found else len(text)


def _names(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_PROPER.findall(value)))
