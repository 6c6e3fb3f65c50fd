"""Drafts: an episode and its facts as a Writer makes them of turns, not yet stored."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.storage.unread_turns import WriterTurn
from lightmem_integrations.text.precision import Precision

__all__ = ["EpisodeDraft", "FactDraft", "KnownFact", "Relation", "Writer", "WriterTurn"]

Relation = Literal["replaces", "confirms", "ends"]
"""What a new fact does to a known one: takes its place, says it again, or tells that it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFact:
    """A fact that is known already, as a Writer is shown it.

    Attributes:
        subject: Whom or what it is about.
        attribute: What about the subject.
        value: What is said about it.
        statement: The whole as a sentence.
        kind: What kind of statement it is.
        since: Since when it is true.
        until: Until when, if that is known; of a plan, the day that it is for.
        since_precision: How exactly ``since`` is known: "day", "week", "month" or "year".
        until_precision: How exactly ``until`` is known.
    """

    subject: str
    attribute: str
    value: str
    statement: str
    kind: FactKind
    since: dt.datetime
    until: dt.datetime | None = None
    since_precision: Precision = "day"
    until_precision: Precision = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactDraft:
    """A statement that turns prove.

    Attributes:
        subject: Whom or what it is about, as named in the turns.
        attribute: What about the subject, in a few lower-case words ("home", "job", "likes"). Two
            facts with the same subject and attribute may contradict each other.
        value: What is said about it; the part that changes.
        statement: The whole as a sentence that can be understood alone.
        evidence: Pointers to the turns that prove it; at least one.
        entities: Names in it.
        valid_from: Since when it has been true, if that is known.
        valid_to: Until when it was true, if that is known; of a plan, the day that it is for.
        single: Whether a subject has one such value at a time: then a newer one supersedes it.
        confidence: Between 0 and 1.
        kind: What kind of statement it is.
        doubt: What speaks against believing it, in words; ``None`` where nothing does.
        relation: What it does to a known fact, if it does anything.
        known: Which one: its place among the known facts that the Writer was shown, from 0.
        expires_at: When it is erased, if nobody is to know it for longer.
        importance: From 0 to 1, as of a turn.
        valid_from_precision: How exactly ``valid_from`` is known: "day", "week", "month" or
            "year". Of a week, a month or a year, ``valid_from`` is the first moment.
        valid_to_precision: How exactly ``valid_to`` is known. Of a week, a month or a year,
            ``valid_to`` is the last second.
    """

    subject: str
    attribute: str
    value: str
    statement: str
    evidence: tuple[int, ...]
    entities: tuple[str, ...] = ()
    valid_from: dt.datetime | None = None
    valid_to: dt.datetime | None = None
    single: bool = False
    confidence: float = 0.5
    kind: FactKind = "state"
    doubt: str | None = None
    relation: Relation | None = None
    known: int | None = None
    expires_at: dt.datetime | None = None
    importance: float = 0.0
    valid_from_precision: Precision = "day"
    valid_to_precision: Precision = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeDraft:
    """An episode that a Writer made of its turns, with its facts.

    Attributes:
        summary: A few sentences.
        keywords: What it is about.
        entities: Names that occur in it.
        speakers: Who speaks in it.
        facts: Statements that can be known from it.
        tokens: Tokens that a model read and wrote for it; 0 without a model.
        calls: How often a model was asked for it.
        rejected: Why parts of a model's output were thrown away, in words.
    """

    summary: str
    keywords: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    facts: tuple[FactDraft, ...] = ()
    tokens: int = 0
    calls: int = 0
    rejected: tuple[str, ...] = field(default=())


def written(
    writer: Writer,
    turns: Sequence[WriterTurn],
    before: Sequence[WriterTurn],
    known: Sequence[KnownFact],
) -> EpisodeDraft:
    """The draft of a Writer, which is shown what its method takes."""
    takes = inspect.signature(writer.write).parameters
    anything = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in takes.values())
    shown: dict[str, Any] = {"before": before, "known": known}
    return writer.write(turns, **{name: shown[name] for name in shown if anything or name in takes})


class Writer(Protocol):
    """Makes an episode of a run of turns."""

    @property
    def name(self) -> str:
        """Name of the writer, stored with its episodes."""

    def write(
        self,
        turns: Sequence[WriterTurn],
        *,
        before: Sequence[WriterTurn] = (),
        known: Sequence[KnownFact] = (),
    ) -> EpisodeDraft:
        """Summary, keywords, entities and facts of these turns.

        A Writer of your own may take the turns alone: then it is shown nothing else.

        Args:
            turns: What to write about.
            before: What was said just before, to understand them by; no evidence.
            known: What is known that is nearest to them. A fact may replace, confirm or end one.

        Raises:
            ModelError: The model failed; the turns are tried again later.
        """
