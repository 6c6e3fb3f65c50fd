"""One episode from turns to ledger: the Writer drafts it, ``knowledge`` integrates the draft.

No transaction is open while a model works, and one transaction holds all that becomes of it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args

from sqlalchemy import Connection

from lightmem_integrations.errors import LightMemError, ModelOutputError
from lightmem_integrations.knowledge.drafts import EpisodeDraft, KnownFact, WriterTurn, written
from lightmem_integrations.knowledge.fact_cache import FactCache
from lightmem_integrations.knowledge.integrate import integrate
from lightmem_integrations.knowledge.run_context import RunContext
from lightmem_integrations.records.knowledge import FactKind
from lightmem_integrations.records.report import ConsolidationReport
from lightmem_integrations.safety import has_lone_surrogates, type_of
from lightmem_integrations.storage.facts import StoredFact
from lightmem_integrations.storage.unread_turns import turns_before, unchanged
from lightmem_integrations.storage.users import lock_users
from lightmem_integrations.storage.work_queue import Due, clear_if_done, forgive, holds_lease
from lightmem_integrations.text.precision import Precision, by_calendar

_BEFORE = 3
"""Turns said before a segment that a Writer is shown: a guess."""

_KNOWN_PER_TURN, _FEWEST_KNOWN, _MOST_KNOWN = 2, 8, 16
"""Known facts that a Writer is shown, for each turn of a person. Of 45 that change, among 200 facts
of a user, so many are shown in sessions of 1, 5 and 10 topics: 45, 43 and 43; with always 12, the
nearest to any turn, 45, 41 and 42. Measured by `python benchmarks/versions.py --mixed N`."""


class LeaseLost(LightMemError):  # noqa: N818 - says what happened
    """Another worker has the user now."""


class TurnsChanged(Exception):  # noqa: N818 - no error: the session is read anew
    """Turns were erased, or consolidated by somebody else, while the writer worked."""


def consolidate_episode(
    run: RunContext, due: Due, cache: FactCache, turns: Sequence[WriterTurn]
) -> ConsolidationReport:
    """Make one episode of these turns, with its facts; returns what it counts in a run.

    Raises:
        ModelError: The writer or the embedder failed; nothing was stored.
        TurnsChanged: Some turns are not what was read any more; nothing was stored.
        FactsChanged: Others change the user's facts all the time; nothing was stored.
        LeaseLost: Another worker took over; nothing was stored.
    """

    @contextmanager
    def still_ours(connection: Connection) -> Iterator[None]:
        lock_users(connection, [due.user])  # from here on, what is asked holds to the end
        if not holds_lease(connection, due.user, run.worker):
            raise LeaseLost("Another worker took this user's memory over; it goes on there.")
        if not unchanged(connection, due, turns):
            raise TurnsChanged
        yield
        forgive(connection, due)
        clear_if_done(connection, due)

    run.pause()
    with run.store.ledger.read() as connection:
        before = turns_before(connection, turns[0], _BEFORE)
        cache.refresh(connection)
    shown = _nearest_known(cache, turns)
    known = [_known(fact, turns[0]) for fact in shown]
    draft = checked(written(run.writer, turns, before, known))
    return integrate(draft, turns, cache, run, still_ours, shown)


def _nearest_known(cache: FactCache, turns: Sequence[WriterTurn]) -> list[StoredFact]:
    """The known facts that a segment may change: those near to what people say in it."""
    told = [turn for turn in turns if turn.speaker.lower() != "assistant"] or turns
    vectors = [turn.vector for turn in told if turn.vector is not None]
    count = min(max(_KNOWN_PER_TURN * len(vectors), _FEWEST_KNOWN), _MOST_KNOWN)
    return cache.nearest_to_any(vectors, count)


def _known(fact: StoredFact, turn: WriterTurn) -> KnownFact:
    """A fact as the Writer reads it, by the calendar of the turns that it writes about."""
    until, zone = fact.valid_to, turn.time.tzinfo or dt.timezone.utc
    return KnownFact(
        subject=fact.subject, attribute=fact.attribute, value=fact.value, kind=fact.kind,
        statement=fact.statement,
        since=by_calendar(fact.valid_from, fact.valid_from_precision, zone),
        until=None if until is None else by_calendar(until, fact.valid_to_precision, zone),
        since_precision=fact.valid_from_precision, until_precision=fact.valid_to_precision,
    )  # fmt: skip


def checked(draft: EpisodeDraft) -> EpisodeDraft:
    """The draft, if every text in it can be stored.

    Raises:
        ModelOutputError: It is no draft, or holds NUL or half a surrogate pair.
    """
    if not isinstance(draft, EpisodeDraft):
        raise ModelOutputError(f"The writer returned {type_of(draft)}, no EpisodeDraft.")
    for text in _texts(dataclasses.asdict(draft)):
        if "\0" in text or has_lone_surrogates(text):
            raise ModelOutputError("The writer returned a character that cannot be stored.")
    for fact in draft.facts:
        if fact.kind not in get_args(FactKind) or type(fact.single) is not bool:
            raise ModelOutputError(
                f"The writer returned a fact of the kind {fact.kind!r}, single={fact.single!r}; "
                f"pass one of {get_args(FactKind)}, and True or False."
            )
        precisions = fact.valid_from_precision, fact.valid_to_precision
        if not {*precisions} <= {*get_args(Precision)}:
            raise ModelOutputError(
                f"The writer returned a fact with dates as exact as {precisions!r}; pass two of "
                f"{get_args(Precision)}."
            )
    if type(draft.tokens) is not int or type(draft.calls) is not int:
        raise ModelOutputError("The writer's tokens or calls are no whole number.")
    return draft


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in _texts(part)]
    return []
