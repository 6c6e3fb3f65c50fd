"""Shared knowledge: statements that several users support, behind the user's own hits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.recall.candidates import Quote, Ranked
from lightmem_integrations.recall.tiers.fact_view import ALMOST, CLOSE
from lightmem_integrations.records.conversation import Hit, Source, Turn
from lightmem_integrations.storage.index import cosines
from lightmem_integrations.storage.shared import SharedStatement, read_shared, shared_entries
from lightmem_integrations.storage.turns import moment
from lightmem_integrations.validation import Request

_SPEAKER = "Shared"


def may_be_shared(request: Request) -> bool:
    """True for a request without limits that a statement of nobody, at no time, cannot meet."""
    limited = (request.session_id, request.since, request.until, request.as_of)
    return (
        "ltm" in request.tiers
        and all(limit is None for limit in limited)
        and not request.speakers
        and request.filter is None
    )  # fmt: skip


def with_shared(
    connection: Connection, request: Request, vector: Vectors, ranked: Sequence[Ranked], now: float
) -> list[Ranked]:
    """Add shared statements that are close to the question behind the user's own hits.

    It fills places that the user's own memory leaves empty. Only what is all but the answer takes
    the place of a hit, the last one, and of one in five at most.

    Args:
        connection: A read transaction on the ledger.
        request: The question.
        vector: Its vector.
        ranked: Hits of the user's own memory, best first.
        now: The time, in seconds since 1970.
    """
    own = list(ranked)
    rows, vectors = shared_entries(connection)
    if not rows or vectors.shape[1] != len(vector):
        return own
    similarities = cosines(vectors, vector)
    best = np.argsort(-similarities, kind="stable").tolist()
    best = [place for place in best if similarities[place] >= CLOSE][: request.k]
    similar = {rows[place]: float(similarities[place]) for place in best}
    found = read_shared(connection, list(similar), now)
    sure = sum(similar[statement.row] >= ALMOST for statement in found)
    room = max(request.k - len(own), min(sure, request.k // 5))
    added = found[:room]
    own = own[: request.k - len(added)]
    return own + [_hit(statement, similar[statement.row]) for statement in added]


def _hit(statement: SharedStatement, similarity: float) -> Ranked:
    since = moment(statement.since)
    hit = Hit(
        text=statement.text,
        tier="ltm",
        score=0.0,  # given when all hits are known
        parts={"shared": round(similarity, 3), "evidence": round(similarity, 3)},
        when=since,
        source=Source(session_id="", turn_ids=(), fact_id=statement.key, shared=True),
        turns=(),
        statement=statement.text,
    )
    shown = Turn(role="system", speaker=_SPEAKER, text=statement.text, time=since)
    # Halves: a place of its own among those of turns (whole) and of statements (negative).
    return Ranked(hit, Quote(shown, (statement.since, statement.row + 0.5)))
