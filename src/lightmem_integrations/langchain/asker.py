"""The asker of a run: whose question an agent is answering, whoever resumes it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, TypedDict

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from lightmem_integrations.langchain.messages import is_from_person
from lightmem_integrations.safety import short_repr

logger = logging.getLogger(__name__)

ASKER: Final = "lightmem_asker"
"""The key of an agent's state under which it keeps who asked."""


class Asker(TypedDict):
    """The user who asked, the question's id, and whether what precedes it is another user's."""

    user_id: str
    question: str | None
    alone: bool


def asker_of(messages: Sequence[BaseMessage], user_id: str, before: Asker | None) -> Asker:
    """The asker of the last question: the user at hand, unless it is known whose it is.

    Args:
        messages: The conversation.
        user_id: The user of this call.
        before: The asker when the agent was called before.
    """
    question = next((each.id for each in reversed(messages) if is_from_person(each)), None)
    if before is not None and question and before["question"] == question:
        return before
    alone = before is not None and before["user_id"] != user_id
    return Asker(user_id=user_id, question=question, alone=alone)


def asker_in_graph(config: RunnableConfig) -> Asker | None:
    """The asker that the graph, from which this is called, keeps in its state."""
    read = config.get("configurable", {}).get("__pregel_read")  # how its own nodes read it
    try:
        asker: Asker | None = read(ASKER) if callable(read) else None
    except Exception:  # noqa: BLE001  # a graph without that key
        return None
    return asker or None


class ResumeNotice:
    """Warning, once for each run, that somebody else resumed it."""

    def __init__(self) -> None:
        self._last: tuple[object, ...] | None = None

    def say(self, session_id: str, asker: Asker, user_id: str) -> None:
        """Log that ``user_id`` resumed what another user had asked."""
        run = (session_id, asker["user_id"], asker["question"], user_id)
        if run != self._last:
            self._last = run
            logger.warning(
                "Session %s was resumed by another user than the one who asked. It goes on with "
                "the memory of who asked; the other one's is neither read nor written.",
                short_repr(session_id),
            )
