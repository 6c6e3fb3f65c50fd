"""Similarity of a question to each candidate, and to the turns around it: meaning, words, tokens.

Raw values, NaN where nothing is known: `features` makes them comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.arrays import Objects, Vectors
from lightmem_integrations.recall.candidates import REACH, EmbeddedQuery, QueryTerms
from lightmem_integrations.recall.select.fact_keys import Told
from lightmem_integrations.recall.select.late_interaction import maxsim, query_tokens
from lightmem_integrations.storage.index import cosines
from lightmem_integrations.storage.turn_reads import Turns

# Worth of a word found 3, 2, 1 turns before, in the turn itself, and 1, 2, 3 turns after it. People
# name a thing once and then say more about it: what was said before tells what a turn is about.
# Guesses, in view of LoCoMo's development conversations.
_WORTH = np.array([0.8, 0.9, 0.95, 1.0, 0.8, 0.7, 0.6], dtype=np.float32)
TOLD = np.float32(0.8)
"""Worth of a word found in a fact that the turn proves, and of a fact's cosine: that of a word
found just after the turn. Facts cover some turns and not others, which at full worth fall behind:
with 49 facts in 100 turns LoCoMo's conv-41 lost .053 of MRR, at this worth .022."""
# From here on it is the same word; how alike its surroundings are makes no better answer. A guess.
_SAME = np.float32(0.8)
# Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework": 1.2 < k1 < 2 and
# 0.5 < b < 0.8 do well in many circumstances.
_K1, _B = 1.2, 0.75

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """Similarity of the candidates by one signal.

    Attributes:
        alone: Of the turn itself.
        around: Of the turn together with what was said around it.
        absolute: Of the turn itself, from 0 to 1, comparable across questions.
    """

    alone: Values
    around: Values
    absolute: Values

    def at_least(self, least: Values) -> Similarity:
        """These, where they are not below others; NaN of either is below everything."""
        alone, around = np.fmax(self.alone, least), np.fmax(self.around, least)
        return Similarity(alone, around, np.fmax(self.absolute, least))


def surroundings(turns: Turns, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the context of each candidate, shape (2 REACH + 1, candidates), -1 for none."""
    shifts = np.arange(-REACH, REACH + 1)[:, None]
    index = chosen[None, :] + shifts
    clipped = index.clip(0, len(turns) - 1)
    near = (
        (index == clipped)
        & (turns.sessions[clipped] == turns.sessions[chosen])
        # Neighbours in the pool may be further apart in the session than they look.
        & (np.abs(turns.positions[clipped] - turns.positions[chosen]) <= REACH)
    )
    return np.where(near, clipped, -1)


def by_themselves(size: int) -> NDArray[np.int64]:
    """The same for so many candidates of which nothing but themselves is looked at."""
    around = np.full((2 * REACH + 1, size), -1)
    around[REACH] = np.arange(size)
    return around


def term_counts(turns: Turns) -> Values:
    """How many index terms each turn has."""
    counts: Values = np.fromiter(map(len, turns.terms), np.float32, len(turns)) / np.float32(8)
    return counts


def by_vectors(vector: Vectors | None, turns: Turns, around: NDArray[np.int64]) -> Similarity:
    """Cosines of the turn, and of the mean over it and its two neighbours."""
    own = around[REACH]
    if vector is None or not turns.embedded.any():
        return _unknown(len(own))
    vectors = turns.vectors[own]
    similarity = cosines(vectors, vector)
    alone = np.where(turns.embedded[own], similarity, np.float32(np.nan))
    for place in (around[REACH - 1], around[REACH + 1]):
        there = np.flatnonzero(place >= 0)
        vectors[there] += turns.vectors[place[there]]
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    with np.errstate(invalid="ignore", divide="ignore"):
        together = cosines(vectors, vector) / lengths
    return Similarity(alone, together, alone)


def by_terms(
    weighed: QueryTerms,
    names: AbstractSet[str],
    turns: Turns,
    around: NDArray[np.int64],
    facts: Told | None = None,
) -> Similarity:
    """BM25 of the turn, and of its context as one document; the share of idf that the turn holds.

    Args:
        weighed: The terms of the question.
        names: Those of them that do not count.
        turns: The candidates and their neighbours.
        around: Places of each candidate's context.
        facts: What the facts say that the turns prove.
    """
    wanted = [term for term in weighed.terms if term not in names]
    # What is at the end is of place -1: nothing.
    lengths = np.append(term_counts(turns), np.float32(0.0))
    counts = _counts(turns.terms, weighed, wanted)
    if facts is not None:
        of_facts = _counts(facts.terms, weighed, wanted)
        np.maximum(counts, TOLD * np.minimum(of_facts, 1), out=counts)
    idf = np.array([weighed.idf.get(term, 0.0) for term in wanted], dtype=np.float32)
    average = max(weighed.average_length, 1.0)
    own = around[REACH]
    alone = _bm25(counts[:, own], lengths[own], idf, average)
    around_counts = np.einsum("p,tpc->tc", _WORTH, counts[:, around])
    together = _bm25(around_counts, _WORTH @ lengths[around], idf, average * float(_WORTH.sum()))
    share = _weighed(idf, (counts[:, own] > 0).astype(np.float32)) / (
        idf.sum() or np.float32(np.nan)
    )
    return Similarity(alone, together, share)


def _counts(held: Objects, weighed: QueryTerms, wanted: Sequence[str]) -> Values:
    """How often each term stands in each of these texts, and in none, the last."""
    lengths = [len(terms) // 8 for terms in held]
    places = np.repeat(np.arange(len(lengths)), lengths)
    every = np.frombuffer(b"".join(held), np.int64)
    counts = np.zeros((len(wanted), len(lengths) + 1), np.float32)
    for i, term in enumerate(wanted):
        for form in weighed.forms_of(term):  # two of them in one turn are one word
            of_form = np.bincount(places[every == hash(form)], minlength=len(lengths) + 1)
            np.maximum(counts[i], of_form, out=counts[i])
    return counts


def _bm25(counts: Values, lengths: Values, idf: Values, average: float) -> Values:
    """BM25 (Robertson et al. 1994) of documents, the columns of counts."""
    damping = np.float32(_K1) * (1.0 - _B + _B * lengths / np.float32(average))
    return _weighed(idf, counts * np.float32(_K1 + 1.0) / (counts + damping))


def _weighed(weights: Values, table: Values) -> Values:
    # Not by "@": on rows of odd lengths OpenBLAS may report an invalid value where there is none.
    weighed: Values = np.einsum("i,ij->j", weights, table)
    return weighed


def by_tokens(
    query: EmbeddedQuery,
    weighed: QueryTerms,
    names: AbstractSet[str],
    turns: Turns,
    around: NDArray[np.int64],
    facts: Told | None = None,
) -> tuple[Similarity, Values]:
    """MaxSim of the turn, and with what was said around it; of the question that the turn follows.

    The last is a z-score, at least 0: how well what somebody else asked just before fits, beside
    how well the candidates fit themselves.
    """
    own = around[REACH]
    none = _unknown(len(own)), np.zeros(len(own), np.float32)
    if query.encoding is None:
        return none
    tokens, offsets = query.encoding.tokens, query.encoding.offsets
    wanted, weights = query_tokens(query.text, tokens, offsets, weighed.idf, names)
    if not len(wanted):
        return none
    nearest = maxsim(wanted, turns.tokens)
    if facts is not None:
        nearest = np.fmax(nearest, TOLD * maxsim(wanted, facts.tokens))
    known = np.isfinite(nearest[0])[own]
    if not known.any():
        return none
    # What is absent counts as -1, the least that a cosine can be; the last column is of place -1.
    nothing = np.full((len(nearest), 1), -1.0, np.float32)
    held = np.append(np.nan_to_num(nearest, nan=-1.0), nothing, axis=1)
    best = held[:, own]
    for places, worth in zip(around, _WORTH, strict=True):
        best = np.maximum(best, worth * held[:, places])
    whole = _weighed(weights, held)
    alone, together, absolute = (
        np.where(known, values, np.float32(np.nan))
        for values in (
            _weighed(weights, np.minimum(held[:, own], _SAME)),
            _weighed(weights, np.minimum(best, _SAME)),
            whole[own],
        )
    )
    mean, spread = absolute[known].mean(), absolute[known].std().clip(1e-6)
    asked = _asked_before(turns, around)
    reply = np.where(asked >= 0, (whole[asked] - mean) / spread, np.float32(0.0)).clip(0.0)
    return Similarity(alone, together, absolute), reply


def _asked_before(turns: Turns, around: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of the question that each candidate follows, -1 where it follows none.

    The nearest earlier turn of somebody else, so that in a burst of short messages the second and
    third still follow it.
    """
    who = np.where(turns.speakers == "", turns.roles, turns.speakers)
    asks = np.array(["?" in text for text in turns.texts])
    asked = np.full(around.shape[1], -1, dtype=np.int64)
    looking = np.ones(around.shape[1], dtype=np.bool_)
    for earlier in around[REACH - 1 :: -1]:
        looking &= earlier >= 0
        other = looking & (who[earlier] != who[around[REACH]])
        asked = np.where(other & asks[earlier], earlier, asked)
        looking &= ~other
    return asked


def _unknown(size: int) -> Similarity:
    nothing = np.full(size, np.nan, np.float32)
    return Similarity(nothing, nothing, nothing)
