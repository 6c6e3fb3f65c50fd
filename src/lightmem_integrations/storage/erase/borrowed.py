"""Words that episodes borrowed from others: a Writer reads what is known, and may repeat it.

Of an erased turn that no other turn says, no word may stay in what was written later: "moved to
Lisbon from Porto" of somebody who said "I moved to Lisbon", and had said "Porto" in what is gone.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, update

from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.expressions import unindexed
from lightmem_integrations.storage.schema import (
    assertions,
    episode_turns,
    episode_vectors,
    episodes,
    turns,
)
from lightmem_integrations.storage.sql import delete_in, select_in
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.terms import terms

_LONGEST_SUMMARY = 500  # characters, of turns in place of a summary: a guess


def return_words(
    connection: Connection, user_row: int, rows: Collection[int], erased: Collection[int]
) -> tuple[set[int], set[int]]:
    """Take the words of erased turns out of what later episodes made of other turns.

    Args:
        connection: Of the transaction that erases; the turns are out of the full-text index.
        user_row: Whose turns.
        rows: Rows of the turns.
        erased: Rows of their episodes. Only what was written after the first of them can have
            borrowed from them.

    Returns:
        Rows of claims that are lost, as their subject or value is borrowed, and of facts whose
        claims are put in other words.
    """
    if not erased:
        return set(), set()
    later = or_(assertions.c.episode > min(erased), assertions.c.episode.is_(None))
    if not _anything_later(connection, user_row, later, erased):
        return set(), set()
    query = select(turns.c.terms).where(unindexed(turns.c.user) == user_row)
    said = {word for (text,) in select_in(connection, query, turns.c.id, rows)
            for word in text.split()}  # fmt: skip
    gone = _said_nowhere(connection, user_row, said, set(rows))
    if not gone:  # mostly: to read what is known takes far longer
        return set(), set()
    claims = {
        claim: _words(
            claim.subject,
            claim.value,
            claim.statement,
            claim.doubt or "",
            *json.loads(claim.entities),
        )
        for claim in connection.execute(
            select(assertions).where(assertions.c.user == user_row, later)
        )
        if claim.episode not in erased
    }
    written = [
        episode
        for episode in connection.execute(
            select(episodes).where(episodes.c.user == user_row, episodes.c.id > min(erased))
        )
        if episode.id not in erased
    ]
    lost, reworded = set(), set()
    for claim, words in claims.items():
        if not gone & words:
            continue
        if not gone.intersection(_words(claim.subject, claim.value)):
            _reword(connection, claim, gone)
            reworded.add(claim.fact)
        elif claim.episode is not None:  # a person's word is their own
            lost.add(claim.id)
    for episode in written:
        if gone.intersection(episode.terms.split()):
            _summarize_anew(connection, episode, gone)
    return lost, reworded


def _anything_later(
    connection: Connection, user_row: int, later: ColumnElement[bool], erased: Collection[int]
) -> bool:
    """Whether anything can have borrowed: claims of persons, and what was written later."""
    spoke = select(assertions.c.episode).where(assertions.c.user == user_row, later).distinct()
    written = select(episodes.c.id).where(episodes.c.user == user_row, episodes.c.id > min(erased))
    return any(row not in erased for query in (spoke, written) for row in connection.scalars(query))


def _words(*texts: str) -> set[str]:
    return {word for text in texts for word in terms(text)}


def _said_nowhere(
    connection: Connection, user_row: int, words: Collection[str], rows: set[int]
) -> set[str]:
    """The words that stand in none of the user's turns that are left, archived or not."""
    found = set(words) - lexical.occurring(connection, user_row, sorted(words))
    if found:
        query = select(turns.c.id, turns.c.terms).where(
            turns.c.user == user_row, ~turns.c.searchable
        )
        for row, text in connection.execute(query):
            found -= set() if row in rows else set(text.split())
    return found


def _reword(connection: Connection, claim: Any, gone: set[str]) -> None:
    statement = f"{claim.subject}: {claim.attribute}: {claim.value}"
    if gone.intersection(_words(claim.attribute)):
        statement = f"{claim.subject}: {claim.value}"
    names = [name for name in json.loads(claim.entities) if not gone.intersection(_words(name))]
    doubt = claim.doubt if not gone.intersection(_words(claim.doubt or "")) else None
    values = {"statement": statement, "terms": " ".join(terms(statement)),
              "entities": json.dumps(names), "doubt": doubt}  # fmt: skip
    connection.execute(update(assertions).where(assertions.c.id == claim.id).values(**values))


def _summarize_anew(connection: Connection, episode: Any, gone: set[str]) -> None:
    """Without the sentences that hold such words; the turns themselves where none is left."""
    kept = [each for each in sentences(episode.summary) if not gone.intersection(_words(each))]
    if not kept:
        query = select(turns.c.text).join(episode_turns, episode_turns.c.turn == turns.c.id)
        query = query.where(episode_turns.c.episode == episode.id).order_by(turns.c.id)
        kept = list(connection.execute(query).scalars())
    summary = " ".join(kept)[:_LONGEST_SUMMARY]
    keywords, names = (
        [each for each in json.loads(listed) if not gone.intersection(_words(each))]
        for listed in (episode.keywords, episode.entities)
    )
    values = {
        "summary": summary, "keywords": json.dumps(keywords), "entities": json.dumps(names),
        "terms": " ".join(terms(" ".join([summary, *keywords, *names]))),
        "version": episode.version + 1,
    }  # fmt: skip
    connection.execute(update(episodes).where(episodes.c.id == episode.id).values(**values))
    delete_in(connection, episode_vectors, episode_vectors.c.episode, [episode.id])
