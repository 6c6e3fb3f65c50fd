"""What becomes of an episode that failed: its session rests for a while, or its turns set aside."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from lightmem_integrations.errors import ModelError, ModelOutputError
from lightmem_integrations.knowledge.drafts import WriterTurn
from lightmem_integrations.knowledge.run_context import RunContext
from lightmem_integrations.records.report import ConsolidationReport
from lightmem_integrations.records.storable import cleaned
from lightmem_integrations.storage import work_queue
from lightmem_integrations.storage.unread_turns import unchanged
from lightmem_integrations.storage.users import lock_users
from lightmem_integrations.storage.work_queue import Due

logger = logging.getLogger(__name__)

_LONGEST_REASON = 300
"""Characters kept of a failure's reason: a guess."""


def put_back(
    run: RunContext, due: Due, turns: Sequence[WriterTurn], error: Exception
) -> ConsolidationReport:
    """Leave a session alone for a while, or set turns aside that failed too often; counts them."""
    settings, now = run.settings, run.clock()
    reason = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
    failed = ConsolidationReport(failed=1, problems=(reason,))
    # A model that is down says nothing about the turns; one that answers nonsense may.
    down = isinstance(error, ModelError) and not isinstance(error, ModelOutputError)
    with run.store.ledger.write() as connection:
        lock_users(connection, [due.user])
        if not unchanged(connection, due, turns):
            return failed  # forgotten meanwhile, and the reason may quote them
        tries = work_queue.put_back(
            connection, due, turns[0].row, cleaned(reason), now=now,
            first=settings.first_backoff_seconds, longest=settings.longest_backoff_seconds,
        )  # fmt: skip
        aside = 0
        if not down and tries >= settings.max_tries:
            rows = [turn.row for turn in turns]
            aside = work_queue.set_aside(connection, due, rows, cleaned(reason), now)
    logger.warning(
        "A session was %s (%s, try %d): problems= of the report says why.",
        "set aside" if aside else "put back", type(error).__name__, tries,
    )  # fmt: skip
    return failed + ConsolidationReport(set_aside=aside)
