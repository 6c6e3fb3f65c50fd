"""Erasure of what was made of turns: their episodes, and all that facts owe to those.

An episode was written from all of its turns together, so what any of them said may stand in its
summary and in every fact it brought. Erasing one turn therefore erases the whole episode with all
that it asserted; its other turns are due again. A fact for which another episode spoke as well
stays, in that episode's words, with that episode's evidence and confidence; a fact that nothing
else speaks for goes, and words that later ones had borrowed go too (``borrowed``). A person's
correction goes with any episode of the fact that it corrected, as it may hold words of it; what the
person refused stays refused while a turn seems to prove it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, select, update

from lightmem_integrations.storage.archive import restore_turns
from lightmem_integrations.storage.claims import refuse
from lightmem_integrations.storage.erase.borrowed import return_words
from lightmem_integrations.storage.erase.rewrite import (
    relink_successors,
    rename_chains,
    reword_facts,
)
from lightmem_integrations.storage.facts import next_revision, read_facts
from lightmem_integrations.storage.schema import (
    assertions,
    conflicts,
    episode_turns,
    episode_vectors,
    episodes,
    evidence,
    fact_vectors,
    facts,
    failures,
    mentions,
    quarantine,
    refusals,
    turns,
)
from lightmem_integrations.storage.shared import drop_support
from lightmem_integrations.storage.sql import delete_in, in_batches, select_in
from lightmem_integrations.storage.users import User
from lightmem_integrations.storage.work_queue import make_due


def turns_behind(connection: Connection, user: User, keys: Collection[str]) -> set[int]:
    """Rows of the turns that prove these facts or make up these episodes, by their public ids."""
    wanted = list(keys)
    facts_proof = (
        select(evidence.c.turn)
        .join(facts, facts.c.id == evidence.c.fact)
        .where(facts.c.user == user.row, facts.c.key.in_(wanted))
    )
    said = (
        select(episode_turns.c.turn)
        .join(episodes, episodes.c.id == episode_turns.c.episode)
        .where(episodes.c.user == user.row, episodes.c.key.in_(wanted))
    )
    return {row for query in (facts_proof, said) for row in connection.execute(query).scalars()}


def erase_derived(
    connection: Connection,
    user_row: int,
    rows: Collection[int],
    now: float,
    *,
    forgotten: bool = True,
) -> tuple[int, int]:
    """Erase what was made of these turns of a user, while they are still there themselves.

    With ``forgotten=False`` the turns stay and only prove nothing any more: a person's word goes
    only if it rested on nothing else, and what was refused stays refused.

    Returns the numbers of erased episodes and facts; facts that stayed in other words do not count.
    """
    erased_episodes = _find(connection, episode_turns.c.episode, episode_turns.c.turn, rows)
    members = _pairs(connection, erased_episodes)
    lost = _find(connection, assertions.c.id, assertions.c.episode, erased_episodes)
    reworded: set[int] = set()
    if forgotten:
        borrowed, reworded = return_words(connection, user_row, rows, erased_episodes)
        lost |= borrowed
        # What a person said rests on turns, and on the words in which an episode had put them.
        lost |= _find(connection, evidence.c.assertion, evidence.c.turn, members)
        delete_in(connection, refusals, refusals.c.turn, rows)
    else:
        doubtful = _find(connection, evidence.c.assertion, evidence.c.turn, rows)
        delete_in(connection, evidence, evidence.c.turn, rows)
        lost |= doubtful - _find(connection, evidence.c.assertion, evidence.c.assertion, doubtful)
    touched = reworded | _find(connection, assertions.c.fact, assertions.c.id, lost)
    delete_in(connection, evidence, evidence.c.assertion, lost)
    delete_in(connection, assertions, assertions.c.id, lost)
    supported = _find(connection, assertions.c.fact, assertions.c.fact, touched)
    gone = touched - supported
    if touched:
        revision = next_revision(connection, user_row, erased=True)
        chains = {
            (fact.subject_key, fact.attribute_key)
            for fact in read_facts(connection, user_row, touched, retracted=True)
        }
        relink_successors(connection, user_row, gone, revision)
        reword_facts(connection, user_row, supported, revision)
        _delete_facts(connection, gone, now)
        rename_chains(connection, user_row, chains, revision)
    delete_in(connection, episode_vectors, episode_vectors.c.episode, erased_episodes)
    delete_in(connection, episode_turns, episode_turns.c.episode, erased_episodes)
    delete_in(connection, episodes, episodes.c.id, erased_episodes)
    _forget_failures(connection, rows)
    left = set(members).difference(rows if forgotten else ())
    restore_turns(connection, user_row, left)
    make_due(connection, user_row, sorted({members[row] for row in left}))
    return len(erased_episodes), len(gone)


def erase_facts(connection: Connection, user_row: int, rows: Collection[int], now: float) -> int:
    """Erase facts whose time is over; returns how many there were.

    Their turns stay and bring them back no more. What they had replaced stays over.
    """
    stored = read_facts(connection, user_row, rows, retracted=True)
    if not stored:
        return 0
    gone = {fact.row for fact in stored}
    for fact in stored:
        refuse(
            connection, user_row, fact.row, (fact.subject_key, fact.attribute_key),
            fact.value_key, now,
        )  # fmt: skip
    revision = next_revision(connection, user_row, erased=True)
    for part in in_batches(gone):
        replaced = facts.c.user == user_row, facts.c.superseded_by.in_(part)
        ended = {
            "superseded_by": None, "stated_to": facts.c.valid_to,
            "stated_to_precision": facts.c.valid_to_precision, "revision": revision,
        }  # fmt: skip
        connection.execute(update(facts).where(*replaced).values(**ended))
    for table in (evidence, assertions):
        delete_in(connection, table, table.c.fact, gone)
    _delete_facts(connection, gone, now)
    return len(gone)


def _delete_facts(connection: Connection, gone: set[int], now: float) -> None:
    for side in (conflicts.c.first, conflicts.c.second):
        delete_in(connection, conflicts, side, gone)
    for table in (mentions, fact_vectors):
        delete_in(connection, table, table.c.fact, gone)
    for part in in_batches(gone):
        drop_support(connection, part, now)
    delete_in(connection, facts, facts.c.id, gone)


def _forget_failures(connection: Connection, rows: Collection[int]) -> None:
    """Reasons of failures may quote what was read: they go with any turn of the session."""
    where = _find(connection, turns.c.session, turns.c.id, rows)
    delete_in(connection, failures, failures.c.session, where)
    aside = _find(connection, quarantine.c.session, quarantine.c.turn, rows)
    for session in aside:
        owner = select(quarantine.c.user).where(quarantine.c.session == session).limit(1)
        make_due(connection, int(connection.execute(owner).scalar_one()), [session])
    delete_in(connection, quarantine, quarantine.c.session, aside)


def _pairs(connection: Connection, episode_rows: Collection[int]) -> dict[int, int]:
    """Turns of episodes, with their sessions."""
    query = select(turns.c.id, turns.c.session).join(
        episode_turns, episode_turns.c.turn == turns.c.id
    )
    return dict(select_in(connection, query, episode_turns.c.episode, episode_rows))


def _find(
    connection: Connection,
    wanted: ColumnElement[int],
    by: ColumnElement[int],
    values: Collection[int],
) -> set[int]:
    return {row for (row,) in select_in(connection, select(wanted), by, values)}
