"""Drafts: an episode and its facts as a Writer makes them of turns, not yet stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lightmem_integrations.storage.unread_turns import WriterTurn

__all__ = ["EpisodeDraft", "FactDraft", "Writer", "WriterTurn"]


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
        valid_to: Until when it was true, if that is known.
        single: Whether a subject has one such value at a time: then a newer one supersedes it.
        confidence: Between 0 and 1.
        denies: True for a mere denial ("not allergic to nuts", "sold the car"), which is no fact of
            its own; see ``EpisodeDraft.denials``.
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
    denies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeDraft:
    """An episode that a Writer made of its turns, with its facts.

    Attributes:
        summary: A few sentences.
        keywords: What it is about.
        entities: Names that occur in it.
        speakers: Who speaks in it.
        facts: Statements that can be known from it.
        denials: What was said not to be so, or to have ended at its ``valid_to``. It ends the facts
            of that subject and attribute whose value has all its words, and is no fact itself.
        tokens: Tokens that a model read and wrote for it; 0 without a model.
        rejected: Why parts of a model's output were thrown away, in words.
    """

    summary: str
    keywords: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    facts: tuple[FactDraft, ...] = ()
    denials: tuple[FactDraft, ...] = ()
    tokens: int = 0
    rejected: tuple[str, ...] = field(default=())


class Writer(Protocol):
    """Makes an episode of a run of turns."""

    @property
    def name(self) -> str:
        """Name of the writer, stored with its episodes."""

    def write(self, turns: Sequence[WriterTurn]) -> EpisodeDraft:
        """Summary, keywords, entities and facts of these turns.

        Raises:
            ModelError: The model failed; the turns are tried again later.
        """
