"""What speaks against a fact that a model wrote of turns: heard, denied, supposed, of another.

By rules about English words. They are wrong too often to drop a fact (of 75 that rules of
this kind dropped of a careful reader's, 68 were right): they lower its confidence, with the reason.
Only what goes against a whole clause is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lightmem_integrations.consolidation.write.numbers import figures, numbers
from lightmem_integrations.consolidation.write.own_words import begins_play, is_own_word
from lightmem_integrations.knowledge.drafts import KnownFact, WriterTurn
from lightmem_integrations.records.conversation import NAMELESS
from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.temporal import mentions
from lightmem_integrations.text.terms import terms

# A guess: what shares less is told in other words altogether, or by another turn.
_LEAST_SHARED = 0.25

_CLAUSE = re.compile(r"[,;:()\u2013\u2014]| - |\b(?:but|and then|although|though|because|while)\b")
# Said of what is liked, hoped for or easy: nothing is denied.
_NO_DENIAL = re.compile(
    r"\b(?:can't|cannot|couldn't|could not|can not) (?:wait|believe|imagine|help|stop|recommend|"
    r"be (?:happier|more|better|prouder)|get (?:enough|over)|thank|say (?:it )?enough)\b|"
    r"\b(?:won't|wouldn't|don't|never) (?:believe|miss|mind|worry|forget|give up|regret|get me "
    r"wrong)\b|\bnot (?:only|just|bad)\b|\bno (?:doubt|wonder|problem|worries|matter|way)\b|"
    r"\b(?:never|not) (?:been|felt|thought|seen|expected|imagined)\b|\bwhy not\b|"
    r"\bnothing (?:but|like|beats)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no longer|never|none|no|cannot|without|nor|neither|stopped|quit|any ?more)\b|n't\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|without|cannot|unable|avoid|stop|quit|end|lack|lost|"
    r"refus|dislik|hat|allerg|intoleran|former|previous|used to|instead|rather|only|against|cancel|"
    r"fail|miss|skip|left|leav|declin|struggl|hard|difficult|new to|yet|ruled? out|give[sn]? up|"
    r"gave up|ex-)\w{0,5}\b|n't\b",
    re.IGNORECASE,
)
_HEARD = re.compile(
    r"\b(?:apparently|supposedly|allegedly|rumou?rs?|reportedly|(?:people|they|everyone) "
    r"(?:say|claim|think)s?|(?:i|i've|we) (?:just )?heard|some(?:body|one) (?:said|told)|"
    r"\w{2,20} (?:claims|claimed|reckons|swears|told me|tells me|says)) ",
    re.IGNORECASE,
)
_TELLS_WHO = re.compile(
    r"\b(?:said|says|told|tells|claims?|claimed|according|heard|rumou?r|think|thinks|apparently|"
    r"believes?|reckons)\b",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:if|unless|imagine|suppose|supposing|hypothetically|i wish|as though|i'd love|would love|"
    r"might|maybe|perhaps|not sure|wondering)\b|\bwould (?:be|have|like)\b|\b(?:lol|lmao)\b",
    re.IGNORECASE,
)
_SUPPOSES = re.compile(
    r"\b(?:if|unless|would|wish|wishes|want|wants|hope|hopes|may|might|could|consider|considers|"
    r"considering|think|thinking|dream|plan|plans|possibly|perhaps|like to|not sure|unsure|"
    r"wonders?|maybe|interested|open to|when|whether|imagin)",
    re.IGNORECASE,
)
_FELL_THROUGH = re.compile(
    r"\b(?:fell|fall|falls|fallen) through\b|\bcancell?ed\b|\bcalled (?:it )?off\b|"
    r"\bdidn't (?:happen|work out|make it|get to|end up|go ahead|go through|get the)\b|"
    r"\b(?:was|were) (?:going|supposed|meant|planning|about) to\b|\bhad (?:been )?plann(?:ed|ing)\b"
    r"|\bcouldn't make it\b|\b(?:backed|pulled) out\b|\bchanged (?:my|our) minds?\b|\bscrapped\b",
    re.IGNORECASE,
)
_KIN = (
    r"(?:step|half-?|grand|great-?|ex-?|best |old |little |big |older |younger |twin ){0,2}"
    r"(?:sister|brother|sibling|mum|mom|mother|dad|father|parent|wife|husband|spouse|partner|boyfriend|"
    r"girlfriend|son|daughter|kid|child|children|baby|friend|buddy|cousin|aunt|uncle|niece|nephew|boss|"
    r"manager|colleague|co-?worker|roommate|flatmate|neighbou?r|fianc[e\u00e9]e?|ma|pa|teacher|coach|"
    r"landlord|landlady|team-?mate|client|in-law)s?"
)
_OF_KIN = re.compile(
    rf"(?:(?:and|but|so|well|oh|yeah|yes|no|also|actually|because|that|now|sadly|luckily),? )"
    rf"{{0,2}}(?:my|our|his|her|their) (?P<kin>{_KIN})(?!'s|\u2019s)\b",
    re.IGNORECASE,
)
_NAMES_KIN = re.compile(rf"\b{_KIN}\b", re.IGNORECASE)
# What somebody does in the conversation itself is in its turns already.
_TALK = re.compile(
    r"(?:\S{1,40} ){1,2}?(?:is |are |was )?(?:mention|ask|thank|greet|congratulat|compliment|"
    r"prais|encourag|appreciat)(?:s|es|ed|d|ing|e)? ",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:(?:and|but|so|hey|oh|well|by the way),? )?(?:who|what|when|where|why|how|which|do|does|"
    r"did|is|are|was|were|can|could|will|would|have|has|had|should|shall|may)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"\u201c][^\"\u201d]{30,2000}(?:[\"\u201d]|$)")  # longer than a title
_TWO_LETTERS = re.compile(r"[a-z]{1,2}")  # a function word, whatever the language
_I = re.compile(r"\b(?:I|I'm|I've|I'd|I'll|my|mine|me)\b")
_YOU = re.compile(r"\b(?:you|your|yours|you're|you've|we|our|ours|us|we're|we've)\b", re.IGNORECASE)


Clause = tuple[str, str, WriterTurn]


@dataclass(frozen=True, slots=True)
class Claim:
    """A fact as a model wrote it, with the turns that it points to.

    Attributes:
        statement: Its sentence.
        value: The part that changes.
        subject: Whom or what it is about.
        kind: What kind of statement it is.
        turns: The turns.
        stems: Terms of statement and value without those of the subject.
        clauses: The turns' clauses, each with its sentence and its turn.
        nearest: The clause that shares most with it; ``None`` where none shares anything.
    """

    statement: str
    value: str
    subject: str
    kind: FactKind
    turns: Sequence[WriterTurn]
    stems: frozenset[str] = field(init=False)
    clauses: Sequence[Clause] = field(init=False)
    nearest: Clause | None = field(init=False)

    def __post_init__(self) -> None:
        stems = set(terms(f"{self.statement} {self.value}")) - set(terms(self.subject))
        stems -= set(terms("not no never none longer"))
        content = (stem for stem in stems if not _TWO_LETTERS.fullmatch(stem))
        object.__setattr__(self, "stems", frozenset(content))
        object.__setattr__(self, "clauses", list(_clauses(self.turns)))
        best = max(self.clauses, key=lambda each: self.shares(each[0]), default=None)
        found = best if best is not None and self.shares(best[0]) else None
        object.__setattr__(self, "nearest", found)

    def shares(self, text: str) -> int:
        """How many of its terms a text has."""
        return len(self.stems & set(terms(text)))

    def when(self) -> str:
        """The words for a date in the sentence that shares most with it, if they are the only."""
        if self.nearest is None:
            return ""
        _, sentence, turn = self.nearest
        dates = mentions(sentence, turn.time)
        return sentence[slice(*dates[0].span)] if len(dates) == 1 else ""


def is_of_another_speaker(said: Claim, speakers: frozenset[str]) -> bool:
    """True if somebody's own words ("I ...") are told of another speaker.

    Not of what an assistant says it did: it books and notes for the one it speaks to.
    """
    nearest = said.nearest
    if nearest is None or said.subject not in speakers:
        return False
    if any(speaker_of(turn) == said.subject for turn in said.turns):
        return False
    clause, sentence, turn = nearest
    if turn.role == "assistant" and speaker_of(turn) == "assistant":
        return False
    told = said.subject.lower() in sentence.lower() or _YOU.search(clause)
    return not told and _I.search(clause) is not None


def is_asked(said: Claim) -> bool:
    """True if what it says stands only in a question, which none of its later turns answers."""
    questions = {id(turn): " ".join(_questions(turn)) for turn in said.turns}
    last = max((place for place, turn in enumerate(said.turns) if questions[id(turn)]), default=-1)
    if last < 0 or last < len(said.turns) - 1:
        return False
    about = set(terms(said.value)) - set(terms(said.subject))
    question = " ".join(questions.values())
    asked = about & set(terms(question))
    told = " ".join(clause for clause, _, turn in said.clauses if clause not in questions[id(turn)])
    return bool(asked) and not asked & set(terms(told)) and _I.search(question) is None


def is_denied(said: Claim) -> bool:
    """True if one clause has all its words, and says the contrary."""
    nearest = said.nearest
    if nearest is None or said.shares(nearest[0]) < len(said.stems):
        return False
    theirs, ours = (_DENIED.search(_plain(text)) for text in (nearest[0], said.statement))
    other = said.statement if theirs else nearest[1]
    return bool(theirs) != bool(ours) and not _DENIES.search(other)


def share_said(said: Claim) -> float:
    """Share of its words that stand in its turns, dates as days too."""
    if not said.stems:
        return 0.0
    return said.shares(_words_of(said.turns)) / len(said.stems)


def against(
    said: Claim,
    turns: Sequence[WriterTurn],
    before: Sequence[WriterTurn],
    known: Sequence[KnownFact],
    dates: str,
) -> Iterator[str]:
    """What speaks against a fact, in words.

    Args:
        said: The fact.
        turns: All turns that were shown.
        before: What was said before them.
        known: What was known.
        dates: Its dates, as far as they are believed.
    """
    if share_said(said) < _LEAST_SHARED:
        yield "its words do not stand in the turns it points to"
    days = (f"{turn.time:%Y %m %d}" for turn in said.turns)
    there = [_words_of([*said.turns, *before]), *(fact.statement for fact in known), *days, dates]
    if not figures(f"{said.statement} {said.value}") <= numbers(" ".join(there)):
        yield "it has a number that was not said"
    nearest = said.nearest
    if nearest is not None:
        yield from _against_sentence(said, nearest[0], nearest[1])
    prose = _QUOTED.sub(" ", " ".join(dict.fromkeys(sentence for _, sentence, _ in said.clauses)))
    if said.shares(" ".join(turn.text for turn in said.turns)) and not said.shares(prose):
        yield "it stands in code or in a quoted text"
    own = any(is_own_word(turn.text) for turn in said.turns)
    if not (own or said.kind == "instruction") or _in_a_play(said, turns, before):
        yield "it may be part of a play, a joke or a text to work on"
    if _TALK.match(said.statement):
        yield "it is about the conversation itself"
    later = [turn for turn in turns if turn.time >= said.turns[0].time and said.shares(turn.text)]
    off = any(_FELL_THROUGH.search(turn.text) for turn in [*said.turns, *later])
    if off and not _DENIES.search(said.statement) and not _FELL_THROUGH.search(said.statement):
        yield "it may not have come about"


def _against_sentence(said: Claim, clause: str, sentence: str) -> Iterator[str]:
    """What the clause nearest to a fact, and its sentence, say against it."""
    if _DENIED.search(_plain(clause)) and not _DENIES.search(said.statement):
        yield "it was denied"
    elif _DENIED.search(_plain(said.statement)) and not _DENIES.search(_plain(sentence)):
        yield "it denies what was said"
    if _HEARD.search(sentence) and not _TELLS_WHO.search(said.statement):
        yield "it was heard of others"
    standing = said.kind in {"preference", "instruction"}
    if not standing and _SUPPOSED.search(sentence) and not _SUPPOSES.search(said.statement):
        yield "it was supposed or wished"
    if sentence.endswith("?") and clause in sentence[-len(clause) - 1 :]:
        yield "it was asked"
    kin = _OF_KIN.match(sentence)
    named = said.subject.lower() in sentence.lower() or _NAMES_KIN.search(said.statement)
    if kin and not named and not _NAMES_KIN.search(said.subject):
        yield f"it was told of somebody's {kin['kin'].lower()}"


def speaker_of(turn: WriterTurn) -> str:
    """The speaker as facts name them: by name, or as the user or the assistant."""
    name = turn.speaker.strip()
    if name.lower() not in NAMELESS:
        return name
    return "assistant" if turn.role == "assistant" else "user"


def _clauses(turns: Sequence[WriterTurn]) -> Iterator[Clause]:
    """The clauses of the turns' own prose, each with its sentence and turn."""
    for turn in turns:
        for sentence in sentences(turn.text):
            for clause in _CLAUSE.split(sentence):
                if clause.strip():
                    yield clause.strip(), sentence, turn


def _questions(turn: WriterTurn) -> Iterator[str]:
    """What a turn asks: whole sentences that begin so, of others what follows the last comma."""
    for sentence in sentences(turn.text):
        if sentence.endswith("?"):
            yield sentence if _ASKS.match(sentence) else _CLAUSE.split(sentence)[-1].strip()


def _plain(text: str) -> str:
    """A text without what only looks like a denial."""
    return _NO_DENIAL.sub(" ", text.replace("\u2019", "'"))


def _words_of(turns: Sequence[WriterTurn]) -> str:
    """What turns say, with the days that their words for dates mean."""
    dates = (date.words for turn in turns for date in mentions(turn.text, turn.time))
    return " ".join([*(f"{turn.speaker} {turn.text}" for turn in turns), *dates])


def _in_a_play(said: Claim, turns: Sequence[WriterTurn], before: Sequence[WriterTurn]) -> bool:
    """True if a play began before, in which people speak as somebody else."""
    earlier = [turn for turn in turns if turn.position < said.turns[0].position]
    return any(begins_play(turn.text) for turn in [*before, *earlier])
