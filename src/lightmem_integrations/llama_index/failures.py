"""Failures of the store or of a model: the turn goes on, and whoever cares is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent

from lightmem_integrations.errors import (
    AccessError,
    ForkedProcessError,
    InvalidRequestError,
    InvalidTurnError,
    ModelError,
    ReadOnlyError,
    ScopeError,
    StoreClosedError,
)
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.records.conversation import Recall
from lightmem_integrations.records.profile import Profile

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
# These last until somebody does what their message says: told once, and no traceback says more.
_LASTING = (AccessError, ReadOnlyError)


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
        self._logged: set[str] = set()  # consequences of lasting failures

    def guarded(self, action: Callable[[], _T], otherwise: _T, consequence: str) -> _T:
        """The outcome of an action; if it fails and nobody asked for strictness, another one.

        Args:
            action: What to do.
            otherwise: What comes instead.
            consequence: What the log says.
        """
        try:
            done = action()
        except _MISUSE:
            raise
        except Exception as error:
            if self.strict:
                raise
            if not isinstance(error, _LASTING):
                logger.exception(consequence)
            elif consequence not in self._logged:
                self._logged.add(consequence)
                logger.warning("%s %s: %s", consequence, type(error).__name__, error)
            self._tell(consequence, error)
            return otherwise
        self._logged.discard(consequence)
        return done

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

    def profile_of(
        self,
        memory: LightMem,
        user_id: str,
        count_tokens: TokenCounter,
        max_tokens: int | None = None,
    ) -> Profile | None:
        """A user's profile; ``None`` if that fails."""
        return self.guarded(
            lambda: memory.profile(
                user_id=user_id, max_tokens=max_tokens, count_tokens=count_tokens
            ),
            None,
            "There is no profile; the conversation goes on without.",
        )

    def _tell(self, consequence: str, error: Exception) -> None:
        dispatcher.event(MemoryDegradedEvent(consequence=consequence, error=type(error).__name__))
        if self.on_error is not None:
            try:
                self.on_error(error)
            except Exception:
                # Who watches for failures must not cause one.
                logger.exception("on_error failed.")
