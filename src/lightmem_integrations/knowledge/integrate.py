"""Integration of an episode: its draft becomes claims, the claims facts, all in one transaction.

No transaction is open while a model works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.knowledge.changes import Changes, decide_changes
from lightmem_integrations.knowledge.claims import claims_of
from lightmem_integrations.knowledge.commit import FactsChanged, commit
from lightmem_integrations.knowledge.drafts import EpisodeDraft, WriterTurn
from lightmem_integrations.knowledge.fact_cache import FactCache
from lightmem_integrations.knowledge.run_context import RunContext
from lightmem_integrations.storage.episodes import insert_episode
from lightmem_integrations.storage.knowledge_vectors import insert_vector

_ATTEMPTS = 20
"""Others may change the user's facts so often while it is decided about them: a guess."""

Guard = Callable[[Connection], AbstractContextManager[None]]
"""Stands around everything that an episode writes: may refuse it by raising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeResult:
    """Counts of what became of one episode; see ``ConsolidationReport``."""

    facts: int
    merged: int
    superseded: int
    conflicts: int
    dropped: int
    tokens: int
    rejected: tuple[str, ...]


def integrate(
    draft: EpisodeDraft,
    turns: Sequence[WriterTurn],
    cache: FactCache,
    run: RunContext,
    guard: Guard,
) -> EpisodeResult:
    """Store an episode and its facts, decided against what is known of the user.

    Args:
        draft: The episode, checked.
        turns: Its turns.
        cache: The user's facts; brought up to date.
        run: Store, models and policies.
        guard: Entered first in the transaction that writes, and left last.

    Raises:
        FactsChanged: Others change the user's facts all the time; nothing was stored.
        ModelError: The embedder failed; nothing was stored.
    """
    claims, dropped = claims_of(draft.facts, turns)
    denials, _ = claims_of(draft.denials, turns)
    run.pause()
    vectors = run.store.embedder.documents(
        [draft.summary or " ", *(claim.statement for claim in claims)]
    )
    for _ in range(_ATTEMPTS):
        run.pause()
        with run.store.ledger.read() as connection:
            cache.refresh(connection)
        changes = decide_changes(claims, list(vectors[1:]), denials, cache, run)
        run.pause()
        try:
            facts, superseded, conflicts = _write(draft, turns, vectors[0], changes, run, guard)
        except FactsChanged:
            continue
        return EpisodeResult(
            facts=facts,
            merged=changes.merged,
            superseded=superseded,
            conflicts=conflicts,
            dropped=dropped + changes.dropped + len(draft.rejected),
            tokens=draft.tokens,
            rejected=draft.rejected,
        )
    raise FactsChanged


def _write(
    draft: EpisodeDraft,
    turns: Sequence[WriterTurn],
    vector: Vectors,
    changes: Changes,
    run: RunContext,
    guard: Guard,
) -> tuple[int, int, int]:
    now, writer = run.clock(), run.writer.name
    with run.store.ledger.write() as connection, guard(connection):
        run.store.embedder.record_dimension(connection, len(vector))
        episode = insert_episode(
            connection, changes.user_row, turns, summary=draft.summary, keywords=draft.keywords,
            entities=draft.entities, speakers=draft.speakers, writer=writer, now=now,
        )  # fmt: skip
        insert_vector(connection, changes.user_row, "episode", episode, vector)
        return commit(connection, changes, episode=episode, writer=writer, now=now)
