"""Values that the stages of a recall hand on: queries, candidates, their order, ranked hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.models.protocols import Encoding
from lightmem_integrations.records.access import label_of
from lightmem_integrations.records.conversation import Hit, Turn
from lightmem_integrations.storage.turn_reads import Turns
from lightmem_integrations.text.precision import Precision

REACH = 3
"""Turns on each side of a candidate that count as its context; a guess."""
SPREAD = 1
"""Turns on each side of one that matched that are candidates too: answers follow what matches."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedQuery:
    """A query with its vectors, where they could be had.

    Attributes:
        text: The question, or a hypothetical answer to it.
        vector: Its normalised sentence vector, or ``None`` to search by words only.
        encoding: Its token vectors for late interaction, or ``None``.
        understood: False if its vectors are of a script that the embedder was not taught.
    """

    text: str
    vector: Vectors | None = None
    encoding: Encoding | None = None
    understood: bool = True


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """The index terms of a query, weighed by how rare they are in one user's memory.

    Attributes:
        terms: Each term once, in the order of the query.
        idf: Inverse document frequency of each, over this user's turns.
        average_length: Mean number of terms of this user's turns.
        counts: In how many turns of this user each occurs; those in none are left out.
        forms: The forms of each that occur in these turns; the term alone where it says nothing.
    """

    terms: Sequence[str]
    idf: Mapping[str, float]
    average_length: float
    counts: Mapping[str, int] = field(default_factory=dict)
    forms: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def forms_of(self, term: str) -> Sequence[str]:
        """Under which terms turns may hold it."""
        return self.forms.get(term) or (term,)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Turns that may answer a query, with the turns around them.

    Attributes:
        turns: The candidates and their neighbours, each once, by session and position.
        chosen: Places of the candidates among them.
        showable: Mask of the turns that a recall may show: searchable and within its limits.
        query_terms: The query's terms.
        ranked: Rows of the turns that were found by ``words`` and by ``meaning``, best first.
    """

    turns: Turns
    chosen: NDArray[np.int64]
    showable: NDArray[np.bool_]
    query_terms: QueryTerms
    ranked: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class FactKey:
    """A fact as a key of the turns that prove it: what of it is compared with a question.

    Attributes:
        vector: Of its statement; zeros while it waits for one.
        terms: Its index terms but for dates, as `hashed` gives them.
        tokens: Its compact token vectors; empty where there are none.
        deviation: How well it, or another version of it, matches the question, in standard
            deviations above the mean of all facts.
    """

    vector: Vectors | None
    terms: bytes
    tokens: bytes
    deviation: float


Keys = Mapping[int, Sequence[FactKey]]
"""The facts that turns prove, by row of the turn."""

NO_KEYS: Keys = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ScoredTurn:
    """A candidate by its place among `Candidates.turns`.

    Attributes:
        place: Its index.
        score: Larger is better; comparable within one question only.
        parts: The features behind the score, by name.
        weights: What those of them weigh in it that weigh anything, by name.
    """

    place: int
    score: float
    parts: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The Selector's choice.

    Attributes:
        turns: The turns that ``best`` points to, with their neighbours.
        showable: Mask of those that a recall may show.
        best: The chosen ones, best first.
        further: Those ranked behind them, which fill what room the best leave in the text.
        notes: What is put behind some of them, by place.
        ranked: Rows of the turns that were found by ``words`` and by ``meaning``, best first.
    """

    turns: Turns
    showable: NDArray[np.bool_]
    best: Sequence[ScoredTurn]
    further: Sequence[ScoredTurn] = ()
    notes: Mapping[int, str] = field(default_factory=dict)
    ranked: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def row(self, scored: ScoredTurn) -> int:
        """The ledger's row of a chosen turn."""
        return int(self.turns.rows[scored.place])

    def rows(self) -> list[int]:
        """The ledger's rows of all these turns, best first."""
        return [self.row(scored) for scored in (*self.best, *self.further)]

    def ranks(self, scored: ScoredTurn) -> dict[str, int]:
        """The ranks of a chosen turn in the coarse search, from 1, by what it was found by."""
        row = self.row(scored)
        return {by: rows.index(row) + 1 for by, rows in self.ranked.items() if row in rows}

    def line(self, scored: ScoredTurn) -> str:
        """A chosen turn as it is shown to a model: the speaker, then what was said."""
        speaker, text = self.turns.speakers[scored.place], self.turns.texts[scored.place]
        return f"{speaker}: {text}".removeprefix(": ")


@dataclass(frozen=True, slots=True)
class Quote:
    """A turn to show.

    Attributes:
        turn: The turn, or a statement in the form of one.
        order: Its time and its row, which sort quotes and tell them apart.
        note: Put behind it: what has changed since.
        space: The space from whose memory it is; ``None`` for the user's own.
        precision: How exactly the time of a statement is known.
    """

    turn: Turn = field(compare=False)
    order: tuple[float, float]
    note: str = field(default="", compare=False)
    space: str | None = field(default=None, compare=False)
    precision: Precision = field(default="day", compare=False)

    @property
    def label(self) -> str:
        """What precedes it where it is shown: whose it is, if it is not the user's own."""
        return label_of(self.space)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A hit with the turn that it shows, and the turns said around it, nearest first."""

    hit: Hit
    quote: Quote
    around: tuple[Quote, ...] = ()

    @property
    def pinned(self) -> bool:
        """Whether it is shown before others."""
        return self.hit.pinned


@dataclass(frozen=True, slots=True)
class Found:
    """What a recall found, each part best first.

    Attributes:
        hits: At most as many as were asked for.
        further: Turns ranked behind them, for the room that they leave in the text.
        known: Facts for the text to begin with.
        events: All facts of the kind of event that is asked for, oldest first, to precede those.
        events_of: Whose, and of which kind they are.
        below: What would be hits, but scores below the threshold.
    """

    hits: Sequence[Ranked] = ()
    further: Sequence[Ranked] = ()
    known: Sequence[Ranked] = ()
    events: Sequence[Ranked] = ()
    events_of: str = ""
    below: Sequence[Ranked] = ()
