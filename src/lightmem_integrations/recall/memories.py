"""Memories that one recall searches, the user's own and spaces', and what they gave, merged."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.recall.candidates import Found, Quote, Ranked
from lightmem_integrations.recall.plan.question import limits_of
from lightmem_integrations.storage.expiry import expired
from lightmem_integrations.storage.turn_filter import RowFilter
from lightmem_integrations.storage.turn_vectors import any_pending
from lightmem_integrations.storage.users import User, find_user, memory_of_space
from lightmem_integrations.validation import Request


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """One memory that is searched.

    Attributes:
        space: Name of the space whose it is; ``None`` for the user's own.
        user: The ledger's row of it.
        limits: Which of its turns may come back.
        waits: Whether some of its turns have no vector yet.
    """

    space: str | None
    user: User
    limits: RowFilter
    waits: bool


def memories_of(
    connection: Connection, request: Request, spaces: Iterable[str], store: Store
) -> list[Memory]:
    """The memories in which something may be found: the user's own first, then these spaces'.

    Args:
        connection: A read transaction on the ledger.
        request: Who asks, and the limits of what may come back.
        spaces: Names of spaces that the user may read.
        store: How long its turns are kept, and what met a filter when it was last asked for.
    """
    asked = max(store.ledger.now(), request.as_of or 0.0)
    ids = [(None, request.user_id), *((space, memory_of_space(space)) for space in spaces)]
    found = []
    for space, user_id in ids:
        user = find_user(connection, user_id)
        limits = None if user is None else limits_of(connection, user, request, store.filters)
        if user is not None and limits is not None:
            limits = limits.without(expired(connection, user.row, store.settings, asked))
            found.append(Memory(space, user, limits, any_pending(connection, user.row)))
    return found


def merged(found: Sequence[Found], k: int) -> Found:
    """What several memories gave as one: each in its own order, between them by evidence.

    Scores of the Selector say how turns of one memory compare; the evidence for a hit, from 0 to 1,
    is the same measure in all of them. A list of all events of a kind is complete or none, so that
    of two kinds the one with better evidence is kept.

    Args:
        found: What each gave, the user's own first.
        k: How many hits may come back.
    """
    if len(found) == 1:
        return found[0]
    ranked = _by_evidence([[*each.hits, *each.further] for each in found])
    known = sorted(_by_evidence([each.known for each in found]), key=lambda each: not each.pinned)
    kinds: dict[str, list[Ranked]] = {}
    for each in found:
        if each.events:
            kinds.setdefault(each.events_of, []).extend(each.events)
    events_of = max(kinds, key=lambda kind: max(map(_evidence, kinds[kind])), default="")
    return Found(
        ranked[:k],
        ranked[k:],
        # Not much more than of one memory: they take the room of turns.
        known[: max(k, *(len(each.known) for each in found))],
        sorted(kinds.get(events_of, ()), key=lambda each: each.quote.order),
        events_of,
    )


def of_space(found: Found, space: str | None) -> Found:
    """What was found, each part of it marked with the space whose it is."""
    if space is None:
        return found

    def quoted(quote: Quote) -> Quote:
        return replace(quote, space=space)

    def marked(ranked: Sequence[Ranked]) -> list[Ranked]:
        return [
            Ranked(
                replace(each.hit, source=replace(each.hit.source, space=space)),
                quoted(each.quote),
                tuple(map(quoted, each.around)),
            )
            for each in ranked
        ]

    return Found(
        marked(found.hits), marked(found.further), marked(found.known), marked(found.events),
        found.events_of,
    )  # fmt: skip


def _by_evidence(lists: Sequence[Sequence[Ranked]]) -> list[Ranked]:
    """Lists merged by the best evidence at a rank and behind it, in which none ever rises."""
    keyed: list[tuple[float, Ranked]] = []
    for ranked in lists:
        best = list(itertools.accumulate(map(_evidence, reversed(ranked)), max))[::-1]
        keyed += zip(best, ranked, strict=True)
    return [each for _, each in sorted(keyed, key=lambda pair: -pair[0])]


def _evidence(ranked: Ranked) -> float:
    return ranked.hit.parts.get("evidence", 0.0)
