"""The features of each candidate: similarities, context, speaker, time, shape of the chat.

Every feature is larger for a better candidate, is neutral where it knows nothing, and is
comparable within one question, so that weights hold for any embedder and any size of memory. The
last, `evidence`, is for comparing questions, and weighs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.recall.candidates import NO_KEYS, Candidates, EmbeddedQuery, Keys
from lightmem_integrations.recall.scores import without_length, z_scores
from lightmem_integrations.recall.select.answer_type import has_answer_type
from lightmem_integrations.recall.select.exchange import (
    long_question,
    lopsided,
    nearest_of,
    openings,
    session_best,
    sides,
)
from lightmem_integrations.recall.select.fact_keys import told
from lightmem_integrations.recall.select.similarity import (
    TOLD,
    by_terms,
    by_themselves,
    by_tokens,
    by_vectors,
    surroundings,
    term_counts,
)
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.text.answer_cues import answer_cues
from lightmem_integrations.text.guidance import Guidance
from lightmem_integrations.text.temporal import SECONDS_A_DAY
from lightmem_integrations.text.terms import terms

FEATURES: tuple[str, ...] = (
    "dense",  # z: cosine of the question and the turn
    "dense_of_length",  # z: the same, beside turns of its length
    "dense_window",  # z: cosine of the question and the mean of the turn and its two neighbours
    "lexical",  # z: BM25 of the turn
    "lexical_of_length",  # z: the same, beside turns of its length
    "lexical_window",  # z: BM25 of the turn with its context as one document, at a discount
    "maxsim",  # z: idf-weighted MaxSim of the turn
    "maxsim_of_length",  # z: the same, beside turns of its length
    "maxsim_context",  # z: MaxSim, where a word may be found nearby at a discount
    "reply",  # z >= 0: MaxSim of the question, asked by somebody else, that this turn follows
    "speaker",  # 0/1: said by somebody whom the question names
    "in_time",  # 0..1: said in the time window asked for, decaying with the days outside it
    "answers",  # 0/1: has what the question asks for: words of time, a name
    "length",  # log(1 + terms)
    "question",  # 0/1: the turn ends with a question mark
    "user_turn",  # 0..2: said by the user, by how much longer the assistant's turns are
    "opening",  # 0/1: the user's first message of its session
    "session",  # mean of the three best similarities of its session
    "standing",  # 0/1: one of the nearest instructions that stand, where something is requested
    "preference",  # 0/1: one of the nearest preferences, where something is requested
    "evidence",  # 0..1: mean of cosine, share of the question's idf, and MaxSim, as far as known
)

_FADE_DAYS = 10.0  # people tell of a thing days after it happened; how many is a guess
_MOST_LOPSIDED = 2.0  # from here on an assistant's turn tells less, not even less; hand-set


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of the candidates of one question, and of the question and the chat.

    Attributes:
        table: float32 of shape (candidates, len(FEATURES)), columns in the order of FEATURES.
        asymmetry: How much longer an assistant's turns are, see `exchange.sides`.
        long: How much of a message of its own the question is, from 0 to 1.
    """

    table: NDArray[np.float32]
    asymmetry: float = 0.0
    long: float = 0.0

    def column(self, name: str) -> NDArray[np.float32]:
        """One feature of all candidates."""
        return self.table[:, FEATURES.index(name)]


def features(
    plan: Plan, query: EmbeddedQuery, candidates: Candidates, keys: Keys = NO_KEYS
) -> Features:
    """The features of each candidate.

    Args:
        plan: Speakers and the time window that the question names.
        query: What the candidates are compared with.
        candidates: The candidates with their surroundings.
        keys: The facts that turns prove.
    """
    turns, chosen = candidates.turns, candidates.chosen
    if not len(chosen):
        return Features(np.zeros((0, len(FEATURES)), np.float32))
    around = surroundings(turns, chosen)
    texts = turns.texts[chosen]
    lengths = term_counts(turns)
    log_lengths = np.log1p(lengths[chosen])
    # Friends call each other by name: a turn that says "Ana" is mostly not Ana's. So names of
    # speakers are left to `speaker`.
    names = {term for name in plan.speakers for term in terms(name)}
    weighed = candidates.query_terms
    chat = sides(turns, lengths)
    dense = by_vectors(query.vector, turns, around)
    facts = told(turns.rows, keys, query.vector) if keys else None
    if facts is not None:
        dense = dense.at_least(TOLD * facts.cosines[chosen])
    near = turns, around
    if lopsided(chat.asymmetry) == 1.0:  # words said nearby weigh nothing there
        near = turns.take(chosen), by_themselves(len(chosen))
        facts = None if facts is None else facts.take(chosen)
    lexical = by_terms(weighed, names, *near, facts)
    late, reply = by_tokens(query, weighed, names, *near, facts)
    found = np.stack([dense.alone, lexical.alone, late.alone])
    plain, of_length = z_scores(found), without_length(found, log_lengths)
    together = z_scores(np.stack([dense.around, lexical.around, late.around]))
    fit = np.mean(plain[plain.any(axis=1)] if plain.any() else plain, axis=0)
    weight = 0.0 if plan.purpose == "summary" else min(max(chat.asymmetry, 0.0), _MOST_LOPSIDED)
    columns = {
        "dense": plain[0],
        "dense_of_length": of_length[0],
        "dense_window": together[0],
        "lexical": plain[1],
        "lexical_of_length": of_length[1],
        "lexical_window": together[1],
        "maxsim": plain[2],
        "maxsim_of_length": of_length[2],
        "maxsim_context": together[2],
        "reply": reply,
        "in_time": _in_time(plan, turns.said_at[chosen]),
        "answers": has_answer_type(
            query.text, set(turns.speakers), texts, turns.speakers[chosen],
            (each or answer_cues(turns.texts[i], turns.terms[i])
             for i, each in zip(chosen, turns.cues[chosen], strict=True)),
        ),
        "length": log_lengths,
        "question": np.array([text.rstrip().endswith("?") for text in texts]),
        "user_turn": chat.from_user[chosen] * weight,
        "opening": openings(turns, chosen, chat.from_user, lengths),
        "session": session_best(turns.sessions[chosen], fit),
        "evidence": _mean_known(
            lexical.absolute, *((dense.absolute, late.absolute) if query.understood else ())
        ),
    }  # fmt: skip
    if plan.speakers:
        named = {name.casefold() for name in plan.speakers}
        columns["speaker"] = np.array([name.casefold() in named for name in turns.speakers[chosen]])
    if plan.purpose == "request":
        guidance = turns.guidance[chosen]
        columns["standing"] = nearest_of(guidance == Guidance.STANDING, fit)
        columns["preference"] = nearest_of(guidance == Guidance.PREFERENCE, fit)
    table = np.zeros((len(chosen), len(FEATURES)), dtype=np.float32)
    for place, name in enumerate(FEATURES):
        if name in columns:
            table[:, place] = columns[name]
    return Features(table, chat.asymmetry, long_question(len(weighed.terms)))


def _mean_known(*signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean, from 0 to 1, of those signals that are known (finite); 0 where none is."""
    table = np.stack(signals)
    known = np.isfinite(table)
    mean: NDArray[np.float32] = np.where(known, table, 0).sum(axis=0) / known.sum(axis=0).clip(1)
    return mean.clip(0, 1)


def _in_time(plan: Plan, said_at: NDArray[np.float64]) -> NDArray[np.float32]:
    """1 within a day of the window asked for, fading outside it; 0 when no window is asked for."""
    if plan.since is None and plan.until is None:
        return np.zeros(len(said_at), dtype=np.float32)
    since = -math.inf if plan.since is None else plan.since.timestamp()
    until = math.inf if plan.until is None else plan.until.timestamp()
    days = np.maximum(np.maximum(since - said_at, said_at - until), 0.0) / SECONDS_A_DAY
    fade: NDArray[np.float32] = np.exp(-np.maximum(days - 1.0, 0.0) / _FADE_DAYS)
    return fade.astype(np.float32)
