"""Versions: selected turns that say the same thing at different times, in the order asked for.

Without a model, and of the best turns only. Two turns of one speaker are taken for versions by what
they share (their meaning, the question's words, the words of the sentences that answer it) and by
what tells an update: words of change in the newer one, or another value in the same slot. None are
those that give no number where one is asked for, or the same again.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.recall.candidates import EmbeddedQuery, ScoredTurn, Selection
from lightmem_integrations.recall.select.late_interaction import maxsim, query_tokens
from lightmem_integrations.recall.select.update_cues import (
    WHEN,
    Said,
    differing_slots,
    read_question,
)
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.text.inflections import question_terms
from lightmem_integrations.text.terms import terms

VERSION = "version"
"""The part of a turn's score that holds the number of its version."""

_MOST = 12  # turns looked at; a guess: more than are shown by default
_FIRST = 2  # one of these is a version of what is asked for, in all chats of the benchmark below
_MOST_VERSIONS = 4  # of one thing; a guess: what has more is a topic
_SAME = np.float32(0.8)  # as in `features`: from here on it is the same word

# What speaks for two turns being versions, in points; from `_VERSIONS` on they are. Set by hand, in
# view of `python benchmarks/versions.py --files looked_at.txt`.
_MEANING = 1.5  # cosine of the turns
_WORDS = 2.5  # share of the words of the shorter one, in the sentences that answer, that both have
_CHANGED, _REPLACED, _SLOT, _COUNT = 2.8, 3.5, 2.0, 1.5  # the best of these
_CHANGED_SLOT = 0.5  # a changed slot beside words of change
_OTHER_TYPE = -1.0  # only one holds the type of answer that the question expects
_BEHIND = -1.8  # how far one is ranked behind the other, of the span from the best to the last
_APART = -2.0  # what one has of the question's words and the other lacks
_VERSIONS = 2.6
_LEAST = -1.5  # of the first and the last two, below which no words make up for it; a guess
_MARGIN = 1.0  # what is so much less alike than another is none
_REPEATING = "assistant"  # the side that repeats what the other says, and gives examples


def in_order_of_time(plan: Plan, query: EmbeddedQuery, selection: Selection) -> Selection:
    """The selection with the versions of what is asked for in the order that the question wants.

    The newest first for now, the oldest first for the past and for a change, where each says which
    version it is. Together they keep the places that they have; what is no version stays where it
    is. A version has its number, from 1, among its parts.

    Args:
        plan: Whether the question asks for now, for the past or for a change.
        query: The question, with its token vectors where there are some.
        selection: What was selected, best first.
    """
    if plan.time is None or not query.understood or not selection.best:
        return selection
    best, notes = list(selection.best), {}
    versions = _Versions(plan, query, selection).found()
    number = {rank: n for n, ranks in enumerate(versions, start=1) for rank in ranks}
    ordered = versions[::-1] if plan.time == "now" else versions
    moved = list(itertools.chain.from_iterable(ordered))
    for to, rank in zip(sorted(moved), moved, strict=True):
        turn, score = selection.best[rank], selection.best[to].score
        parts = {**turn.parts, VERSION: float(number[rank])}
        best[to] = replace(turn, score=score, parts=parts)
        if plan.time == "change":
            notes[turn.place] = f" (version {number[rank]} of {len(versions)})"
    return replace(selection, best=best, notes=notes)


class _Versions:
    """The best turns of a selection, compared in pairs; each is named by its rank."""

    def __init__(self, plan: Plan, query: EmbeddedQuery, selection: Selection) -> None:
        turns, self._best = selection.turns, selection.best[:_MOST]
        places = [scored.place for scored in self._best]
        self._sides = [turns.speakers[place] or turns.roles[place] for place in places]
        self._age = np.lexsort((turns.rows[places], turns.said_at[places])).argsort().tolist()
        self._texts = [turns.texts[place] for place in places]
        self._asked, self._read = read_question(query.text), dict[int, Said]()
        vectors, held = turns.vectors[places], _held(plan, query, selection, self._best)
        scores = np.array([scored.score for scored in self._best])
        behind = np.abs(scores[:, None] - scores) / max(scores[0] - scores[-1], 1e-6)
        more = (held[:, :, None] - held[:, None, :]).clip(0).sum(axis=0)
        apart = np.maximum(more, more.T)
        points = _MEANING * (vectors @ vectors.T) + _BEHIND * behind + _APART * apart
        self._before_reading: list[list[float]] = points.tolist()

    def found(self) -> list[list[int]]:
        """Versions of what is asked for, the oldest first, each the ranks of the turns that say it.

        They are those of the best turn, or else of the second. What is further behind is mostly of
        another thing, which nobody asked for.
        """
        people = [rank for rank, side in enumerate(self._sides) if side != _REPEATING]
        for first in people[:_FIRST]:
            points = {
                rank: self._points(first, rank)
                for rank in people
                if rank > first and self._sides[rank] == self._sides[first]
            }
            least = max(_VERSIONS, max(points.values(), default=0.0) - _MARGIN)
            best = sorted(points, key=lambda rank: -points[rank])[: _MOST_VERSIONS - 1]
            others = [rank for rank in best if points[rank] >= least]
            if others:
                versions = [[rank] for rank in sorted([first, *others], key=self._age.__getitem__)]
                self._add_repeats(versions)
                return versions
        return []

    def _add_repeats(self, versions: list[list[int]]) -> None:
        """Move those that repeat a value of one version alone to it."""
        values = [self._said(version[0]).values for version in versions]
        own = [held.difference(*values[:n], *values[n + 1 :]) for n, held in enumerate(values)]
        for rank in (rank for rank, side in enumerate(self._sides) if side == _REPEATING):
            repeated = [n for n, value in enumerate(own) if value & self._said(rank).values]
            if repeated:
                versions[repeated[-1]].append(rank)

    def _points(self, one: int, other: int) -> float:
        """How much speaks for two turns being versions; 0 if they are of different things."""
        points = self._before_reading[one][other]
        if points < _LEAST:
            return 0.0
        age = self._age.__getitem__
        older, newer = (self._said(rank) for rank in sorted((one, other), key=age))
        asked = self._asked
        if asked.number and not (older.numbers and newer.numbers):
            return 0.0
        if (asked.number or asked.when) and not newer.replaces and newer.repeats(older):
            return 0.0
        change = _REPLACED if newer.replaces else _CHANGED * (newer.changed and not asked.several)
        slot = differing_slots(older, newer)
        counted = asked.number and older.numbers.isdisjoint(newer.numbers)
        points += max(change, _SLOT * slot, _COUNT * counted)
        points += _CHANGED_SLOT * bool(change and slot)
        points += _WORDS * len(older.words & newer.words) / _least(older.words, newer.words)
        if len({self._best[rank].parts.get("answers") for rank in (one, other)}) > 1:
            points += _OTHER_TYPE
        if points >= _VERSIONS and self._of_others(older, newer):
            return 0.0
        return points

    def _said(self, rank: int) -> Said:
        """What a turn says, read once."""
        if rank not in self._read:
            self._read[rank] = Said(self._texts[rank], self._asked)
        return self._read[rank]

    def _of_others(self, older: Said, newer: Said) -> bool:
        """Whether they are about different people or things, or another than is asked about."""
        if older.of_another_number or newer.of_another_number:
            return True
        if older.others != newer.others and (self._asked.person or not newer.replaces):
            return True
        return not newer.replaces and (older.told_apart(newer) or newer.told_apart(older))


def _least(*words: frozenset[str]) -> int:
    return max(min(len(each) for each in words), 1)


def _held(
    plan: Plan, query: EmbeddedQuery, selection: Selection, best: Sequence[ScoredTurn]
) -> NDArray[np.float32]:
    """How much of each word of the question each turn holds, shape (words, turns), mean 0 to 1."""
    turns, places = selection.turns, [scored.place for scored in best]
    # "Who was my boss before Matteo?": what follows is of the newer version alone.
    other_time = terms(query.text.partition(" before ")[2]) if plan.time == "past" else ()
    skipped = WHEN.union(other_time, *(terms(name) for name in plan.speakers))
    held: NDArray[np.float32]
    if query.encoding is not None:
        tokens, offsets = query.encoding.tokens, query.encoding.offsets
        wanted, weights = query_tokens(query.text, tokens, offsets, {}, skipped)
        nearest = np.minimum(maxsim(wanted, [turns.tokens[place] for place in places]), _SAME)
        held = weights[:, None] * np.nan_to_num(nearest)
        held /= max(float(weights.sum()), 1e-9)
        return held
    asked = question_terms(query.text)
    words = sorted(asked.keys() - skipped)
    of_turn = [frozenset(array("q", turns.terms[place])) for place in places]
    has = [[not said.isdisjoint(map(hash, asked[word])) for said in of_turn] for word in words]
    held = np.array(has, np.float32).reshape(len(words), len(places))
    held /= max(len(words), 1)
    return held
