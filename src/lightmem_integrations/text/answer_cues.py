"""Answer cues of a turn: whether it tells a time, and which names it holds.

They do not depend on the question, so that they are found once for a turn that is held in memory.
"""

from __future__ import annotations

import re
from array import array
from sys import intern
from typing import NamedTuple

from lightmem_integrations.text.calendar_names import MONTHS, WEEKDAYS
from lightmem_integrations.text.terms import hashed, terms

DAYS = frozenset((*MONTHS, *WEEKDAYS))
"""Names of months and weekdays, which begin with a capital and name nobody."""

# Without "may", which is hardly ever the month.
_TIME_TERMS = frozenset(
    array(
        "q",
        hashed(
            terms(
                "yesterday today tonight tomorrow ago last next week weekend month year "
                + " ".join(sorted(DAYS - {"may"}))
            )
        ),
    )
)
# Each begins with what is rare, before what must precede it: so the search skips to there.
_CLOCKS = (
    re.compile(r"[0-9](?<=\b.)[0-9]?(?::[0-9]{2}| ?[ap]\.?m)\b"),
    re.compile(r"at (?<=\b...)(?:half past |quarter (?:to|past) )?(?:one|two|three|four|five|six"
        r"|seven|eight|nine|ten|eleven|twelve|[0-9]{1,2})(?! (?:years?|months?|weeks?|days?|times?"
        r"|of|or|people)\b)\b"),
    re.compile(r"o(?<=\b.)'clock\b"), re.compile(r"noon(?<=\b....)\b"),
    re.compile(r"midnight(?<=\b.{8})\b"),
)  # fmt: skip
# A capital inside a sentence, where only names have one, or a quotation. The capital comes first
# in the pattern, before what must precede it, since then the search skips from capital to capital.
_NAME = re.compile(r"[A-ZÀ-ÖØ-Þ](?<=[^\W\d_A-ZÀ-ÖØ-Þ] .|[,;:] .)[^\W\d_A-ZÀ-ÖØ-Þ]+|[\"“]")


class AnswerCues(NamedTuple):
    """What a turn holds that may answer a question.

    Attributes:
        time: Whether it tells a time.
        names: Names in it, without case; a quotation mark stands for what is quoted.
    """

    time: bool
    names: tuple[str, ...]


def answer_cues(text: str, index_terms: bytes) -> AnswerCues:
    """The cues of a turn, verbatim, with its index terms as `hashed` gives them."""
    lowered = text.lower()
    time = not _TIME_TERMS.isdisjoint(array("q", index_terms)) or any(
        clock.search(lowered) for clock in _CLOCKS
    )
    return AnswerCues(time, tuple(intern(name.lower()) for name in set(_NAME.findall(text))))
