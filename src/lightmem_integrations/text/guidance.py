"""Guidance that a user gives for what comes later: standing instructions, and preferences.

Found in English only: a user of another language loses the lift of such turns, no turn; a model's
facts tell of them in any language, and so does what an application declares as such.
"""

from __future__ import annotations

import enum
import itertools
import re
from dataclasses import dataclass, field

from lightmem_integrations.text.own_words import WORK, begins_play, is_own_word
from lightmem_integrations.text.sentences import sentences, without_quotations
from lightmem_integrations.text.terms import terms


class Guidance(enum.IntEnum):
    """Kind of guidance, as a number that is stored; with a turn, of its wishes the first two."""

    STANDING = 1
    PREFERENCE = 2
    TAKEN_BACK = 3
    STATE = 4


# What tells of somebody is no instruction: "Whenever it rains the cellar floods.", "Never been
# there.", "In the future I'll cycle."
_TOLD = r"(?!(?:i|we|you|he|she|it|they|there|this|that|the|my|our|his|her|their|an?)\b)"
_NO_ORDER = (
    r"(?!(?:an?|the|i|my|mind|again|been|up|in|on|at|for|so|too|more|less|good|nice|great|fun|happy"
    r"|had|saw|seen|knew|thought|felt|heard|did|was"
    r"|(?!bring|sing)\w+ing|(?!need|feed|speed|embed)\w+ed)\b)"
)
_ASKS = r"(?:ask|mention|bring up|request|talk about)\b"
_LANGUAGES = (
    r"english|french|german|spanish|italian|portuguese|dutch|danish|swedish|norwegian|finnish"
    r"|polish|czech|greek|turkish|russian|ukrainian|arabic|hebrew|hindi|chinese|mandarin|japanese"
    r"|korean|vietnamese|thai"
)
_STANDING = re.compile(
    r"(?:^|[.!?] )(?:(?:please|also|and|so|but),? ){0,3}"
    rf"(?:(?:always|never|don't ever|do not ever) {_NO_ORDER}|in (?:the )?future,? {_TOLD}"
    r"|(?:going forward|for future reference|as a rule),? (?!(?:i|we)\b)"
    r"|(?:please )?stop (?:using|asking me|calling|suggesting|adding|recommending|mentioning"
    r"|answering|writing|giving|telling|reminding)\b|(?:please )?call me (?:by )?[\w']+[.!]?$"
    rf"|(?:answer|reply|respond|write|speak|talk) (?:to me )?(?:only )?in (?:{_LANGUAGES})\b"
    r"|keep (?:your |the |all )?(?:answers|replies|responses|explanations)\b"
    r"|remember (?:to |that i\b)|(?:can|could|would|will) you (?:please )?(?:always|never)\b"
    r"|(?:don't|do not|avoid) (?:suggest|recommend|mention)(?:ing)?\b"
    r"|(?:don't|do not|avoid|no) (?:us(?:e|ing) |add(?:ing)? )?(?:any )?(?:emojis?|markdown|jargon"
    r"|bullet points|tables|slang)\b"
    r"|(?:every|each) (?:answer|reply|response) (?:should|must)\b"
    r"|when(?:ever)? you (?:answer|reply|respond|write|explain|suggest|recommend|show)\b"
    rf"[^.!?,\n]*, {_TOLD}"
    rf"|(?:whenever|every time|each time)\b[^.!?,\n]*, {_TOLD}(?!\w+ing\b))"
    r"|\bmake sure (?:\w+ ){0,4}?(?:always|never|every)\b"
    rf"|(?<!what )\b(?:when|whenever|if|every time|each time) i {_ASKS}"
    r"|\bfrom now on\b(?!,? (?:i|we|he|she|it|they|the|my|our)\b)"
    r"|\b(?:i want|i'd like|i need) you to (?:always|never)\b|\byou should (?:always|never)\b"
    r"|\b(?:all|every one|each) (?:of )?your (?:future )?(?:answers|replies|responses)\b",
    re.IGNORECASE | re.MULTILINE,
)
_PREFERENCE = re.compile(
    r"\bi(?:'d| would| really| usually| generally| always|'ve always)? "
    r"(?:prefer|rather|like|love|enjoy|hate|dislike|favou?r)\b"
    r"|\bi (?:don't|do not|no longer|never) (?:like|want|enjoy|eat|drink|use)\b|\brather than\b"
    r"|\bi can(?:'t|not) (?:stand|eat|drink)\b"
    r"|\bmy (?:preference|favou?rite)"
    r"|\bi(?:'m| am) (?:a (?:big |huge )?fan of|not a fan|allergic|vegetarian|vegan)",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"\b(?:i|you)\b[^.!?\n]{0,60}\b(?:any ?more|any longer)\b|\bi(?:'m| am)? no longer\b"
    r"|\byou (?:can stop|no longer (?:have|need) to|(?:don't|do not) (?:have|need) to|needn't)\b"
    r"|(?:^|[.!?] )(?:please )?(?:stop \w+ing|no need to|no more)\b"
    r"|\b(?:forget|ignore|drop|scrap) (?:about )?(?:what i said about|(?:that|the|my) (?:rule|wish"
    r"|preference|request|instruction) (?:about|for|to|with))\b",
    re.IGNORECASE | re.MULTILINE,
)
# Of a sentence by itself, what is liked beyond this conversation: neither "I'd like to know" nor
# "I like your idea".
_LASTING = re.compile(
    r"\bi(?:'d| would| really| usually| generally| always|'ve always| still| also| much)* "
    r"(?:prefer(?:red)?(?! (?:option|the (?:first|second|third|former|latter))\b)"
    r"|(?<!'d )(?<!would )(?:like|love|enjoy|hate|dislike|favou?r)"
    r"(?! (?:to (?:know|see|ask|hear|add|have|get|make|start|use|try|find|thank)|it|this|that|these"
    r"|those|the|your|how|what|where|when|you|him|her|them|some|an?)\b))\b"
    r"|\bi (?:don't|do not|no longer|never|can't|cannot) (?:like|enjoy|eat|drink|stand)\b"
    r"(?! (?:it|this|that|the|how)\b)"
    r"|\bi(?:'m| am)? (?:always )?try(?:ing)? to (?:keep|avoid)\b|\bi (?:tend to|avoid)\b"
    r"|\bmy (?:\w+ )?(?:preference|favou?rite)"
    r"|\bi(?:'m| am) (?:a (?:big |huge )?fan of|not a fan|(?:\w+[ -])?(?:allergic|vegetarian|vegan"
    r"|intolerant|diabetic|co?eliac|dyslexic|colou?r-?blind))\b"
    r"|\bi have an? (?:[\w-]+ )?(?:allergy|intolerance)\b|\bmy pronouns\b|\bi go by\b",
    re.IGNORECASE,
)
_FAVOURITE = re.compile(r"\bmy (?:new )?favou?rite ([\w ]{1,30}?) (?:is|are)\b", re.IGNORECASE)
_NEGATIVE = re.compile(r"\b(?:never|not|no|avoid|without|stop)\b|n't\b", re.IGNORECASE)

_LONGEST = 160  # characters of a wish; a guess: one line of a profile
_MOST = 32  # wishes of one message, the last; a guess: more is a text that somebody else wrote
_JOINT = re.compile(r"[,;:] +| (?=(?:but|because|so|and|considering|given that) )")
_REQUEST = re.compile(
    r"(?:and |so |but )*(?:can|could|would|will) you\b|(?:and |so |but )*(?:how|what|where) "
    r"|considering\b|given that\b|but i'm not sure\b|and i'm not sure\b|please help",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^(?:[-*\u2022#]+|\d+[.)])(?:\s+|$)")
# A line behind which stands a text to work on, or to look at: somebody else may have written it.
_TEXTS = (
    r"texts?|e-?mails?|mails?|messages?|letters?|articles?|documents?|docs?|posts?|notes?|pages?"
    r"|reviews?|reports?|transcripts?|paragraphs?|excerpts?|passages?|abstracts?|prompts?|quotes?"
    r"|drafts?|essays?|chats?|conversations?|threads?|tickets?|comments?|readme|files?|output"
)
_NAMES_TEXT = re.compile(rf"\b(?:{_TEXTS}|{WORK}|following|below)\b", re.IGNORECASE)
_SHOWS_TEXT = re.compile(
    r"(?:^|[.!?] )(?:here(?:'s| is| are)|below is|this is|i (?:just )?(?:got|received|found))\b"
    rf".{{0,80}}\b(?:{_TEXTS})\b",
    re.IGNORECASE,
)
_INTRODUCTION = 240  # characters at the end of a line that are looked at for this; a guess
_CONJUNCTIONS = re.compile(r"^(?:(?:so|and|but|because|also|well)\b,? )+", re.IGNORECASE)
# Words that say that something is wished, not what.
_CUES = frozenset(
    terms(
        "always never please now on future whenever every time ask make sure want need prefer like"
        " love enjoy hate dislike favourite favorite rather really usually generally longer more"
        " anymore any stop instead not no don't can't cannot stand fan new actually"
    )
)
_SAME = 0.6  # share of the shorter one's words that both have; a guess
_SLOT_WORDS = frozenset(terms(_LANGUAGES.replace("|", " ")))


@dataclass(frozen=True, slots=True)
class Wish:
    """A sentence, or a part of one, that gives guidance or takes it back.

    Attributes:
        guidance: Its kind.
        text: Its words.
        revokes: Whether it says that something is over.
        terms: Its index terms without those that only say that it is a wish.
        favourite: Of what it tells the favourite, in lower case; empty for other wishes.
    """

    guidance: Guidance
    text: str
    revokes: bool
    terms: frozenset[str] = field(init=False)
    favourite: str = field(init=False)

    def __post_init__(self) -> None:
        favourite = _FAVOURITE.search(self.text)
        object.__setattr__(self, "favourite", favourite[1].lower() if favourite else "")
        object.__setattr__(self, "terms", frozenset(terms(self.text)) - _CUES)

    def overtakes(self, older: Wish) -> bool:
        """Whether an older wish does not count any more once this was said."""
        if self.text.casefold() == older.text.casefold() or not (self.terms and older.terms):
            return False
        both = self.terms & older.terms
        if self.revokes:
            fewer, more = sorted((len(self.terms), len(older.terms)))
            return len(both) >= _SAME * fewer and (len(both) > 1 or more <= 2)  # noqa: PLR2004
        if self.guidance == Guidance.TAKEN_BACK or self.guidance != older.guidance:
            return False
        if self.favourite and self.favourite == older.favourite:
            return True
        return self.terms == older.terms or (bool(both) and self._fills_slot_of(older))

    def _fills_slot_of(self, older: Wish) -> bool:
        """Whether they differ by a language or a number alone: "in French", "in German"."""
        differing = self.terms ^ older.terms
        if len(differing) != 2 or len(self.terms) != len(older.terms):  # noqa: PLR2004
            return False
        if _NEGATIVE.search(self.text) or _NEGATIVE.search(older.text):
            return False
        return _SLOT_WORDS.issuperset(differing) or all(each.isdigit() for each in differing)


def guidance_of(text: str) -> Guidance | None:
    """The kind of guidance that a user's message gives, or ``None``; instructions come first."""
    if _STANDING.search(text):
        return Guidance.STANDING
    return Guidance.PREFERENCE if _PREFERENCE.search(text) else None


def wishes(text: str) -> list[Wish]:
    """What a user's message asks for beyond itself, sentence by sentence, and what it takes back.

    Neither what it quotes or plays nor what it likes of the conversation itself.
    """
    rules = (_STANDING, _LASTING, _TAKEN_BACK)
    if not any(rule.search(text) for rule in rules) or begins_play(text):
        return []
    found = []
    for sentence in sentences(_before_given_text(text)):
        own = without_quotations(sentence)
        standing, lasting = _STANDING.search(own), _LASTING.search(own)
        revokes = _TAKEN_BACK.search(own)
        match = standing or lasting or revokes
        if match is None or not is_own_word(sentence):
            continue
        kind = Guidance.STANDING if standing else Guidance.PREFERENCE
        kind = kind if standing or lasting else Guidance.TAKEN_BACK
        words = sentence if standing and len(sentence) <= _LONGEST else _part(sentence, match)
        found.append(Wish(kind, words, revokes is not None))
    return found[-_MOST:]


def declared(text: str, kind: Guidance) -> list[Wish]:
    """The sentences of a message all of which is guidance of a kind, as whoever keeps it says."""
    found = [_BULLET.sub("", sentence)[: 2 * _LONGEST] for sentence in sentences(text)]
    return [Wish(kind, sentence, revokes=False) for sentence in found if sentence][:_MOST]


def _before_given_text(text: str) -> str:
    """A message up to the end of the line that introduces a text; all of it, where none does.

    Code does not count: it is left out anyway, and what stands behind it is the user's again.
    """
    place = introduced = 0
    at_once = behind_blank = is_blank = False
    for line in text.splitlines(keepends=True):
        words = line.strip()
        if words and (at_once or (behind_blank and is_blank)) and not words.startswith("```"):
            return text[:introduced]
        place += len(line)
        is_blank = not words
        if words:
            end, introduced = words[-_INTRODUCTION:], place
            at_once = end.endswith(":") and _NAMES_TEXT.search(end) is not None
            behind_blank = _SHOWS_TEXT.search(end) is not None
    return text


def _part(sentence: str, match: re.Match[str]) -> str:
    """The part of a sentence around a match: its clauses up to a request, as many as fit."""
    cuts = [0, *(joint.end() for joint in _JOINT.finditer(sentence)), len(sentence)]
    spans = list(itertools.pairwise(cuts))
    first = next(n for n, (_, end) in enumerate(spans) if match.start() < end)
    last = first
    while last + 1 < len(spans):
        begin, end = spans[last + 1]
        if end - spans[first][0] > _LONGEST or _REQUEST.match(sentence, begin):
            break
        last += 1
    while first and spans[last][1] - spans[first - 1][0] <= _LONGEST:
        if _REQUEST.match(sentence, spans[first - 1][0]):
            break
        first -= 1
    part = sentence[spans[first][0] : spans[last][1]].strip(" ,;:")
    if len(part) > 2 * _LONGEST:  # a clause that goes on and on
        part = sentence[match.start() :][:_LONGEST].rpartition(" ")[0]
    return _CONJUNCTIONS.sub("", part)
