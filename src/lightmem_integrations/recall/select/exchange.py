"""The shape of a chat with an assistant: short messages of a user, long answers.

Among friends both sides write alike. Where one side writes far more, what the user said is what is
asked for later, sessions have a subject, and long answers hold some word of every question.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.storage.turn_reads import Turns

# Terms from which a question is a message of its own, with the text it is about, and terms from
# which it is wholly that: hand-set in view of BEAM's and RealMem's development questions.
_LONG_FROM, _LONG_OVER = 10, 20
_SESSION_BEST = 3  # turns of a session that speak for it; hand-set likewise


def asymmetry(turns: Turns, lengths: NDArray[np.float32]) -> float:
    """Log ratio of the mean lengths of an assistant's and a user's turns; 0 where one is missing.

    Measured by `lightmem eval`: -0.14 to 0.17 among friends, 1.1 to 2.9 with an assistant.

    Args:
        turns: Turns as they were said, with those around them.
        lengths: How many terms each has.
    """
    roles = np.array(turns.roles)
    asked, answered = lengths[roles == "user"], lengths[roles == "assistant"]
    if not len(asked) or not len(answered):
        return 0.0
    return math.log((float(answered.mean()) + 1) / (float(asked.mean()) + 1))


def long_question(terms: int) -> float:
    """From 0 for a question of a few words to 1 for one that is a message of its own."""
    return min(max((terms - _LONG_FROM) / _LONG_OVER, 0.0), 1.0)


def openings(turns: Turns, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    """1 for the first message of the user in a session: it says what the session is about."""
    users = np.array(turns.roles) == "user"
    first = users & (turns.positions == 1)
    second = users & (turns.positions == 2)  # noqa: PLR2004
    second[1:] &= ~((turns.sessions[1:] == turns.sessions[:-1]) & users[:-1])
    opening: NDArray[np.float32] = (first | second)[chosen].astype(np.float32)
    return opening


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
