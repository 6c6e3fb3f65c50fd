"""Guidance that a user gives for what comes later: standing instructions, and preferences."""

from __future__ import annotations

import enum
import re


class Guidance(enum.IntEnum):
    """Kind of guidance, as a number that is stored."""

    STANDING = 1
    PREFERENCE = 2


# English only: a user of another language loses the lift of such turns, no turn.
# What tells of somebody is no instruction: "Whenever it rains the cellar floods.", "Never been
# there.", "In the future I'll cycle."
_TOLD = r"(?!(?:i|we|you|he|she|it|they|there|this|that|the|my|our|his|her|their|an?)\b)"
_NO_ORDER = (
    r"(?!(?:an?|the|i|my|mind|again|been|up|in|on|at|for|so|too|more|less|good|nice|great|fun|happy"
    r"|had|saw|seen|knew|thought|felt|heard|did|was"
    r"|(?!bring|sing)\w+ing|(?!need|feed|speed|embed)\w+ed)\b)"
)
_ASKS = r"(?:ask|mention|bring up|request|talk about)\b"
_STANDING = re.compile(
    r"(?:^|[.!?] )(?:please,? |also,? |and |so |but )?"
    rf"(?:(?:always|never) {_NO_ORDER}|in (?:the )?future,? {_TOLD}"
    rf"|(?:whenever|every time|each time)\b[^.!?,\n]*, {_TOLD}(?!\w+ing\b))"
    r"|\bmake sure (?:\w+ ){0,4}?(?:always|never|every)\b"
    rf"|(?<!what )\b(?:when|whenever|if|every time|each time) i {_ASKS}"
    r"|\bfrom now on\b(?!,? (?:i|we|he|she|it|they|the|my|our)\b)"
    r"|\b(?:i want|i'd like|i need) you to always\b",
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
