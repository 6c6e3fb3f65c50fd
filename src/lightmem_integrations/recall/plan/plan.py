"""The Controller without a model: what a question says about whom, when and what kind."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.text.temporal import time_window

# Asking for what holds, not for what happened.
_KNOWLEDGE = re.compile(
    r"\b(?:usually|normally|generally|always|prefers?|likes?|favou?rite|kind of|type of|"
    r"personality|relationship|hobb(?:y|ies)|allerg\w+|current(?:ly)?|nowadays|these days)\b",
    re.IGNORECASE,
)
_SHORTEST_NAME = 2


def make_plan(
    query: str,
    known_speakers: Sequence[str],
    *,
    now: dt.datetime,
    latest: dt.datetime,
    k: int,
) -> Plan:
    """Read a question by rules: speakers by name, a time window by a library, the intent by words.

    Args:
        query: The question.
        known_speakers: Who speaks in this user's memory.
        now: What "last week" is relative to.
        latest: When this user's memory ends. A window that lies wholly after it is read again as
            if asked then: "in May", asked of a memory that ends in April, is the May before.
        k: How many hits may come back.

    Returns:
        A plan whose one query is the question itself.
    """
    since, until = time_window(query, now)
    if since is not None and since > latest:
        since, until = time_window(query, latest)
    return Plan(
        queries=(query,),
        intent="knowledge" if _KNOWLEDGE.search(query) else "episodic",
        speakers=named_speakers(query, known_speakers),
        since=since,
        until=until,
        k=k,
    )


def named_speakers(query: str, known_speakers: Sequence[str]) -> frozenset[str]:
    """The speakers that a question names, in full, by first name or by a short form of it."""
    words = {each.lower() for each in re.findall(r"[^\W\d_]+", query)}
    lowered = f" {query.lower()} "
    named = set()
    for speaker in known_speakers:
        first = re.findall(r"[^\W\d_]+", speaker.lower())[:1]
        whole = re.search(rf"(?<!\w){re.escape(speaker.lower())}(?!\w)", lowered)
        if whole or (first and len(first[0]) >= _SHORTEST_NAME and first[0] in words):
            named.add(speaker)
    return frozenset(named)
