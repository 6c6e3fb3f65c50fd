"""The expected answer type of a question, and the turns that hold something of this type.

"When" is answered by words of time, "who", "where" or "which book" by a name or a title. A turn
that matches a question's words often only raises the subject; the one that answers it has these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.text.common_names import COMMON_NAMES
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
_CLOCK = re.compile(
    r"\b(?:\d{1,2}:\d\d|\d{1,2} ?[ap]\.?m|o'clock|noon|midnight"
    r"|at (?:half past |quarter (?:to|past) )?(?:one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|\d{1,2})(?! (?:years?|months?|weeks?|days?|times?|of|or|people)\b))\b",
    re.IGNORECASE,
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
    question: str,
    speakers: Iterable[str],
    texts: Sequence[str],
    terms_of: Sequence[str],
    said_by: Sequence[str],
) -> NDArray[np.float32]:
    """1 for turns that hold something of the type asked for, 0 for others and untyped questions.

    Args:
        question: As asked.
        speakers: Who speaks in this memory: their names answer nothing, they address somebody.
        texts: The turns, verbatim. In a chat without capitals no name is seen.
        terms_of: Their terms, separated by blanks.
        said_by: Who said each of them.
    """
    found = np.zeros(len(texts), dtype=np.float32)
    if _ASKS_WHEN.search(question):
        found[
            [
                not _TIME_TERMS.isdisjoint(held.split()) or _CLOCK.search(text) is not None
                for held, text in zip(terms_of, texts, strict=True)
            ]
        ] = 1.0
    if _ASKS_NAME.search(question):
        found[_with_another_name(question, speakers, texts, said_by)] = 1.0
    return found


def _with_another_name(
    question: str, speakers: Iterable[str], texts: Sequence[str], said_by: Sequence[str]
) -> list[bool]:
    """Mask of the turns that hold a name which is neither a speaker's nor in the question.

    Asked about one person, a turn of others that names only somebody else answers nothing.
    """
    asked, of_speakers = _words(question), _words(" ".join(speakers))
    names = [{name.lower() for name in _NAME.findall(text)} for text in texts]
    others = [found - asked - of_speakers - _DAYS for found in names]
    about = asked.intersection(of_speakers.union(*names)) - _DAYS - COMMON_NAMES
    return [
        bool(found) and (not about or not about.isdisjoint(_words(f"{speaker} {text}")))
        for found, text, speaker in zip(others, texts, said_by, strict=True)
    ]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
