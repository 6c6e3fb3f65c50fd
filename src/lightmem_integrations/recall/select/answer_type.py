"""The expected answer type of a question, and the turns that hold something of this type.

"When" is answered by words of time, "who", "where" or "which book" by a name or a title. A turn
that matches a question's words often only raises the subject; the one that answers it has these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.text.temporal import MONTHS, WEEKDAYS
from lightmem_integrations.text.terms import terms

_DAYS = frozenset((*MONTHS, *WEEKDAYS))
# Without "may", which is hardly ever the month.
_TIME_TERMS = frozenset(
    terms(
        "yesterday today tonight tomorrow ago last next week weekend month year "
        + " ".join(sorted(_DAYS - {"may"}))
    )
)
_ASKS_WHEN = re.compile(
    r"\b(?:when|how long|(?:what|which) (?:date|day|week|month|year|time)"
    r"|how many (?:days|weeks|months|years))\b",
    re.IGNORECASE,
)
_ASKS_NAME = re.compile(
    r"\b(?:who|whom|whose|where|which|named?|names|called|titles?|books?|movies?|films?|songs?"
    r"|bands?|games?|places?|cit(?:y|ies)|countr(?:y|ies)|states?)\b",
    re.IGNORECASE,
)
# A capital inside a sentence, where only names have one, or a quotation. The capital comes first
# in the pattern, before what must precede it, since then the search skips from capital to capital.
_NAME = re.compile(r"[A-ZÀ-ÖØ-Þ](?<=[^\W\d_A-ZÀ-ÖØ-Þ] .|[,;:] .)[^\W\d_A-ZÀ-ÖØ-Þ]+|[\"“]")
_WORD = re.compile(r"[^\W_]+")


def has_answer_type(
    question: str, speakers: Iterable[str], texts: Sequence[str], terms_of: Sequence[str]
) -> NDArray[np.float32]:
    """1 for turns that hold something of the type asked for, 0 for others and untyped questions.

    Args:
        question: As asked.
        speakers: Who speaks in this memory: their names answer nothing, they address somebody.
        texts: The turns, verbatim. In a chat without capitals no name is seen.
        terms_of: Their terms, separated by blanks.
    """
    found = np.zeros(len(texts), dtype=np.float32)
    if _ASKS_WHEN.search(question):
        found[[not _TIME_TERMS.isdisjoint(held.split()) for held in terms_of]] = 1.0
    if _ASKS_NAME.search(question):
        said = {word.lower() for text in (question, *speakers) for word in _WORD.findall(text)}
        known = said | _DAYS
        found[[any(name.lower() not in known for name in _NAME.findall(t)) for t in texts]] = 1.0
    return found
