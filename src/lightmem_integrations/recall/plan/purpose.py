"""The purpose of a question: to learn a fact, to have something done, or to see the whole."""

from __future__ import annotations

import re
from typing import Literal

Purpose = Literal["fact", "request", "overview"]

_OVERVIEW = re.compile(
    r"\b(?:summar(?:y|ies|i[sz]e\w*)|overview|recap|in (?:what |which |the )?order|timeline"
    r"|everything (?:about|i|we|you)|walk me through|step by step how)\b",
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

    ``overview`` asks about many turns at once ("Summarize ...", "In which order did I ..."),
    ``request`` for something to be done ("Can you suggest ...", "How should I ..."), so that the
    user's wishes about how to do it count.
    """
    if _OVERVIEW.search(question):
        return "overview"
    return "request" if _REQUEST.search(question.strip()) else "fact"
