"""One episode from turns to ledger: write, embed, decide, commit.

No transaction is open while a model works, and one transaction holds all that becomes of it.
"""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import LightMemError, ModelOutputError
from lightmem_integrations.knowledge.claims import Claim, claims_of
from lightmem_integrations.knowledge.commit import Outdated, write_facts
from lightmem_integrations.knowledge.drafts import EpisodeDraft, Writer, WriterTurn
from lightmem_integrations.knowledge.fact_cache import FactCache
from lightmem_integrations.knowledge.integrate import Arbiter, Context, Plan, plan
from lightmem_integrations.safety import has_lone_surrogates
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.storage import work_queue as work_list
from lightmem_integrations.storage.episodes import VERBATIM, insert_episode
from lightmem_integrations.storage.facts import StoredAssertion, read_assertions
from lightmem_integrations.storage.schema.knowledge import refusals
from lightmem_integrations.storage.turns import moment
from lightmem_integrations.storage.vectors import unpack
from lightmem_integrations.storage.work_queue import Due, Unread, holds_lease
from lightmem_integrations.text.terms import terms

_ATTEMPTS = 20


class LeaseLost(LightMemError):  # noqa: N818 - says what happened
    """Another worker has the user now."""


class TurnsChanged(Exception):  # noqa: N818 - no error: the session is read anew
    """Turns were erased, or consolidated by somebody else, while the writer worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What every step of a run needs."""

    store: Store
    writer: Writer
    settings: ConsolidationSettings
    worker: str
    arbiter: Arbiter | None = None
    clock: Callable[[], float] = time.time
    pause: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeResult:
    """What became of one episode."""

    facts: int
    merged: int
    superseded: int
    conflicts: int
    dropped: int
    tokens: int
    rejected: tuple[str, ...]


def as_said(read: Sequence[Unread]) -> list[WriterTurn]:
    """Turns as a writer reads them."""
    return [
        WriterTurn(
            row=each.row,
            role=each.role,  # type: ignore[arg-type]  # checked when it was added
            speaker=each.speaker or each.role,
            text=each.text,
            time=moment(each.said_at, each.offset),
            session=each.session,
            position=each.position,
            agent=each.agent,
            vector=None if each.vector is None else unpack(each.vector),
        )
        for each in read
    ]


def consolidate_episode(
    bench: RunContext,
    due: Due,
    known: FactCache,
    read: Sequence[Unread],
    said: Sequence[WriterTurn],
) -> EpisodeResult:
    """Make one episode of these turns, with its facts.

    Raises:
        ModelError: The writer or the embedder failed; nothing was stored.
        TurnsChanged: Some turns are not what was read any more; nothing was stored.
        LeaseLost: Another worker took over; nothing was stored.
    """
    bench.pause()
    draft = checked(bench.writer.write(said))
    claims, dropped = claims_of(draft, said)
    bench.pause()
    vectors = bench.store.embedder.documents(
        [draft.summary or " ", *(claim.statement for claim in claims)]
    )
    for _ in range(_ATTEMPTS):
        bench.pause()
        decided = _plan(bench, known, claims, vectors[1:])
        bench.pause()
        try:
            counts = _commit(bench, due, read, draft, decided, vectors[0])
        except Outdated:
            continue
        return EpisodeResult(
            merged=decided.merged,
            dropped=dropped + decided.dropped + len(draft.rejected),
            tokens=draft.tokens,
            rejected=draft.rejected,
            **counts,
        )
    raise TurnsChanged


def checked(draft: EpisodeDraft) -> EpisodeDraft:
    """The draft, if every text in it can be stored.

    Raises:
        ModelOutputError: It is no draft, or holds NUL or half a surrogate pair.
    """
    if not isinstance(draft, EpisodeDraft):
        raise ModelOutputError(f"The writer returned a {type(draft).__name__}, no EpisodeDraft.")
    for text in _texts(dataclasses.asdict(draft)):
        if "\0" in text or has_lone_surrogates(text):
            raise ModelOutputError("The writer returned a character that cannot be stored.")
    return draft


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, (list, tuple)):
        return [text for each in value for text in _texts(each)]
    return []


def _plan(bench: RunContext, known: FactCache, claims: Sequence[Claim], vectors: Vectors) -> Plan:
    ledger, user_row = bench.store.ledger, known.user_row

    def assertions(rows: Sequence[int]) -> Mapping[int, list[StoredAssertion]]:
        with ledger.read() as connection:
            return read_assertions(connection, user_row, rows)

    def refused(digests: Sequence[str]) -> Mapping[str, float]:
        query = select(refusals.c.digest, refusals.c.refused_at).where(
            refusals.c.user == user_row, refusals.c.digest.in_(list(digests))
        )
        with ledger.read() as connection:
            return dict(connection.execute(query.order_by(refusals.c.refused_at)).all())

    with ledger.read() as connection:
        known.refresh(connection)
    context = Context(
        known=known,
        settings=bench.settings,
        now=bench.clock(),
        assertions=assertions,
        refused=refused,
        arbiter=bench.arbiter,
    )
    return plan(claims, list(vectors), context)


def _commit(
    bench: RunContext,
    due: Due,
    read: Sequence[Unread],
    draft: EpisodeDraft,
    decided: Plan,
    vector: Vectors,
) -> dict[str, int]:
    now = bench.clock()
    with bench.store.ledger.write() as connection:
        if not holds_lease(connection, due.user, bench.worker):
            raise LeaseLost("Another worker took this user's memory over; it goes on there.")
        if not work_list.unchanged(connection, read, due):
            raise TurnsChanged
        bench.store.embedder.remember(connection, len(vector))
        episode = insert_episode(
            connection,
            _episode_values(draft, due, read, bench.writer.name, now),
            [each.row for each in read],
            vector,
        )
        counts = write_facts(
            connection, due.user, decided, episode=episode, writer=bench.writer.name, now=now
        )
        work_list.forgive(connection, due)
        work_list.clear_if_done(connection, due)
    return counts


def _episode_values(
    draft: EpisodeDraft, due: Due, read: Sequence[Unread], writer: str, now: float
) -> dict[str, Any]:
    return {
        "key": uuid.uuid4().hex,
        "user": due.user,
        "session": due.session,
        "begins": min(each.said_at for each in read),
        "ends": max(each.said_at for each in read),
        "summary": draft.summary,
        "terms": " ".join(terms(" ".join([draft.summary, *draft.keywords, *draft.entities]))),
        "keywords": json.dumps(draft.keywords),
        "entities": json.dumps(draft.entities),
        "speakers": json.dumps(draft.speakers),
        "state": VERBATIM,
        "writer": writer,
        "recorded_at": now,
    }
