"""The asker of a run: whose question an agent is answering, whoever resumes it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypedDict

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from lightmem_integrations.langchain.exchange import messages_in
from lightmem_integrations.langchain.messages import (
    ids_of,
    is_from_person,
    last_exchange,
    with_ids,
)
from lightmem_integrations.safety import short_repr

logger = logging.getLogger(__name__)

ASKER: Final = "lightmem_asker"
"""The key of an agent's state under which it keeps who asked."""
BEFORE: Final = "lightmem_before"
"""The key of an agent's state under which it keeps what came before the words of this run."""
_LOOKED_AT = 100  # checkpoints of a run, the latest: a guess
_WRITTEN_SECONDS = 1.0  # a guess: LangGraph writes a checkpoint while the next node runs
_EVERY_SECONDS = 0.02  # a guess


class Asker(TypedDict):
    """The user who asked, and the question's id."""

    user_id: str
    question: str | None


def asker_of(
    messages: Sequence[BaseMessage], named: str, before: Asker | None, config: RunnableConfig
) -> Asker:
    """The asker of the last question: who began the run, unless it is known whose it is.

    Args:
        messages: The conversation.
        named: The user of this call.
        before: The asker when the agent was called before.
        config: Of this call.
    """
    question = _question(messages)
    if before is not None and question and before["question"] == question:
        return before
    return Asker(user_id=beginner_of_run(config, named), question=question)


def before_run(
    messages: Sequence[BaseMessage], asker: Asker | None, config: RunnableConfig
) -> str | None:
    """The id of the message behind which the words of this run begin, if a person said it too.

    What an earlier run was asked and did not answer may be another user's, or may have been
    blocked: the model was not allowed to see it, and it stays in the thread.

    Args:
        messages: The conversation.
        asker: Of the last run of this thread.
        config: Of this call.
    """
    said = [each.id for each in last_exchange(with_ids(messages))[0]]
    if len(said) < 2:  # noqa: PLR2004
        return None
    if asker is not None and asker["question"] in said[:-1]:
        return asker["question"]
    try:
        earlier = _held_before(config)
    except Exception as error:  # noqa: BLE001  # whatever a checkpointer raises
        logger.debug("What came before the run is not known: %s", type(error).__name__)
        return None
    return next((each for each in reversed(said[:-1]) if each in earlier), None)


def without_others(messages: Sequence[BaseMessage], asker: Asker) -> list[BaseMessage]:
    """The messages without those that whoever resumed the run put in behind the question."""
    ids = [each.id for each in with_ids(messages)]
    asked = ids.index(asker["question"]) if asker["question"] in ids else len(ids)
    return [each for at, each in enumerate(messages) if at <= asked or not is_from_person(each)]


def _held_before(config: RunnableConfig) -> frozenset[str]:
    """Ids of the messages that the outermost graph held when its run began."""
    for checkpoint in _checkpoints(config, "", latest=_LOOKED_AT):
        if checkpoint.metadata.get("source") == "input":
            return ids_of(messages_in(checkpoint.checkpoint["channel_values"].get("messages")))
    return frozenset()


def asker_in_graph(config: RunnableConfig) -> Asker | None:
    """The asker that the graph, from which this is called, keeps in its state."""
    read = config.get("configurable", {}).get("__pregel_read")  # how its own nodes read it
    try:
        asker: Asker | None = read(ASKER) if callable(read) else None
    except Exception:  # noqa: BLE001  # a graph without that key
        return None
    return asker or None


def beginner_of_run(config: RunnableConfig, named: str) -> str:
    """The user who began the run of the outermost graph, whoever resumed it since.

    An agent may come to be called for the first time only after somebody else resumed the graph
    around it. Who began is in that graph's checkpoints: as an agent's asker, or as the user whom
    the configuration named then. It is ``named`` if they do not tell.
    """
    try:
        return _asker_around(config) or _named_first(config, named) or named
    except Exception as error:  # noqa: BLE001  # whatever a checkpointer raises
        logger.debug("Who began the run is not known: %s", type(error).__name__)
        return named


def _asker_around(config: RunnableConfig) -> str | None:
    """The asker that the innermost graph around this call knows."""
    given = config.get("configurable", {})
    own = str(given.get("checkpoint_ns") or "").rpartition("|")[0]
    for namespace in sorted(given.get("checkpoint_map") or {}, key=len, reverse=True):
        for checkpoint in _checkpoints(config, namespace, latest=1):
            values = checkpoint.checkpoint["channel_values"]
            asker: Asker | None = values.get(ASKER)
            # What this very graph knows may be of an earlier question. The messages of a deep
            # agent are not in each of its checkpoints.
            question = _question(messages_in(values.get("messages")))
            known = question is None and namespace != own
            if asker is not None and (known or (question and asker["question"] == question)):
                return asker["user_id"]
    return None


def _named_first(config: RunnableConfig, named: str) -> str | None:
    """The user whom the configuration named when the last question came in."""
    if config.get("configurable", {}).get("user_id") != named:
        return None  # somebody else names the user: the context of the run, or a server
    question: str | None = None
    first: str | None = None
    for place, checkpoint in enumerate(_checkpoints(config, "", latest=_LOOKED_AT)):
        messages = messages_in(checkpoint.checkpoint["channel_values"].get("messages"))
        question = question if place else _question(messages)
        if question and question not in ids_of(messages):
            break
        first = checkpoint.metadata.get("user_id")
        if checkpoint.metadata.get("source") == "input":
            break
    return first


def _checkpoints(config: RunnableConfig, namespace: str, *, latest: int) -> Iterator[Any]:
    """The checkpoints that led to this call in one of the graphs around it, the latest first."""
    given = config.get("configurable", {})
    saver: Any = given.get("__pregel_checkpointer")
    around = given.get("checkpoint_map") or {}
    if not hasattr(saver, "get_tuple") or namespace not in around:
        return
    place: Any = {"thread_id": given["thread_id"], "checkpoint_ns": namespace}
    place = {"configurable": {**place, "checkpoint_id": around[namespace]}}
    until = time.monotonic() + _WRITTEN_SECONDS
    while (found := saver.get_tuple(place)) is None and time.monotonic() < until:
        if given.get("__pregel_durability") == "exit":
            return
        time.sleep(_EVERY_SECONDS)
    for _ in range(latest):
        if found is None:
            return
        yield found
        found = saver.get_tuple(found.parent_config) if found.parent_config else None


def _question(messages: Sequence[BaseMessage]) -> str | None:
    return next((each.id for each in reversed(with_ids(messages)) if is_from_person(each)), None)


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
