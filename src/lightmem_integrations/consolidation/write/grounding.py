"""Groundedness: a model's fact must rest on the turns that it points to.

What is refused is what cannot be: pointers to nothing, somebody whom nobody named, words of another
speaker, instructions to a model, a question. All else that speaks against a fact lowers its
confidence, and is kept beside it in words (`doubts`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from lightmem_integrations.consolidation.write import cues, doubts
from lightmem_integrations.consolidation.write.agreement import speaker_of
from lightmem_integrations.consolidation.write.dates import absolute, within_reach
from lightmem_integrations.consolidation.write.prompts import (
    LONGEST_STATEMENT,
    LONGEST_WORDS,
    MOST_POINTERS,
)
from lightmem_integrations.knowledge.drafts import FactDraft, KnownFact, Relation, WriterTurn
from lightmem_integrations.models.json_answer import one_line
from lightmem_integrations.records.conversation import NAMELESS
from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.text.names import NOBODY
from lightmem_integrations.text.own_words import overrides_instructions
from lightmem_integrations.text.periods import Period
from lightmem_integrations.text.precision import first_moment
from lightmem_integrations.text.terms import terms

Verify = Literal["pointers", "words", "model"]
"""What a model's fact is held against: its pointers, the words of its turns, or a second answer."""

# Guesses: what a capable model writes is mostly right, what speaks against it makes it a toss-up.
_CONFIDENCE, _DOUBTED = 0.9, 0.5
_LEAST_NAMED = 0.5  # a guess: share of a subject's words that occur
_LEAST_SAID = 0.5  # a guess: of a strict fact's words, since a paraphrase keeps the nouns
_MOST_NARROW = 3  # a guess: whoever points to more turns has not looked
_DAY_WORDS = "%Y %m %d %A %B"
# What of a date a statement may name, if that is all that is known of it.
_DATE_WORDS = {"day": _DAY_WORDS, "week": _DAY_WORDS, "month": "%Y %m %B", "year": "%Y"}
_ROLES = {"assistant", "the assistant", "ai", "the ai"}

# Words to a model, copied as they stand: a note of a wish speaks of the assistant, or of no one.
_TO_A_MODEL = re.compile(
    r"\byou (?:must|should|shall|will|are to|have to|need to|may not|cannot)\b|"
    r"\byour (?:instructions|rules|system|task|role)\b|\bremember that you\b|"
    r"\b(?:notes?|messages?|instructions?) (?:to|for) (?:the |any |all )?"
    r"(?:ai|llm|model|chatbot|language model)s?\b|"
    r"\b(?:ai|llm|chatbot|language model)s?(?: assistants?| models?| agents?)? "
    r"(?:must|should|shall|have to|are to|need to)\b",
    re.IGNORECASE,
)
_SPEECH = re.compile(r"[\"\u201c][^\"\u201d]{0,300}[\"\u201d]")
_FIRST_PERSON = re.compile(r"(?:I|I'm|I've|My|We|Our)\b")


class UnsupportedError(ValueError):
    """A fact cannot be so; its text says why."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model was shown.

    Attributes:
        turns: What it writes about.
        before: What was said before.
        known: What is known.
    """

    turns: Sequence[WriterTurn]
    before: Sequence[WriterTurn] = ()
    known: Sequence[KnownFact] = ()


def check_grounded(written: object, shown: Shown, *, strict: bool = False) -> FactDraft:
    """A model's fact as a draft, if it can rest on the turns that it points to.

    Args:
        written: One item of the model's list, with pointers from 1.
        shown: What the model read.
        strict: Refuse what only speaks against a fact, too, and what is said in other words.

    Raises:
        UnsupportedError: It cannot be so, or the strict rules refuse it.
    """
    if not isinstance(written, Mapping) or not isinstance(written.get("turns"), list):
        raise UnsupportedError("it has not the keys asked for")
    statement = one_line(written.get("statement"), LONGEST_STATEMENT)
    value = one_line(written.get("value"), LONGEST_STATEMENT) or statement
    named = one_line(written.get("subject"), LONGEST_WORDS)
    if not statement or not named:
        raise UnsupportedError("its subject or statement is empty")
    cited = _cited(written["turns"], shown.turns)
    subject = _subject(named, shown, cited)
    said = doubts.Claim(
        statement, value, subject, _kind(written.get("kind")), [shown.turns[at] for at in cited]
    )
    _refuse_instructions(said)
    if _FIRST_PERSON.match(statement):
        raise UnsupportedError("its statement cannot stand alone")
    speakers = frozenset(speaker_of(turn) for turn in (*shown.turns, *shown.before))
    if doubts.is_of_another_speaker(said, speakers):
        raise UnsupportedError("the turns that it points to are somebody else's, of themselves")
    if doubts.is_asked(said):
        raise UnsupportedError("it was asked, not said")
    if doubts.is_denied(said):
        raise UnsupportedError("the turns say the contrary")
    draft, reasons = _dated(written, said, shown, cited)
    known = (
        (draft.valid_from, draft.valid_from_precision), (draft.valid_to, draft.valid_to_precision)
    )  # fmt: skip
    firsts = [(first_moment(day, precision), precision) for day, precision in known if day]
    dates = " ".join(f"{day:{_DATE_WORDS[precision]}}" for day, precision in firsts)
    reasons += doubts.against(said, shown.turns, shown.before, shown.known, dates)
    if strict and doubts.share_said(said) < _LEAST_SAID:
        reasons.append("its words do not stand in the turns it points to")
    if strict and reasons:
        raise UnsupportedError(reasons[0])
    return _narrowed(draft, said, reasons, cited)


def _cited(given: list[Any], turns: Sequence[WriterTurn]) -> list[int]:
    places = sorted({each - 1 for each in given if type(each) is int and 1 <= each <= len(turns)})
    if not places:
        raise UnsupportedError("it points to no turn that exists")
    people = [place for place in places if turns[place].role not in {"system", "tool"}]
    if not people:
        raise UnsupportedError("it rests on a text that nobody said")
    sound = [place for place in people if not overrides_instructions(turns[place].text)]
    if not sound:
        raise UnsupportedError("it rests on an instruction to a model")
    return sound


def _subject(named: str, shown: Shown, cited: Sequence[int]) -> str:
    """The name as the turns have it; a role where nothing else is known of the speaker."""
    plain = named.lower()
    if plain in {"user", "the user"}:
        people = {turn.speaker for turn in shown.turns if turn.role == "user"}
        nameless = not people or any(name.strip().lower() in NAMELESS for name in people)
        return "user" if nameless or len(people) > 1 else next(iter(people))
    if plain in _ROLES:
        return "assistant"
    if plain in {"i", "me", "myself", "speaker", "the speaker"}:
        return speaker_of(shown.turns[cited[0]])
    texts = [*shown.turns, *shown.before]
    names = [*map(speaker_of, texts), *(fact.subject for fact in shown.known)]
    same = next((name for name in names if name.lower() == plain), None)
    if same is not None:
        return same
    everything = " ".join([*names, *(turn.text for turn in texts)])
    stems = set(terms(named))
    said = re.search(rf"(?<![a-z0-9]){re.escape(plain)}(?![a-z0-9])", everything.lower())
    owner, _, relative = named.replace("\u2019", "'").partition("'s ")
    words = set(plain.replace("'s", "").split())
    called = next((kin for kin in cues.KIN if kin & words), frozenset())
    speaks = [each for each in texts if not relative or speaker_of(each) in {owner, "user"}]
    told = " ".join(each.text.lower() for each in speaks)
    theirs = not called.isdisjoint(re.findall(r"\w+", told))
    if plain not in NOBODY and (
        said or theirs or len(stems & set(terms(everything))) > _LEAST_NAMED * len(stems)
    ):
        return named
    raise UnsupportedError("it is about somebody or something that nobody named")


def _kind(given: object) -> FactKind:
    return cast("FactKind", given) if given in get_args(FactKind) else "state"


def _refuse_instructions(said: doubts.Claim) -> None:
    text = f"{said.statement} \n{said.value}"
    # "You will make it!" is what people say to each other.
    told = text if said.kind == "instruction" else _SPEECH.sub(" ", text)
    if overrides_instructions(text) or _TO_A_MODEL.search(told):
        raise UnsupportedError("it copies an instruction to a model")
    if said.kind == "instruction" and all(turn.role != "user" for turn in said.turns):
        raise UnsupportedError("it is an instruction that no user gave")


def _dated(
    written: Mapping[str, Any], said: doubts.Claim, shown: Shown, cited: Sequence[int]
) -> tuple[FactDraft, list[str]]:
    """The draft with its times: an event on its day, a plan from when it was made to its day."""
    kind, when = said.kind, one_line(written.get("when"), LONGEST_WORDS)
    texts = [*said.turns, *shown.before]
    found: dict[str, Period | None] = {}
    reasons: list[str] = []
    if "when" not in written:
        when = said.when()
    for key in ("since", "until"):
        day = one_line(written.get(key), LONGEST_WORDS)
        words = when if day or key == "since" else ""
        found[key], doubt = within_reach(day, words, texts, ahead=kind == "plan" or key == "until")
        reasons += [doubt] if doubt else []
    since, until = found["since"], found["until"]
    told = max(turn.time for turn in said.turns)
    relation, known = _change(written, len(shown.known))
    if kind == "plan" and cues.FELL_THROUGH.search(said.statement):
        plan = shown.known[known] if relation == "replaces" and known is not None else None
        if not (since or until) or _is_on_its_day(plan, until or since):
            # Else it would pass for the plan that is off, said again.
            kind, since, until = "event", None, None
    if kind == "state" and since and since.start > told and not written.get("since"):
        since = None  # the turn's words for what comes of it: "they all want to come next month"
    if kind == "event" and (since or until) and cast("Period", since or until).start > told:
        kind = "plan"
    since, until = since and since.whole, until and until.whole
    started, ended = since, until  # what the dates of the draft are taken from
    begins, ends = since.start if since else None, until.last if until else None
    if kind == "event":
        started = since or until
        begins, ends = started.start if started else None, None
    elif kind == "plan":
        started, ended = None, until or since
        begins, ends = told, ended.last if ended else None
        if ends is not None and ends < told:
            ends = None
            # Where the model wrote no date, the turn's words are for something else.
            written_out = written.get("since") or written.get("until")
            reasons += ["it was planned for a day before it was said"] if written_out else []
    elif until is not None and until.start <= told < until.end:
        ends = told
    if relation == "ends":
        started = until or started
        begins, ends = (until.start if until else begins), None
    if begins is not None and ends is not None and ends < begins:
        ends = None
        reasons.append("it ends before it begins")
    attribute = one_line(written.get("attribute"), LONGEST_WORDS).lower() or kind
    draft = FactDraft(
        subject=said.subject, attribute=attribute, value=said.value, kind=kind,
        statement=absolute(said.statement, said.turns[0].time, ahead=kind == "plan"),
        evidence=tuple(cited), valid_from=begins, valid_to=ends, relation=relation, known=known,
        valid_from_precision=started.precision if started else "day",
        valid_to_precision=ended.precision if ended and ends else "day",
    )  # fmt: skip
    return draft, reasons


def _is_on_its_day(plan: KnownFact | None, day: Period | None) -> bool:
    """True if a day is the one that a known plan is for."""
    if plan is None or plan.kind != "plan" or plan.until is None or day is None:
        return False
    return day.start <= plan.until < day.whole.end


def _change(written: Mapping[str, Any], known: int) -> tuple[Relation | None, int | None]:
    """What it does to which known fact; to none, where that one was not shown."""
    relation, number = written.get("relation"), written.get("known")
    if relation not in get_args(Relation) or type(number) is not int or number == 0:
        return None, None
    return cast("Relation", relation), number - 1 if 1 <= number <= known else None


def _narrowed(
    draft: FactDraft, said: doubts.Claim, reasons: Sequence[str], cited: Sequence[int]
) -> FactDraft:
    """The draft on the turns that share its words, where it points to many; with its doubts."""
    evidence = list(cited)
    if len(cited) > _MOST_NARROW:
        shares = [at for at, turn in zip(cited, said.turns, strict=True) if said.shares(turn.text)]
        evidence = (shares or evidence)[:MOST_POINTERS]
    return replace(
        draft,
        evidence=tuple(evidence),
        confidence=_DOUBTED if reasons else _CONFIDENCE,
        doubt="; ".join(dict.fromkeys(reasons)) or None,
    )
