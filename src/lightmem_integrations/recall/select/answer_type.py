"""The expected answer type of a question, and the turns that hold something of this type.

"When" is answered by words of time, "who", "where" or "which book" by a name or a title. A turn
that matches a question's words often only raises the subject; the one that answers it has these.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.text.answer_cues import DAYS, AnswerCues
from lightmem_integrations.text.common_names import COMMON_NAMES

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
_WORD = re.compile(r"[^\W_]+")


def has_answer_type(
    question: str,
    speakers: Iterable[str],
    texts: Collection[str],
    said_by: Iterable[str],
    cues: Iterable[AnswerCues],
) -> NDArray[np.float32]:
    """1 for turns that hold something of the type asked for, 0 for others and untyped questions.

    Args:
        question: As asked.
        speakers: Who speaks in this memory: their names answer nothing, they address somebody.
        texts: The turns, verbatim. In a chat without capitals no name is seen.
        said_by: Who said each of them.
        cues: What each holds; looked at for typed questions only.
    """
    when, name = _ASKS_WHEN.search(question), _ASKS_NAME.search(question)
    found = np.zeros(len(texts), dtype=np.float32)
    held = list(cues) if when or name else []
    if when:
        found[[each.time for each in held]] = 1.0
    if name:
        names = [each.names for each in held]
        found[_with_another_name(question, speakers, texts, said_by, names)] = 1.0
    return found


def _with_another_name(
    question: str,
    speakers: Iterable[str],
    texts: Iterable[str],
    said_by: Iterable[str],
    names: Sequence[Sequence[str]],
) -> list[bool]:
    """Mask of the turns that hold a name which is neither a speaker's nor in the question.

    Asked about one person, a turn of others that names only somebody else answers nothing.
    """
    asked, of_speakers = _words(question), _words(" ".join(speakers))
    known = asked | of_speakers | DAYS
    about = asked.intersection(of_speakers.union(*names)) - DAYS - COMMON_NAMES
    return [
        not known.issuperset(held) and (not about or _holds_any(f"{speaker} {text}".lower(), about))
        for held, text, speaker in zip(names, texts, said_by, strict=True)
    ]


def _holds_any(lowered: str, words: Iterable[str]) -> bool:
    # Whether the letters occur at all is seen far more quickly than which words there are.
    return any(word in lowered and word in _words(lowered) for word in words)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
