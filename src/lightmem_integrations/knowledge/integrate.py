"""Integration of an episode: its draft becomes claims, the claims facts, all in one transaction.

No transaction is open while a model works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from lightmem_integrations.knowledge.changes import Changes, decide_changes
from lightmem_integrations.knowledge.commit import FactsChanged, commit
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft, WriterTurn
from lightmem_integrations.knowledge.fact_cache import FactCache
from lightmem_integrations.knowledge.run_context import RunContext
from lightmem_integrations.records.knowledge import Teller
from lightmem_integrations.records.report import ConsolidationReport
from lightmem_integrations.safety import check_moment
from lightmem_integrations.storage.claims import Claim, bounded
from lightmem_integrations.storage.episodes import insert_episode
from lightmem_integrations.storage.facts import StoredFact
from lightmem_integrations.storage.knowledge_vectors import EmbeddedText, insert_vector

_ATTEMPTS = 20
"""Others may change the user's facts so often while it is decided about them: a guess."""

Guard = Callable[[Connection], AbstractContextManager[None]]
"""Stands around everything that an episode writes: may refuse it by raising."""


def integrate(
    draft: EpisodeDraft,
    turns: Sequence[WriterTurn],
    cache: FactCache,
    run: RunContext,
    guard: Guard,
    shown: Sequence[StoredFact] = (),
) -> ConsolidationReport:
    """Store an episode and its facts, decided against what is known of the user; counts them.

    Args:
        draft: The episode, checked.
        turns: Its turns.
        cache: The user's facts; brought up to date.
        run: Store, models and policies.
        guard: Entered first in the transaction that writes, and left last.
        shown: The known facts that the Writer was shown, in that order.

    Raises:
        FactsChanged: Others change the user's facts all the time; nothing was stored.
        ModelError: The embedder failed; nothing was stored.
    """
    claims, refused = claims_of(draft.facts, turns, shown)
    run.pause()
    summary, *statements = run.store.embedder.statements(
        [draft.summary or " ", *(claim.statement for claim in claims)]
    )
    for _ in range(_ATTEMPTS):
        run.pause()
        with run.store.ledger.read() as connection:
            cache.refresh(connection)
        changes = decide_changes(claims, statements, cache, run)
        run.pause()
        try:
            written = _write(draft, turns, summary, changes, run, guard)
        except FactsChanged:
            continue
        return written + ConsolidationReport(
            written=1,
            merged=changes.merged,
            dropped=len(refused) + changes.dropped + len(draft.rejected),
            tokens=draft.tokens,
            calls=draft.calls,
            refused=(*draft.rejected, *refused),
        )
    raise FactsChanged


def claims_of(
    drafts: Sequence[FactDraft], turns: Sequence[WriterTurn], shown: Sequence[StoredFact] = ()
) -> tuple[list[Claim], list[str]]:
    """Drafts as claims; and why some are none, or not what the Writer took them for."""
    claims, refused = [], []
    for fact in drafts:
        pointers = [place for place in dict.fromkeys(fact.evidence) if 0 <= place < len(turns)]
        blank = not (fact.subject.strip() and fact.attribute.strip() and fact.statement.strip())
        if not pointers or blank:
            reason = "it is incomplete" if blank else "it points to no turn that exists"
            refused.append(f"{reason}: {fact.statement.strip() or 'no statement'}")
            continue
        known = None
        if fact.relation is not None:
            if fact.known is not None and 0 <= fact.known < len(shown):
                known = shown[fact.known].row
            else:
                refused.append(
                    f"it {fact.relation} a fact that was not shown, and stands for itself: "
                    f"{fact.statement.strip()}"
                )
        claims.append(_claim(fact, [turns[place] for place in pointers], known))
    return claims, refused


def _claim(fact: FactDraft, proof: Sequence[WriterTurn], known: int | None) -> Claim:
    since, since_precision = min(turn.time for turn in proof).timestamp(), fact.valid_from_precision
    begun, ended, expires_at = (
        check_moment(day and day.replace(tzinfo=day.tzinfo or proof[0].time.tzinfo), "a fact's day")
        for day in (fact.valid_from, fact.valid_to, fact.expires_at)
    )
    if begun is not None:
        since = begun
    elif ended is not None and ended <= since:
        since, since_precision = ended, fact.valid_to_precision
    else:
        since_precision = "day"
    if ended is not None and ended < since:
        ended = None  # an end before the beginning is no knowledge
    # One agent's word: that of the latest turn, where several wrote them.
    latest = max(proof, key=lambda turn: (turn.time, turn.row))
    return Claim(
        subject=fact.subject.strip(),
        attribute=fact.attribute.strip(),
        value=fact.value.strip(),
        statement=fact.statement.strip(),
        entities=tuple(dict.fromkeys(name.strip() for name in fact.entities if name.strip())),
        single=fact.single,
        since=since,
        said_at=latest.time.timestamp(),
        stated_to=ended,
        since_precision=since_precision,
        stated_to_precision="day" if ended is None else fact.valid_to_precision,
        confidence=bounded(fact.confidence),
        agent=latest.agent,
        turns=tuple(turn.row for turn in proof),
        kind=fact.kind,
        doubt=fact.doubt,
        told_by=_told_by(proof, fact.subject),
        relation=fact.relation if known is not None else None,
        known=known,
        expires_at=expires_at,
        importance=max(0.0, min(fact.importance, 1.0)),  # 0 for NaN
    )


def _told_by(proof: Sequence[WriterTurn], subject: str) -> Teller:
    """Who told it; somebody who speaks of themselves by name does so as a person."""
    about = {subject.strip().lower()} - {"assistant"}
    others = {turn.role == "assistant" and turn.speaker.lower() not in about for turn in proof}
    return "both" if len(others) > 1 else "assistant" if True in others else "user"


def _write(
    draft: EpisodeDraft,
    turns: Sequence[WriterTurn],
    summary: EmbeddedText,
    changes: Changes,
    run: RunContext,
    guard: Guard,
) -> ConsolidationReport:
    now, writer = run.clock(), run.writer.name
    with run.store.ledger.write() as connection:
        # Before the user is locked, as who replaces the embedder comes to users last.
        run.store.embedder.record_dimension(connection, len(summary.vector))
        with guard(connection):
            episode = insert_episode(
                connection, changes.user_row, turns, summary=draft.summary,
                keywords=draft.keywords, entities=draft.entities, speakers=draft.speakers,
                writer=writer, now=now,
            )  # fmt: skip
            insert_vector(connection, changes.user_row, "episode", episode, summary)
            return commit(connection, changes, episode=episode, writer=writer, now=now)
