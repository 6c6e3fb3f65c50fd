"""Corrections in the next breath: "sorry, I meant Porto, not Lisbon"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from lightmem_integrations.knowledge.drafts import FactDraft, WriterTurn
from lightmem_integrations.text.terms import terms

_WORDS = r"[^,.;:!?\n]{1,60}"
_NEW, _OLD = rf"(?P<new>{_WORDS})", rf"(?P<old>{_WORDS})"
_MEANT = r"\bI (?:meant|mean)(?: to (?:say|write|type))?"
# A name alone, said in the place of the one before: "Porto, or rather Faro".
_PART = r"(?-i:[A-Z])(?:[\w'-]|\.(?= )){1,30}"
_NAME = rf"(?P<new>{_PART}(?: {_PART}){{0,3}})"
SLIP = r"(?:or rather|no|er+m?|u[hm]+|sorry|(?:well,? )?actually|wait|I mean)\b"
"""How people begin to put a word right that they have just said."""
_OOPS = r"\b(?:sorry|oops|wait|no|correction|actually)"
# Best first: what is meant and what is not, what is meant, what is not, and a bare taking back.
_CORRECTIONS = tuple(
    re.compile(expression, re.IGNORECASE)
    for expression in (
        rf"{_MEANT},? {_NEW},? (?:and )?not {_OLD}",
        rf"{_MEANT},? not {_OLD}, ?(?:but )?{_NEW}",
        rf"{_OOPS},? {_NEW}, not {_OLD}",
        rf"{_OOPS},? not {_OLD}, ?(?:but )?{_NEW}",
        rf"\bI (?:meant|mean) to (?:say|write|type) {_NEW}",
        rf"{_OOPS},? I (?:meant|mean) {_NEW}",
        rf"^I meant {_NEW}",
        r"(?:^|[.!] )(?:I mean|(?:oops|wait|sorry),? no|no,? wait|nope|actually,? make (?:that|it))"
        rf",? {_NAME}[.!]?$",
        rf"\bcorrection: {_NEW}",
        rf"\b(?!(?:wait|oops|sorry|well|ok)\b)(?P<old>{_PART})"
        rf"(?:(?:,| [-\u2013\u2014]) {SLIP}|[.!] no\b),? {_NAME}[.!]?$",
        rf"{_OOPS},? (?:it is |it's )?not {_OLD}",
        r"\b(?:scratch that|strike that|I misspoke|my mistake|I mistyped|I take that back|"
        r"(?:that was|that's|that is) (?:wrong|a lie|a typo|a joke|false|incorrect|"
        r"not (?:true|right))|"
        r"(?:just|only|was|am|I'm) (?:kidding|joking)|not really(?=[.!]|$)|"
        r"(?:forget|ignore|disregard) (?:that(?=[.,!]|$)|what I (?:just )?said|my last message))\b",
        # What is meant instead is not plain, or nothing is.
        r"(?:^|[.!] )(?:(?:no,? )?wait|oops|nope|typo|edit|jk|psych)\b[^?\n]{0,60}$"
        r"|(?:^|[.!,] )(?:not(?: any ?more)?(?:,? though)?|as if|had|I wish|in my dreams|"
        r"said no ?(?:one|body) ever)\b[.!]{0,3}(?: (?:lol|haha))?$"
        r"|(?:^|[.!] )(?:sorry|actually),? (?:make (?:that|it) |it's |it is )?"
        r"(?:\d|(?-i:[A-Z])[\w'-]{1,30}[.!]?$)|^\*[^*\n]{1,40}$",
    )
)
_PLAIN = re.compile(
    r"^(?!(?:I|we|my|our|it|that|you|he|she|they)\b)(?:an? |the |in |at |for |from |to )?"
    r"[\w'.-]{1,30}(?: [\w'.-]{1,30}){0,3}$",
    re.IGNORECASE,
)
# A guess: who takes something back does so in a few words, at the beginning.
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction: the words meant instead of the words said; either may be left open."""

    new: str | None
    old: str | None

    def applied(self, fact: FactDraft, place: int) -> FactDraft | None:
        """The fact as it was meant, unchanged if it was not, and None if that is unclear.

        Args:
            fact: One that the same person stated just before, or in the same breath.
            place: The turn that corrects.
        """
        said, meant = set(terms(fact.value)), set(terms(self.new or ""))
        if self.old is not None and not said.issuperset(terms(self.old) or [""]):
            return fact
        if meant and meant <= said and not fact.denies:
            return fact  # it was said anew: "I meant I live in Porto"
        value = fact.value if self.old is None else self.old
        begin = fact.statement.find(value)
        if self.new is None or begin < 0 or not _PLAIN.match(self.new) or fact.denies:
            return None
        return replace(
            fact,
            value=fact.value.replace(value, self.new),
            statement=f"{fact.statement[:begin]}{self.new}{fact.statement[begin + len(value) :]}",
            evidence=tuple(sorted({*fact.evidence, place})),
            entities=tuple({**dict.fromkeys(fact.entities), self.new: None}),
        )


def correction_of(turn: WriterTurn) -> Correction | None:
    """The correction that a turn makes of what its speaker has just said, if it makes one."""
    text = turn.text[:_LONGEST].strip().replace("\u2019", "'")
    for expression in _CORRECTIONS:
        found = expression.search(text)
        if found:
            groups = found.groupdict()
            new, old = groups.get("new"), groups.get("old")
            return Correction(new.strip() if new else None, old.strip() if old else None)
    return None
