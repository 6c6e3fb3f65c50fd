"""The shape of a chat with an assistant: short messages of a user, long answers.

Among friends both sides write alike. Where one side writes far more, what the user said is what is
asked for later, sessions have a subject, and long answers hold some word of every question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.storage.turn_reads import Turns

# Terms from which a question is a message of its own, with the text it is about, and terms from
# which it is wholly that: hand-set in view of BEAM's and RealMem's development questions.
_LONG_FROM, _LONG_OVER = 10, 20
# From the asymmetry at which a chat begins to be one with an assistant to that at which it wholly
# is: none of LoCoMo's, BEAM's and RealMem's development chats lies between 0 and 1.6, and real
# chats of friends reach 0.4.
_LOPSIDED_FROM, _LOPSIDED_OVER = 0.4, 0.5
# Standard deviation of the logarithm of lengths, less than what makes a chat wholly lopsided: 0.5
# to 0.6 in LoCoMo's development chats, 1.2 to 1.5 in BEAM's and RealMem's.
_SPREAD_OF_FRIENDS = 0.4
# Instructions, and preferences, that a request lifts; hand-set: BEAM's development questions are
# answered as well by the nearest two as by all, and worse by one (MRR .57 and .55).
_GUIDED = 2
# Terms of a greeting ("good morning everybody"), and the place up to which a subject comes behind
# one and its answer. Guesses.
_GREETING, _OPENED_BY = 3, 4
_SESSION_BEST = 3  # turns of a session that speak for it; hand-set likewise


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """The two sides of a chat.

    Attributes:
        asymmetry: Log ratio of the geometric means of the lengths of an assistant's and a user's
            turns, so that a few pasted logs do not make a user long-winded: -0.11 to -0.05 in
            LoCoMo's development chats of friends, 1.6 to 2.9 in BEAM's and RealMem's. Below 0,
            the user writes more.
        from_user: Mask of the user's turns.
    """

    asymmetry: float
    from_user: NDArray[np.bool_]


def sides(turns: Turns, lengths: NDArray[np.float32]) -> Sides:
    """Tell the sides of a chat by its roles; without, by its two speakers, the briefer as user.

    Of one voice, as after an import without roles, or of a group nobody can tell who is who: then
    lengths that differ as they do in no chat of friends stand for an assistant's.

    Args:
        turns: Turns as they were said, with those around them.
        lengths: How many terms each has.
    """
    log_lengths = np.log1p(lengths)
    asked, answered = turns.roles == "user", turns.roles == "assistant"
    if not (asked.any() and answered.any()):
        names = sorted(set(turns.speakers))
        if len(names) != 2:  # noqa: PLR2004
            spread = max(float(np.std(log_lengths)) - _SPREAD_OF_FRIENDS, 0.0)
            return Sides(spread, np.zeros(len(turns), np.bool_))
        asked, answered = (turns.speakers == name for name in names)
        if log_lengths[asked].mean() > log_lengths[answered].mean():
            asked, answered = answered, asked
    return Sides(float(log_lengths[answered].mean() - log_lengths[asked].mean()), asked)


def lopsided(asymmetry: float) -> float:
    """From 0 for a chat of equals to 1 for one that is wholly one with an assistant.

    Or with a user who pastes logs and is answered in a line: lengths tell as little there.
    """
    return min(max((abs(asymmetry) - _LOPSIDED_FROM) / _LOPSIDED_OVER, 0.0), 1.0)


def long_question(terms: int) -> float:
    """From 0 for a question of a few words to 1 for one that is a message of its own."""
    return min(max((terms - _LONG_FROM) / _LONG_OVER, 0.0), 1.0)


def nearest_of(mask: NDArray[np.bool_], fit: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 for the best few under the mask: who gave many instructions asked for few of them here."""
    lifted = np.zeros(len(mask), np.float32)
    under = np.flatnonzero(mask)
    lifted[under[np.argsort(-fit[under], kind="stable")[:_GUIDED]]] = 1.0
    return lifted


def openings(
    turns: Turns,
    chosen: NDArray[np.int64],
    from_user: NDArray[np.bool_],
    lengths: NDArray[np.float32],
) -> NDArray[np.float32]:
    """1 for the first message of the user in a session: it says what the session is about.

    A greeting says nothing of that: after one it is the next message.
    """
    # In their order by session and position, so that the first of each session is found.
    early = np.flatnonzero(from_user & (turns.positions <= _OPENED_BY) & (lengths > _GREETING))
    first = early[np.unique(turns.sessions[early], return_index=True)[1]]
    return np.isin(chosen, first).astype(np.float32)


def session_best(sessions: NDArray[np.int64], fit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean fit of the three best candidates of each candidate's session; missing ones count 0."""
    order = np.lexsort((-fit, sessions))
    _, starts, inverse = np.unique(sessions[order], return_index=True, return_inverse=True)
    rank = np.arange(len(order)) - starts[inverse]
    kept = rank < _SESSION_BEST
    mean = np.bincount(inverse[kept], fit[order][kept], len(starts)) / _SESSION_BEST
    best = np.empty(len(order), np.float32)
    best[order] = mean[inverse]
    return best
