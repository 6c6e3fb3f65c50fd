"""The Controller without a model: what a question names, and the limits of its request."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Sequence

from sqlalchemy import Connection

from lightmem_integrations.recall.plan.aliases import with_full_names
from lightmem_integrations.recall.plan.purpose import BROAD, purpose_of
from lightmem_integrations.recall.plan.temporal_intent import temporal_intent
from lightmem_integrations.records.conversation import ROLES, Plan
from lightmem_integrations.storage.filter_cache import FilterCache
from lightmem_integrations.storage.turn_filter import RowFilter, filter_turns
from lightmem_integrations.storage.turn_reads import known_speakers, last_said
from lightmem_integrations.storage.users import User, find_session
from lightmem_integrations.text.common_names import COMMON_NAMES
from lightmem_integrations.text.terms import runs_on
from lightmem_integrations.text.time_window import time_window
from lightmem_integrations.text.timezone import moment_in
from lightmem_integrations.validation import Request

_SHORTEST_NAME = 2  # letters of a first name; a guess
_SHORTEST_TITLE = 4  # words; a guess
_SMALL_WORD = 3  # letters, at most, of the words that titles write small; a guess
_NEAR = 4  # characters before a word that tell whether it begins a sentence; a guess
# Characters at the beginning and at the end of a question that are read. A guess: the longest
# question of four data sets has 900; what is longer quotes a text, before or behind the question.
_READ = 1_000
# Who is called so has a role, and no name: in "Which AI course do I take?" nobody is named.
_ROLES = frozenset((*ROLES, "ai", "human", "bot", "chatbot", "agent", "model", "customer", "me"))
_LETTERS = re.compile(r"[^\W\d_]+")
# What follows a name at the start of a sentence, and no modal verb, month or noun.
_OF_NAME = re.compile(r"['\u2019]s\b|,| (?:and|is|was|has|had|did|does|said|says|told|went)\b")


def essence(question: str) -> str:
    """The question without the middle of what was pasted into it: at most 2,000 characters."""
    question = question.strip()
    if len(question) <= 2 * _READ:
        return question
    return f"{question[:_READ].rsplit(None, 1)[0]} {question[-_READ:].split(None, 1)[-1]}"


def plan_question(connection: Connection, users: Sequence[User], request: Request) -> Plan:
    """Plan a request's question by what the memories hold that are searched.

    Args:
        connection: A read transaction on the ledger.
        users: Whose memories.
        request: The question, and the moment it is asked as of.
    """
    said = (known_speakers(connection, user) for user in users)
    speakers = list(dict.fromkeys(itertools.chain.from_iterable(said)))
    query = request.query
    for user in users:
        query = with_full_names(connection, user, query, speakers)
    return make_plan(
        query,
        speakers,
        now=moment_in(request.timezone, request.as_of),
        latest=max(last_said(connection, user) for user in users),
        k=request.k,
        k_broad=request.k_broad,
    )


def limits_of(
    connection: Connection, user: User, request: Request, filters: FilterCache
) -> RowFilter | None:
    """Look a request's limits up; ``None`` if its session does not exist, so nothing is within."""
    session = find_session(connection, user, request.session_id)
    if request.session_id is not None and session is None:
        return None
    excluded_session = find_session(connection, user, request.exclude_session)
    met = None
    if request.filter is not None:
        met = filters.rows_meeting(connection, user, request.filter)
    return filter_turns(
        connection, user, session=session, since=request.since, until=request.until,
        speakers=request.speakers, excluded_session=excluded_session, excluded_ids=request.exclude,
        met=met,
    )  # fmt: skip


def make_plan(
    query: str,
    known_speakers: Sequence[str],
    *,
    now: dt.datetime,
    latest: dt.datetime,
    k: int,
    k_broad: int | None = None,
) -> Plan:
    """Read a question by rules: speakers by name, a time window by a library.

    Args:
        query: The question.
        known_speakers: Who speaks in this user's memory.
        now: What "last week" is relative to.
        latest: When this user's memory ends. A window that lies wholly after it is read again as
            if asked then: "in May", asked of a memory that ends in April, is the May before.
        k: How many hits may come back.
        k_broad: How many of a question about much at once; ``None`` for as many.

    Returns:
        A plan whose one query is the question itself.
    """
    since, until = time_window(query, now)
    if since is not None and since > latest:
        since, until = time_window(query, latest)
    purpose, intent = purpose_of(query), temporal_intent(query)
    # "What should I cook?", "What is on this week?": no state, or another time. What is to be put
    # in order or summed up has an order of its own.
    if purpose in BROAD or (intent == "now" and (purpose == "request" or since or until)):
        intent = None
    return Plan(
        queries=(query,),
        speakers=named_speakers(query, known_speakers),
        since=since,
        until=until,
        k=k if k_broad is None or purpose not in BROAD else k_broad,
        purpose=purpose,
        time=intent,
    )


def named_speakers(query: str, known_speakers: Sequence[str]) -> frozenset[str]:
    """The speakers that a question names, in full, by first name or by a short form of it."""
    words = _names_and_words(query)
    lowered = query.lower()
    named = set()
    for speaker in known_speakers:
        parts = [part.lower() for part in _LETTERS.findall(speaker)]
        short = runs_on(speaker) and len(speaker) < _SHORTEST_NAME
        if short or speaker.lower() in _ROLES:
            continue
        edges = ("", "") if runs_on(speaker) else (r"(?<!\w)", r"(?!\w)")
        whole = speaker.lower() not in COMMON_NAMES and re.search(
            re.escape(speaker.lower()).join(edges), lowered
        )
        if whole or (parts and len(parts[0]) >= _SHORTEST_NAME and parts[0] in words):
            named.add(speaker)
    return frozenset(named)


def _names_and_words(query: str) -> set[str]:
    """Words of a question that may be a name, without case.

    A word that is a name and a common word counts only where it is written like a name: with a
    capital inside a sentence, or at its start where a modal verb or a noun would not stand.
    """
    found = set()
    words = _LETTERS.findall(query)
    # Where every longer word has a capital, as in a title, capitals tell nothing.
    titled = len(words) > _SHORTEST_TITLE and not any(
        word[0].islower() and len(word) > _SMALL_WORD for word in words
    )
    for match in _LETTERS.finditer(query):
        word = match[0].lower()
        start, end = match.span()
        before = query[max(start - _NEAR, 0) : start].rstrip(" \"'\u201c\u2018(")
        inside = bool(before) and before[-1] not in ".?!:\n"
        capital = match[0] != word and inside and not titled
        like_a_name = capital or (match[0] != word and _OF_NAME.match(query, end))
        if word not in COMMON_NAMES or like_a_name:
            found.add(word)
    return found
