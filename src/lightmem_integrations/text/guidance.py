"""Guidance that a user gives for what comes later: standing instructions, and preferences."""

from __future__ import annotations

import enum
import re


class Guidance(enum.IntEnum):
    """Kind of guidance, as a number that is stored."""

    STANDING = 1
    PREFERENCE = 2


# English only: a user of another language loses the lift of such turns, no turn.
_STANDING = re.compile(
    r"(?:^|[.!?] )(?:please,? |also,? |and |so |but )?"
    r"(?:always|never|from now on|whenever|every time|make sure|in (?:the )?future)\b"
    r"|\b(?:when|whenever|if|every time|each time) i "
    r"(?:ask|say|mention|talk|bring up|request|want)\b"
    r"|\bfrom now on\b|\b(?:i want|i'd like|i need) you to always\b",
    re.IGNORECASE | re.MULTILINE,
)
_PREFERENCE = re.compile(
    r"\bi(?:'d| would| really| usually| generally| always|'ve always)? "
    r"(?:prefer|rather|like|love|enjoy|hate|dislike|favou?r)\b"
    r"|\bi (?:don't|do not) (?:like|want|enjoy|eat|drink|use)\b|\brather than\b"
    r"|\bmy (?:preference|favou?rite)"
    r"|\bi(?:'m| am) (?:a fan of|not a fan|allergic|vegetarian|vegan)",
    re.IGNORECASE,
)


def guidance_of(text: str) -> Guidance | None:
    """The kind of guidance that a user's message gives, or ``None``; instructions come first."""
    if _STANDING.search(text):
        return Guidance.STANDING
    return Guidance.PREFERENCE if _PREFERENCE.search(text) else None
