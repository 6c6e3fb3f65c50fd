"""Warm-up: what the first recall would have to load is loaded before it, or beside it."""

from __future__ import annotations

from functools import partial

from lightmem_integrations.engine.background import Loop
from lightmem_integrations.engine.deadline import Deadline
from lightmem_integrations.models.protocols import TokenCounter, load
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.recall.pipeline import recall_online
from lightmem_integrations.recall.run import RecallParts
from lightmem_integrations.storage.users import list_users
from lightmem_integrations.text.time_window import time_window
from lightmem_integrations.text.timezone import moment_in
from lightmem_integrations.validation import checked_request

_BACKOFF = 10.0, 600.0
"""Seconds until a model that could not be loaded is tried again, at first and at most: a guess."""


class WarmUp:
    """Loads the models and opens the index: what a recall needs first comes first.

    Args:
        parts: What recalls work with.
        count_tokens: Counts the tokens of what they return; ``None`` for the shipped counter.
    """

    def __init__(self, parts: RecallParts, count_tokens: TokenCounter | None) -> None:
        self._parts = parts
        self._count_tokens = count_tokens
        self._loop = Loop(self._once, "loading the models", backoff=_BACKOFF)
        self._closing = False

    def start(self) -> None:
        """Begin in the background."""
        self._loop.start()

    def run(self) -> None:
        """Load everything, now.

        Raises:
            ModelError: A model cannot be loaded.
            StorageError: The index does not answer.
        """
        store, settings = self._parts.store, self._parts.settings
        count_tokens = self._count_tokens or shipped_token_counter()
        store.embedder.warm_up()
        count_tokens("warm up")
        time_window("in May", moment_in(None))  # the date parser
        if self._closing:
            return
        for model in (self._parts.reranker, self._parts.hypothetical):
            limit = Deadline(settings.work_seconds, self._parts.pool, "Settings.work_seconds")
            limit.run(partial(load, model))
        store.indexer.prepare()
        with store.ledger.read() as connection:
            users = list_users(connection)[:1]
        for user_id in users:  # compiled statements and open collections are kept
            request = checked_request(
                settings, query="Where?", user_id=user_id, count_tokens=count_tokens
            )
            recall_online(self._parts, request)

    def stop(self, seconds: float) -> None:
        """Go on with nothing more; wait ``seconds`` at most for what is being loaded."""
        self._closing = True
        self._loop.stop(seconds)

    def _once(self) -> None:
        self.run()
        self._loop.stop()
