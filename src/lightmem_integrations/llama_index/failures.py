"""Failures of the store or of a model: the turn goes on, and whoever cares is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent

from lightmem_integrations.errors import (
    ForkedProcessError,
    InvalidRequestError,
    InvalidTurnError,
    ModelError,
    ScopeError,
    StoreClosedError,
)
from lightmem_integrations.records.conversation import Recall

logger = logging.getLogger(__name__)
dispatcher = get_dispatcher(__name__)

_T = TypeVar("_T")

OnError = Callable[[Exception], None]
"""Called with a failure that is not raised."""

# Errors of the program, not of the store: these are never logged away.
_MISUSE = (
    ScopeError,
    InvalidTurnError,
    InvalidRequestError,
    StoreClosedError,
    ForkedProcessError,
)


class MemoryDegradedEvent(BaseEvent):
    """A turn went on without what memory should have done for it.

    Attributes:
        consequence: What is missing.
        error: Name of the error's class. Its message is left out: it may hold what was said.
    """

    consequence: str
    error: str

    @classmethod
    def class_name(cls) -> str:
        """The name of this event in traces."""
        return "MemoryDegradedEvent"


class Failures:
    """Raises a failure, or reports it and lets the turn go on.

    Args:
        strict: Raise.
        on_error: Called with each failure that is not raised.
    """

    def __init__(self, *, strict: bool, on_error: OnError | None = None) -> None:
        self.strict = strict
        self.on_error = on_error

    def guarded(self, action: Callable[[], _T], otherwise: _T, consequence: str) -> _T:
        """The outcome of an action; if it fails and nobody asked for strictness, another one.

        Args:
            action: What to do.
            otherwise: What comes instead.
            consequence: What the log says.
        """
        try:
            return action()
        except _MISUSE:
            raise
        except Exception as error:
            if self.strict:
                raise
            logger.exception(consequence)
            self._tell(consequence, error)
            return otherwise

    def text_of(self, recall: Callable[[], Recall]) -> str:
        """The text of a recall; empty if it fails. Reports what did not work in it."""
        found = self.guarded(
            recall, None, "Nothing could be recalled; the conversation goes on without."
        )
        if found is None:
            return ""
        if found.degraded:
            error = ModelError("; ".join(found.degraded))
            logger.warning("Recall was degraded: %s", error)
            self._tell("Recall was degraded.", error)
        return found.text

    def _tell(self, consequence: str, error: Exception) -> None:
        dispatcher.event(MemoryDegradedEvent(consequence=consequence, error=type(error).__name__))
        if self.on_error is not None:
            try:
                self.on_error(error)
            except Exception:
                # Who watches for failures must not cause one.
                logger.exception("on_error failed.")
