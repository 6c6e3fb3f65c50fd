"""The Controller without a model: what a question names, and the limits of its request."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Sequence

from sqlalchemy import Connection

from lightmem_integrations.recall.plan.aliases import with_full_names
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.lexical import LexicalIndex
from lightmem_integrations.storage.turn_filter import RowFilter, filter_turns
from lightmem_integrations.storage.turn_reads import known_speakers, last_said
from lightmem_integrations.storage.users import User, find_session
from lightmem_integrations.text.temporal import time_window
from lightmem_integrations.validation import Request

_SHORTEST_NAME = 2


def plan_question(
    connection: Connection, lexical: LexicalIndex, user: User, request: Request
) -> Plan:
    """Plan a request's question by what this user's memory holds.

    Args:
        connection: A read transaction on the ledger.
        lexical: The ledger's full-text index.
        user: Whose memory.
        request: The question, and the moment it is asked as of.
    """
    speakers = known_speakers(connection, user)
    now = time.time() if request.as_of is None else request.as_of
    return make_plan(
        with_full_names(connection, lexical, user, request.query, speakers),
        speakers,
        now=dt.datetime.fromtimestamp(now, dt.timezone.utc),
        latest=last_said(connection, user),
        k=request.k,
    )


def limits_of(connection: Connection, user: User, request: Request) -> RowFilter | None:
    """Look a request's limits up; ``None`` if its session does not exist, so nothing is within."""
    session = excluded_session = None
    if request.session_id is not None:
        session = find_session(connection, user, request.session_id)
        if session is None:
            return None
    if request.exclude_session is not None:
        excluded_session = find_session(connection, user, request.exclude_session)
    return filter_turns(
        connection, user, session=session, since=request.since, until=request.until,
        speakers=request.speakers, excluded_session=excluded_session, excluded_ids=request.exclude,
    )  # fmt: skip


def make_plan(
    query: str,
    known_speakers: Sequence[str],
    *,
    now: dt.datetime,
    latest: dt.datetime,
    k: int,
) -> Plan:
    """Read a question by rules: speakers by name, a time window by a library.

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
        speakers=named_speakers(query, known_speakers),
        since=since,
        until=until,
        k=k,
    )


def named_speakers(query: str, known_speakers: Sequence[str]) -> frozenset[str]:
    """The speakers that a question names, in full, by first name or by a short form of it."""
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", query)}
    lowered = f" {query.lower()} "
    named = set()
    for speaker in known_speakers:
        first = re.findall(r"[^\W\d_]+", speaker.lower())[:1]
        whole = re.search(rf"(?<!\w){re.escape(speaker.lower())}(?!\w)", lowered)
        if whole or (first and len(first[0]) >= _SHORTEST_NAME and first[0] in words):
            named.add(speaker)
    return frozenset(named)
