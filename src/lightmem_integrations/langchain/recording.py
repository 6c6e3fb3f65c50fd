"""Recording of what a chain is asked and answers, without holding it up."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.tracers.schemas import Run

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.langchain.background import BackgroundMemory
from lightmem_integrations.langchain.messages import (
    is_from_person,
    last_exchange,
    question_in,
    text_of,
    to_turn,
    words_of,
)
from lightmem_integrations.langchain.scope import Scope, is_from_model, scope_of
from lightmem_integrations.langchain.wait_budget import wait_for
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.safety import check_scope_id, check_user_id, short_repr

logger = logging.getLogger(__name__)

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")
_RECORD_SECONDS = 0.5  # a guess: what nobody minds waiting after an answer


def record_turns(
    chain: Runnable[_Input, _Output],
    memory: LightMem,
    *,
    input_key: str | None = None,
    output_key: str | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    agent_id: str | None = None,
    recall_answers: bool = True,
) -> Runnable[_Input, _Output]:
    """The same chain, which writes down what it was asked and what it answered.

    It streams, batches and runs asynchronously as before; what it answers is recorded when it has
    come to its end, once, whichever way it is called. A chain that fails records nothing, nor one
    that an agent calls within a tool: a model asks it, and no person. A
    memory that fails does not fail the chain; a warning is logged. No answer waits more than half
    a second for a slow store: what is left then is recorded as soon as the store lets it.

    The user is found as in ``LightMemRecall``, before the chain runs: without one, the call raises
    ``ScopeError``. The session is the run's ``thread_id`` or ``session_id``, or the one given, or
    ``default``.

    Args:
        chain: Any Runnable that takes a question and gives an answer: a string, a message or
            messages, or a dictionary with one of these.
        memory: The memory.
        input_key: The key of the question; needed if the input is a dictionary of several keys.
        output_key: The key of the answer; needed if the output is one of several keys.
        user_id: Whose memory, if the chain serves one user only.
        session_id: The session of runs that name none.
        agent_id: Which agent writes, for the record.
        recall_answers: ``False`` keeps the model's replies out of recall; they stay in the history.

    Raises:
        ScopeError: ``user_id`` or ``session_id`` is not a valid one.
    """
    if user_id is not None:
        check_user_id(user_id)
    if session_id is not None:
        check_scope_id(session_id, "session_id")
    background = BackgroundMemory(memory, agent_id=agent_id)

    def scope(config: RunnableConfig) -> Scope:
        return scope_of(config, user_id=user_id, session_id=session_id)

    def check(given: _Input, config: RunnableConfig) -> _Input:
        scope(config)
        question_in(given, input_key)
        return given

    async def acheck(given: _Input, config: RunnableConfig) -> _Input:
        return check(given, config)  # touches no store, so there is nothing to await

    def record(run: Run, config: RunnableConfig) -> None:
        # LangChain swallows what a listener raises, and says less about it.
        try:
            asked, answered = _unwrapped(run.inputs), _unwrapped(run.outputs)
            said = _said(str(run.id), question_in(asked, input_key), answered, output_key)
            turns = [to_turn(each, memory.settings, recall_answers=recall_answers) for each in said]
            if turns and not is_from_model(config):
                # On an event loop, LangChain calls listeners in a thread of their own.
                wait_for(background.record(turns, scope(config)), _RECORD_SECONDS)
        except Exception as error:  # noqa: BLE001  # the answer is there, and worth more
            logger.warning("Recording failed: %s: %s", type(error).__name__, error)

    checked: Runnable[_Input, _Output] = RunnableLambda(check, acheck, name="check_user") | chain
    return checked.with_listeners(on_end=record)


def _unwrapped(value: Any) -> Any:
    """The input or output of a run: a tracer puts what is no dictionary into one."""
    if isinstance(value, dict) and set(value) in ({"input"}, {"output"}):
        return next(iter(value.values()))
    return value


def _said(run_id: str, asked: Any, answered: Any, output_key: str | None) -> list[BaseMessage]:
    """The question and the answer, as far as either has any words."""
    answers = _answer_in(answered, output_key)
    said: list[BaseMessage] = [*_asked_messages(asked)]
    if isinstance(answers, BaseMessage):
        said.append(answers)
    elif isinstance(answers, (list, tuple)):
        answer = last_exchange([each for each in answers if isinstance(each, BaseMessage)])[1]
        said += [] if answer is None else [answer]
    else:
        said.append(AIMessage(text_of(answers)))
    return [
        message.model_copy(update={"id": message.id or f"{run_id}:{place}"})
        for place, message in enumerate(said)
        if words_of(message).strip()
    ]


def _asked_messages(asked: Any) -> list[BaseMessage]:
    if isinstance(asked, BaseMessage):
        return [asked]
    if isinstance(asked, (list, tuple)):
        messages = [each for each in asked if isinstance(each, BaseMessage)]
        persons = [place for place, each in enumerate(messages) if is_from_person(each)]
        if not persons:
            return []
        return last_exchange(messages[: persons[-1] + 1])[0]
    return [HumanMessage(text_of(asked))]


def _answer_in(answered: Any, output_key: str | None) -> Any:
    if not isinstance(answered, dict):
        return answered
    if output_key is None and len(answered) == 1:
        return next(iter(answered.values()))
    key = "output" if output_key is None else output_key
    if key not in answered:
        raise InvalidRequestError(
            f"The chain gave {short_repr(sorted(answered))}; say which of them is the answer with "
            "output_key=."
        )
    return answered[key]
