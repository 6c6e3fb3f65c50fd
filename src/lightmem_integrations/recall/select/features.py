"""The features of each candidate: similarities, context, speaker, time, shape.

Every feature is larger for a better candidate (but `question`, which is larger for a worse one),
makes sense for any chat, and is neutral where it knows nothing. Similarities are z-scores over the
candidates of one question, so that weights hold for any embedder and any size of memory. The last,
`evidence`, is not: it is for comparing questions, and weighs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.recall.candidates import REACH, Candidates, EmbeddedQuery, QueryTerms
from lightmem_integrations.recall.scores import z_scores
from lightmem_integrations.recall.select.answer_type import has_answer_type
from lightmem_integrations.recall.select.late_interaction import maxsim, query_tokens
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.turn_reads import Turns
from lightmem_integrations.text.temporal import SECONDS_A_DAY
from lightmem_integrations.text.terms import terms

FEATURES: tuple[str, ...] = (
    "dense",  # z: cosine of the question and the turn
    "dense_window",  # z: cosine of the question and the mean of the turn and its two neighbours
    "lexical",  # z: BM25 of the turn
    "lexical_window",  # z: BM25 of the turn with its context as one document, at a discount
    "maxsim",  # z: idf-weighted MaxSim of the turn
    "maxsim_context",  # z: the same, a word may be found nearby at a discount
    "reply",  # z >= 0: MaxSim of the question, asked by somebody else, that this turn follows
    "speaker",  # 0/1: said by somebody whom the question names
    "in_time",  # 0..1: said in the time window asked for, decaying with the days outside it
    "answers",  # 0/1: has what the question asks for: words of time, a name
    "length",  # log(1 + terms)
    "question",  # 0/1: the turn ends with a question mark (the one feature that speaks against)
    "evidence",  # 0..1: mean of cosine, share of the question's idf, and MaxSim, as far as known
)

# Worth of a word found 3, 2, 1 turns before, in the turn itself, and 1, 2, 3 turns after it. People
# name a thing once and then say more about it: what was said before tells what a turn is about.
# Guesses, in view of what `python benchmarks/fit_scorer.py` prints.
_WORTH = np.array([0.8, 0.9, 0.95, 1.0, 0.8, 0.7, 0.6], dtype=np.float32)
# From here on it is the same word; how alike its surroundings are makes no better answer. A guess.
_SAME = np.float32(0.8)
_FADE_DAYS = 10.0  # people tell of a thing days after it happened; how many is a guess
# Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework": 1.2 < k1 < 2 and
# 0.5 < b < 0.8 do well in many circumstances.
_K1, _B = 1.2, 0.75


def features(plan: Plan, query: EmbeddedQuery, candidates: Candidates) -> NDArray[np.float32]:
    """The features of each candidate.

    Args:
        plan: Speakers and the time window that the question names.
        query: What the candidates are compared with.
        candidates: The candidates with their surroundings.

    Returns:
        float32 of shape (candidates, len(FEATURES)), columns in the order of FEATURES.
    """
    turns, chosen = candidates.turns, candidates.chosen
    table = np.zeros((len(chosen), len(FEATURES)), dtype=np.float32)
    if not len(chosen):
        return table
    around = _around(turns, chosen)
    texts = [turns.texts[i] for i in chosen]
    padded, lengths = _padded(turns.terms)
    # Friends call each other by name: a turn that says "Ana" is mostly not Ana's. So names of
    # speakers are left to `speaker`.
    names = {term for name in plan.speakers for term in terms(name)}
    weighed = candidates.query_terms
    table[:, 0], table[:, 1], cosine = _dense(query.vector, turns, around)
    table[:, 2], table[:, 3], shared = _lexical(weighed, names, around, padded, lengths)
    table[:, 4], table[:, 5], table[:, 6], similar = _late(query, weighed, names, turns, around)
    if plan.speakers:
        named = {name.casefold() for name in plan.speakers}
        table[:, 7] = [turns.speakers[i].casefold() in named for i in chosen]
    table[:, 8] = _in_time(plan, turns.said_at[chosen])
    terms_of = [turns.terms[i] for i in chosen]
    said_by = [turns.speakers[i] for i in chosen]
    table[:, 9] = has_answer_type(query.text, set(turns.speakers), texts, terms_of, said_by)
    table[:, 10] = np.log1p(lengths[chosen])
    table[:, 11] = [text.rstrip().endswith("?") for text in texts]
    table[:, 12] = _mean_known(shared, *((cosine, similar) if query.understood else ()))
    return table


def _mean_known(*signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean, from 0 to 1, of those signals that are known (finite); 0 where none is."""
    table = np.stack(signals)
    known = np.isfinite(table)
    mean: NDArray[np.float32] = np.where(known, table, 0).sum(axis=0) / known.sum(axis=0).clip(1)
    return mean.clip(0, 1)


def _padded(terms_of: Sequence[str]) -> tuple[list[str], NDArray[np.float32]]:
    """Terms with a blank on both sides of each, so that counting strings counts terms; lengths."""
    padded = [f" {text.replace(' ', '  ')} " for text in terms_of]
    lengths = [text.count(" ") + 1 if text else 0 for text in terms_of]
    return padded, np.array(lengths, np.float32)


def _around(turns: Turns, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
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


def _dense(
    vector: Vectors | None, turns: Turns, around: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Z-scored cosines of the turn and of the mean over it and its neighbours; the turn's own."""
    own = around[REACH]
    nothing = np.zeros(len(own), dtype=np.float32)
    if vector is None or not turns.embedded.any():
        return nothing, nothing, nothing * np.nan
    # The row of zeros at the end is what place -1, "no neighbour", reads.
    vectors = np.vstack([turns.vectors, np.zeros_like(vector)])
    similarity = vectors @ vector
    alone = np.where(turns.embedded[own], similarity[own], np.nan).astype(np.float32)
    before, after = around[REACH - 1], around[REACH + 1]
    window = vectors[before] + vectors[own] + vectors[after]
    lengths = np.sqrt(np.einsum("ij,ij->i", window, window))
    with np.errstate(invalid="ignore", divide="ignore"):
        summed = similarity[before] + similarity[own] + similarity[after]
        together = (summed / lengths).astype(np.float32)
    return z_scores(alone), z_scores(together), alone


def _lexical(
    weighed: QueryTerms,
    names: AbstractSet[str],
    around: NDArray[np.int64],
    padded: Sequence[str],
    lengths: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Z-scored BM25 of the turn and of its context as one document; the share of idf it holds."""
    wanted = [term for term in weighed.terms if term not in names]
    # A last column of zeros, for place -1.
    counts = np.zeros((len(wanted), len(padded) + 1), dtype=np.float32)
    for i, term in enumerate(wanted):
        needle = f" {term} "
        counts[i, :-1] = [text.count(needle) for text in padded]
    lengths = np.append(lengths, np.float32(0.0))
    idf = np.array([weighed.idf.get(term, 0.0) for term in wanted], dtype=np.float32)
    average = max(weighed.average_length, 1.0)
    own = around[REACH]
    alone = _bm25(counts[:, own], lengths[own], idf, average)
    around_counts = np.einsum("p,tpc->tc", _WORTH, counts[:, around])
    together = _bm25(around_counts, _WORTH @ lengths[around], idf, average * float(_WORTH.sum()))
    share = idf @ (counts[:, own] > 0) / (idf.sum() or np.nan)
    return z_scores(alone), z_scores(together), share


def _bm25(
    counts: NDArray[np.float32],
    lengths: NDArray[np.float32],
    idf: NDArray[np.float32],
    average: float,
) -> NDArray[np.float32]:
    """BM25 (Robertson et al. 1994) of documents, the columns of counts."""
    damping = np.float32(_K1) * (1.0 - _B + _B * lengths / np.float32(average))
    scores: NDArray[np.float32] = idf @ (counts * np.float32(_K1 + 1.0) / (counts + damping))
    return scores


def _late(
    query: EmbeddedQuery,
    weighed: QueryTerms,
    names: AbstractSet[str],
    turns: Turns,
    around: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Z-scored MaxSim, with context too; how well the question before it matches; plain MaxSim."""
    own = around[REACH]
    nothing = np.zeros(len(own), dtype=np.float32)
    none = nothing, nothing, nothing, nothing * np.nan
    if query.encoding is None:
        return none
    tokens, offsets = query.encoding.tokens, query.encoding.offsets
    wanted, weights = query_tokens(query.text, tokens, offsets, weighed.idf, names)
    if not len(wanted):
        return none
    nearest = maxsim(wanted, turns.tokens)
    whole = weights @ nearest
    alone = whole[own]
    if not np.isfinite(alone).any():
        return none
    # Absent neighbours count as -1, the least that a cosine can be.
    padded = np.append(np.nan_to_num(nearest, nan=-1.0), np.full((len(nearest), 1), -1.0), axis=1)
    best = padded[:, own]
    for places, worth in zip(around, _WORTH, strict=True):
        best = np.maximum(best, worth * padded[:, places])
    total = weights @ np.minimum(best, _SAME)
    context = np.where(np.isfinite(alone), total, np.nan).astype(np.float32)
    mean, spread = float(np.nanmean(alone)), max(float(np.nanstd(alone)), 1e-6)
    asked = _asked_before(turns, around)
    prior = np.where(asked >= 0, (whole[asked] - mean) / spread, 0.0)
    reply = np.nan_to_num(np.maximum(prior, 0.0), nan=0.0).astype(np.float32)
    return z_scores(weights @ np.minimum(nearest[:, own], _SAME)), z_scores(context), reply, alone


def _asked_before(turns: Turns, around: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of the question that each candidate follows, -1 where it follows none.

    The nearest earlier turn of somebody else, so that in a burst of short messages the second and
    third still follow it.
    """
    numbers: dict[str, int] = {}
    who = np.array(
        [
            numbers.setdefault(speaker or role, len(numbers))
            for speaker, role in zip(turns.speakers, turns.roles, strict=True)
        ]
    )
    asks = np.array(["?" in text for text in turns.texts])
    asked = np.full(around.shape[1], -1, dtype=np.int64)
    looking = np.ones(around.shape[1], dtype=np.bool_)
    for earlier in around[REACH - 1 :: -1]:
        looking &= earlier >= 0
        other = looking & (who[earlier] != who[around[REACH]])
        asked = np.where(other & asks[earlier], earlier, asked)
        looking &= ~other
    return asked


def _in_time(plan: Plan, said_at: NDArray[np.float64]) -> NDArray[np.float32]:
    """1 within a day of the window asked for, fading outside it; 0 when no window is asked for."""
    if plan.since is None and plan.until is None:
        return np.zeros(len(said_at), dtype=np.float32)
    since = -math.inf if plan.since is None else plan.since.timestamp()
    until = math.inf if plan.until is None else plan.until.timestamp()
    days = np.maximum(np.maximum(since - said_at, said_at - until), 0.0) / SECONDS_A_DAY
    fade: NDArray[np.float32] = np.exp(-np.maximum(days - 1.0, 0.0) / _FADE_DAYS)
    return fade.astype(np.float32)
