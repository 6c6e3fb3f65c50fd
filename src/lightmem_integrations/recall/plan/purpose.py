"""The purpose of a question: a fact, something to be done, an order of events, a summary."""

from __future__ import annotations

import re
from typing import Literal

Purpose = Literal["fact", "request", "order", "summary"]

BROAD: frozenset[Purpose] = frozenset({"order", "summary"})
"""Purposes of questions about much at once."""

_ORDER = re.compile(
    r"\b(?:in (?:(?:what|which|the) )?(?:chronological |right )?(?:order|sequence)(?! to\b)"
    r"|order in which|timeline|chronolog\w*)\b",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"\b(?:summar(?:y|ies|i[sz]e\w*)|overview|recap|everything (?:about|i|we|you))\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"^(?:please|can you|could you|would you|will you|help|show|give|write|explain|suggest"
    r"|recommend|create|make|draft|plan|describe|list|tell me how|how (?:do|can|should|would|could)"
    r"|what(?:'s| is| are| would be)? (?:the |a |some )?(?:best|good|way|should|can|could|would)"
    r"|i(?:'d| would) like|i want|i need|i'm (?:looking|trying|thinking|planning)|let'?s)\b"
    r"|\b(?:can|could|would) you\b|\bhelp me\b|\bshould i\b|\b(?:recommend|suggest)",
    re.IGNORECASE,
)


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
