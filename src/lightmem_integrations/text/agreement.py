"""Agreement of two statements in what their vectors hardly tell: numbers and denial."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+")
_DENIED = re.compile(r"\b(?:no|not|never|nor|without|stopped|quit)\b|n['\u2019]t\b", re.IGNORECASE)


def agree(first: str, second: str) -> bool:
    """True if two statements hold the same numbers and deny alike.

    Vectors hardly tell "room 46" from "room 48", or yes from no.
    """
    numbers, denied = (
        [found.findall(text) for text in (first, second)] for found in (_NUMBER, _DENIED)
    )
    return numbers[0] == numbers[1] and bool(denied[0]) == bool(denied[1])
