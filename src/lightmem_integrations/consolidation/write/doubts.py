"""What speaks against a fact that a model wrote of turns: heard, denied, supposed, of another.

By rules about English words. They are wrong too often to drop a fact (of 75 that rules of
this kind dropped of a careful reader's, 68 were right): they lower its confidence, with the reason.
Only what goes against a whole clause is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from lightmem_integrations.consolidation.write import agreement, cues
from lightmem_integrations.consolidation.write.agreement import speaker_of, words_of
from lightmem_integrations.consolidation.write.numbers import numbers
from lightmem_integrations.knowledge.drafts import KnownFact, WriterTurn
from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.text.own_words import begins_play, is_own_word
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.temporal import mentions
from lightmem_integrations.text.terms import terms

_HARDLY_NUMBERS = {"0", "1"}  # "one", "a"
# A guess: what shares less is told in other words altogether, or by another turn.
_LEAST_SHARED = 0.25

# Guesses: how many words are common, between what a careful reader adds ("business") and what a
# model makes up ("noise"); in an instruction any word counts ("performance").
_COMMON, _COMMON_IN_ORDERS = 5_000, 2_400

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
    if last < 0 or last < len(said.turns) - 1 or cues.REPORTS.search(said.statement):
        return False
    about = set(terms(said.value)) - set(terms(said.subject))
    question = " ".join(questions.values())
    asked = about & set(terms(question))
    told = " ".join(clause for clause, _, turn in said.clauses if clause not in questions[id(turn)])
    return (
        bool(asked) and not about & set(terms(told)) and cues.FIRST_PERSON.search(question) is None
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
    return said.shares(words_of(said.turns)) / len(said.stems)


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
    texts = [turn.text for turn in said.turns]
    days = [*(f"{turn.time:%Y %m %d %B}" for turn in said.turns), dates]
    there = " ".join([words_of([*said.turns, *before]), *(fact.statement for fact in known), *days])
    claimed = numbers(f"{said.statement} . {said.value}") - _HARDLY_NUMBERS
    common = _COMMON_IN_ORDERS if said.kind == "instruction" else _COMMON
    everything = " ".join([there, *(f"{turn.speaker} {turn.text}" for turn in turns), said.subject])
    added = list(agreement.words_added(said.statement, everything, common))
    speaker, is_order = said.turns[0].speaker, said.kind == "instruction"
    subject = "" if any(speaker_of(turn) == said.subject for turn in turns) else said.subject
    prose = cues.QUOTED.sub(
        r"\1 ", " ".join(dict.fromkeys(sentence for _, sentence, _ in said.clauses))
    )
    text = any(mark in turn.text for mark in ':"\n\u201c' for turn in said.turns)
    told = texts if text or said.nearest is None else [said.nearest[1]]
    own = any(map(is_own_word, told)) and not all(map(begins_play, texts))
    earlier = [turn for turn in turns if turn.position < said.turns[0].position]
    later = [turn for turn in turns if turn.time >= said.turns[0].time and said.shares(turn.text)]
    off = [cues.FELL_THROUGH.search(each) for each in [*texts, *(turn.text for turn in later)]]
    sure = not (cues.DENIES.search(said.statement) or cues.FELL_THROUGH.search(said.statement))
    fell = [found[0] for found in off if found]
    yield from _found({
        "its words do not stand in the turns it points to": share_said(said) < _LEAST_SHARED,
        "it has a number that was not said": not claimed <= numbers(there),
        f"nobody said {', '.join(added)}": added,
        "a number is of something else there": agreement.counts_another(said.statement, texts),
        "it was corrected": agreement.taken_back(
            said.stems, " ".join(turn.text for turn in turns if turn.speaker == speaker)
        ),
        "it was told of something else": not is_order
        and agreement.of_another(said.statement, subject, said.stems, texts),
        "nobody said that it is all or always": not is_order
        and cues.WHOLE.search(said.statement) and not cues.WHOLE.search(" ".join(texts)),
        "it stands in code or in a quoted text": said.shares(" ".join(texts))
        and not said.shares(prose),
        "it may be part of a play, a joke or a text to work on": not (own or is_order)
        or any(begins_play(turn.text) for turn in [*before, *earlier]),
        "it is about the conversation itself": cues.TALK.match(said.statement),
        "it may not have come about": sure and fell and not said.shares(" ".join(fell)),
    })  # fmt: skip
    if said.nearest is not None:
        yield from _found(_against_sentence(said, turns, *said.nearest))
        yield from _of_somebody_else(said, said.nearest[0], said.nearest[2])


def _found(reasons: Mapping[str, object]) -> Iterator[str]:
    return (reason for reason, holds in reasons.items() if holds)


def _against_sentence(
    said: Claim, turns: Sequence[WriterTurn], clause: str, sentence: str, turn: WriterTurn
) -> dict[str, object]:
    """What the clause nearest to a fact, and its sentence, say against it."""
    statement = said.statement
    tells, reports = cues.TELLS_WHO.search(statement), cues.REPORTS.search(statement)
    open_ = cues.SUPPOSES.search(statement) or tells
    intends = open_ or cues.INTENDS.search(statement)
    asked = clause in " ".join(_questions(turn)) and (
        cues.ASKS.match(sentence) or not cues.FIRST_PERSON.search(sentence)
    )
    later = said.turns[said.turns.index(turn) + 1 :] if asked else ()
    answers = [first for each in later for first in islice(sentences(each.text), 1)]
    denied = cues.DENIED.search(_plain(statement))
    sure = not denied and not cues.DENIES.search(statement)
    refused = any(cues.SORRY.search(text) for text in answers) or any(
        _denies_it(said, text) for text in (clause, *answers)
    )
    until = sentence[: sentence.find(clause) + len(clause)]
    supposed = cues.SUPPOSED.search(sentence) or cues.HEDGED.search(until)
    standing = said.kind in {"preference", "instruction"}
    happened = said.kind in {"state", "event"}
    past, lapsed = cues.PAST.search(statement), cues.LAPSED.search(clause)
    general = said.subject == "user" and said.kind in {"state", "preference"}
    return {
        "it was asked": asked and not answers and not (open_ or reports),
        "it was denied": sure and refused,
        "it denies what was said": denied
        and not any(_denies(each.text) for each in said.turns),
        "it was heard of others": cues.HEARD.search(sentence) and not tells,
        "it was said of a part, or of some times": cues.PART.search(clause)
        and not cues.KEEPS_PART.search(statement),
        "it was said for once": standing and cues.ONCE.search(sentence)
        and not cues.ONCE.search(statement),
        "its two sides stand the other way round": agreement.turned_round(
            statement, sentence, speaker_of(turn)
        ),
        "it was supposed, wished or in jest": not standing
        and supposed and not (open_ or denied),
        "it was meant, and may not have come about": happened
        and cues.INTENDED.search(clause) and not intends,
        "it may be over, or have come to nothing": sure
        and lapsed and not said.stems & set(terms(lapsed[0])),
        "it is over": sure and said.kind == "state" and cues.OVER.search(sentence) and not past,
        "it lies ahead": happened and past and cues.AHEAD.search(clause) and not intends,
        "the assistant said it of nobody": general and turn.role == "assistant"
        and not (cues.YOU.search(sentence) or answers),
        "it was put to somebody who did not agree": not reports
        and cues.PUTS.search(sentence)
        and agreement.not_taken_up(said.subject, said.stems, turn, turns),
    }  # fmt: skip


def _of_somebody_else(said: Claim, clause: str, turn: WriterTurn) -> Iterator[str]:
    """Whether a clause tells of a relative, or of "her", and the fact of somebody else."""
    own = cues.SPEAKER_DOES.search(clause)
    if own or cues.NAMES_KIN.search(f"{said.statement} {said.subject}"):
        return
    kin = cues.OF_KIN.search(clause)
    subject, plain = said.subject.lower(), clause.lower()
    if kin and (subject not in plain or kin[0].lower().startswith(f"{subject}'")):
        yield f"it was told of somebody's {kin['kin'].lower()}"
    # "She likes snails, they are quiet", "They sent me a letter".
    several = cues.OF_SEVERAL.match(clause) and cues.OF_SEVERAL.search(said.statement)
    theirs = cues.SOMEBODY_ELSE.match(clause) and not (several or cues.OBJECT.search(clause))
    if not kin and theirs and subject == speaker_of(turn).lower():
        yield "it was told of somebody else"


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


def _denies_it(said: Claim, text: str) -> bool:
    """Whether a text denies something; after "without", only what the fact says."""
    plain = _plain(text)
    return any(
        found[0].lower() != "without" or said.shares(plain[found.end() :])
        for found in cues.DENIED.finditer(plain)
    )


def _plain(text: str) -> str:
    """A text without what only looks like a denial."""
    return cues.NO_DENIAL.sub(" ", text.replace("\u2019", "'"))
