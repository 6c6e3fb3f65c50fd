"""The purpose of a question: a fact, something to be done, an order of events, a summary."""

from __future__ import annotations

import re
from typing import Literal

Purpose = Literal["fact", "request", "order", "summary"]

BROAD: frozenset[Purpose] = frozenset({"order", "summary"})
"""Purposes of questions about much at once."""

# Neither "Is the car in order?" nor "What was in the order from Ikea?".
_ORDER = re.compile(
    r"^(?!(?:is|are|was|were)\b).*(?<!is )(?<!was )\b"
    r"in (?:(?:what|which|the) )?(?:chronological |right )?(?:order|sequence)\b(?! (?:to|from)\b)"
    r"|\b(?:order in which|timeline|chronolog\w*)\b",
    re.IGNORECASE | re.DOTALL,
)
_SUMMARY = re.compile(
    r"^(?!(?:who|whose|when|where|which)\b).*"
    r"\b(?:summar(?:y|ies|i[sz]e\w*)|overview|recap|everything (?:about|i|we|you))\b",
    re.IGNORECASE | re.DOTALL,
)
_REQUEST = re.compile(
    r"^(?:please|can you|could you|would you|will you|help|show|give|write|explain|suggest"
    r"|recommend|create|make|draft|plan|describe|list|tell me how|how (?:do|can|should|would|could)"
    r"|what(?:'s| is| are| would be)? (?:the |a |some )?(?:best|good|way|should|can|could|would)"
    r"|i(?:'d| would) like|i want|i need|i'm (?:looking|trying|thinking|planning)|let'?s)\b"
    r"|\b(?:can|could|would) you\b|(?<!ould )(?<!can )\bhelp me\b|\bshould i\b"
    # What was recommended, or what somebody did recommend, is a fact.
    r"|^(?!.*\bdid\b).*\b(?:recommend|suggest)(?!ed)",
    re.IGNORECASE | re.DOTALL,
)

# "How often did I ...", "Which trips have I made?", "When was each of them?", "all my flights"
_EVENTS = re.compile(
    r"\bhow (?:many times|often)\b|\bhow many (?:[\w-]+ ){1,4}?(?:did|have|has|had|was|were)\b"
    r"|\b(?:which|what) (?:[\w-]+ ){0,2}?[\w-]+s (?:did|have|has|had|were)\b"
    r"|\bwhen (?:did|was|were) (?:\w+ )?(?:each|every|all)\b|\b(?:each|every) (?:time|of)\b"
    r"|\ball (?:(?:of )?(?:the|my|our|his|her|their) )?[\w-]+s\b|^list\b",
    re.IGNORECASE,
)


def asks_for_events(question: str) -> bool:
    """Whether a question is answered by all events of a kind: how many there were, which, when."""
    return bool(_EVENTS.search(question.strip()) or _ORDER.search(question))


def purpose_of(question: str) -> Purpose:
    """The purpose of a question by its English words; ``fact`` where none of them tells.

    ``order`` asks how things followed on each other ("In which order did I ..."), ``summary`` for
    the whole of something ("Summarize ..."), ``request`` for something to be done ("Can you
    suggest ...", "How should I ..."), so that the user's wishes about how to do it count.
    """
    if _SUMMARY.search(question):
        return "summary"
    if _ORDER.search(question):
        return "order"
    return "request" if _REQUEST.search(question.strip()) else "fact"
