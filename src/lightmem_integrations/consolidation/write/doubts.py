"""What speaks against a fact that a model wrote of turns: heard, denied, supposed, of another.

By rules about English words. They are wrong too often to drop a fact (of 75 that rules of
this kind dropped of a careful reader's, 68 were right): they lower its confidence, with the reason.
Only what goes against a whole clause is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lightmem_integrations.consolidation.write import cues
from lightmem_integrations.consolidation.write.numbers import numbers
from lightmem_integrations.consolidation.write.own_words import begins_play, is_own_word
from lightmem_integrations.knowledge.drafts import KnownFact, WriterTurn
from lightmem_integrations.records.conversation import NAMELESS
from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.temporal import mentions
from lightmem_integrations.text.terms import terms

_HARDLY_NUMBERS = {"0", "1", "2"}  # "one", "a", "both"
# A guess: what shares less is told in other words altogether, or by another turn.
_LEAST_SHARED = 0.25

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
        content = (stem for stem in stems if not cues.TWO_LETTERS.fullmatch(stem))
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
    told = said.subject.lower() in sentence.lower() or cues.YOU.search(clause)
    return not told and cues.FIRST_PERSON.search(clause) is not None


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
    return (
        bool(asked) and not asked & set(terms(told)) and cues.FIRST_PERSON.search(question) is None
    )


def is_denied(said: Claim) -> bool:
    """True if one clause has all its words, and says the contrary."""
    nearest = said.nearest
    if nearest is None or said.shares(nearest[0]) < len(said.stems):
        return False
    theirs, ours = (cues.DENIED.search(_plain(text)) for text in (nearest[0], said.statement))
    other = said.statement if theirs else nearest[1]
    return bool(theirs) != bool(ours) and not cues.DENIES.search(other)


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
    claimed = numbers(f"{said.statement} . {said.value}") - _HARDLY_NUMBERS
    if not claimed <= numbers(" ".join(there)):
        yield "it has a number that was not said"
    nearest = said.nearest
    if nearest is not None:
        yield from _against_sentence(said, *nearest)
    prose = cues.QUOTED.sub(
        " ", " ".join(dict.fromkeys(sentence for _, sentence, _ in said.clauses))
    )
    if said.shares(" ".join(turn.text for turn in said.turns)) and not said.shares(prose):
        yield "it stands in code or in a quoted text"
    own = any(is_own_word(turn.text) for turn in said.turns)
    if not (own or said.kind == "instruction") or _in_a_play(said, turns, before):
        yield "it may be part of a play, a joke or a text to work on"
    if cues.TALK.match(said.statement):
        yield "it is about the conversation itself"
    later = [turn for turn in turns if turn.time >= said.turns[0].time and said.shares(turn.text)]
    texts = [turn.text for turn in [*said.turns, *later]]
    if not cues.DENIES.search(said.statement) and not cues.FELL_THROUGH.search(said.statement):
        off = [found[0] for text in texts if (found := cues.FELL_THROUGH.search(text))]
        if off and not said.shares(" ".join(off)):
            yield "it may not have come about"


def _against_sentence(said: Claim, clause: str, sentence: str, turn: WriterTurn) -> Iterator[str]:
    """What the clause nearest to a fact, and its sentence, say against it."""
    asked = clause in " ".join(_questions(turn)) and (
        cues.ASKS.match(sentence) or not cues.FIRST_PERSON.search(sentence)
    )
    answers = [each.text for each in said.turns[said.turns.index(turn) + 1 :]] if asked else []
    if asked and not answers:
        yield "it was asked"
    denied = cues.DENIED.search(_plain(said.statement))
    sure = not denied and not cues.DENIES.search(said.statement)
    declined = any(cues.SORRY.search(text) for text in answers)
    if sure and (declined or any(cues.DENIED.search(_plain(text)) for text in (clause, *answers))):
        yield "it was denied"
    elif denied and not any(_denies(text) for text in (sentence, *answers)):
        yield "it denies what was said"
    if cues.HEARD.search(sentence) and not cues.TELLS_WHO.search(said.statement):
        yield "it was heard of others"
    standing = said.kind in {"preference", "instruction"}
    open_ = cues.SUPPOSES.search(said.statement)
    if not standing and cues.SUPPOSED.search(sentence) and not open_:
        yield "it was supposed, wished or in jest"
    intends = open_ or cues.INTENDS.search(said.statement)
    if said.kind in {"state", "event"} and cues.INTENDED.search(clause) and not intends:
        yield "it was meant, and may not have come about"
    lapsed = cues.LAPSED.search(clause)
    if sure and lapsed and not said.stems & set(terms(lapsed[0])):
        yield "it may be over, or have come to nothing"
    if sure and said.kind == "state" and cues.OVER.search(sentence):
        yield "it is over"
    if said.kind == "event" and cues.AHEAD.search(clause):
        yield "it lies ahead"
    general = said.subject == "user" and said.kind in {"state", "preference"}
    if general and turn.role == "assistant" and not (cues.YOU.search(sentence) or answers):
        yield "the assistant said it of nobody"
    yield from _of_somebody_else(said, clause, turn)


def _of_somebody_else(said: Claim, clause: str, turn: WriterTurn) -> Iterator[str]:
    """Whether a clause tells of a relative, or of "her", and the fact of somebody else."""
    own = cues.SPEAKER_DOES.search(clause)
    if own or cues.NAMES_KIN.search(f"{said.statement} {said.subject}"):
        return
    kin = cues.OF_KIN.search(clause)
    subject, plain = said.subject.lower(), clause.lower()
    if kin and (subject not in plain or kin[0].lower().startswith(f"{subject}'")):
        yield f"it was told of somebody's {kin['kin'].lower()}"
    elif subject == speaker_of(turn).lower():
        named = cues.NAMED.match(clause)
        if cues.SOMEBODY_ELSE.match(clause) or (named and named[1] not in said.statement):
            yield "it was told of somebody else"


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
            for clause in cues.CLAUSE.split(sentence):
                if clause.strip():
                    yield clause.strip(), sentence, turn


def _questions(turn: WriterTurn) -> Iterator[str]:
    """What a turn asks: whole sentences that begin so, of others what follows the last comma."""
    for sentence in sentences(turn.text):
        if sentence.endswith("?"):
            yield sentence if cues.ASKS.match(sentence) else cues.CLAUSE.split(sentence)[-1].strip()


def _denies(text: str) -> bool:
    plain = _plain(text)
    return any(cue.search(plain) for cue in (cues.DENIED, cues.DENIES, cues.FELL_THROUGH))


def _plain(text: str) -> str:
    """A text without what only looks like a denial."""
    return cues.NO_DENIAL.sub(" ", text.replace("\u2019", "'"))


def _words_of(turns: Sequence[WriterTurn]) -> str:
    """What turns say, with the days that their words for dates mean."""
    dates = (date.words for turn in turns for date in mentions(turn.text, turn.time))
    return " ".join([*(f"{turn.speaker} {turn.text}" for turn in turns), *dates])


def _in_a_play(said: Claim, turns: Sequence[WriterTurn], before: Sequence[WriterTurn]) -> bool:
    """True if a play began before, in which people speak as somebody else."""
    earlier = [turn for turn in turns if turn.position < said.turns[0].position]
    return any(begins_play(turn.text) for turn in [*before, *earlier])
