"""The exchange in a run of a chain: the question in its input, the answer in its output."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableSequence, RunnableWithFallbacks
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.tracers.schemas import Run

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.langchain.messages import (
    is_from_person,
    last_exchange,
    text_of,
    words_of,
)
from lightmem_integrations.safety import short_repr

_ANSWERS = ("messages", "output")  # keys under which agents and old chains answer


def question_in(given: Any, key: str | None) -> Any:
    """The question in the input of a chain: the input itself, or a dictionary's value of a key.

    Messages come as messages, in whichever form LangChain takes them.

    Raises:
        InvalidRequestError: It is a dictionary, and it is not clear which key is meant.
    """
    had, remedy = "The input has the keys", "the question with input_key="
    return _as_messages(_value(given, key, (), f"{had} {{}}; say which of them is {remedy}."))


def answer_in(given: Any, key: str | None) -> Any:
    """The answer in the output of a chain: the output itself, or a dictionary's value of a key.

    Raises:
        InvalidRequestError: It is a dictionary, and it is not clear which key is meant.
    """
    had, remedy = "The chain gave", "the answer with output_key="
    answer = _value(given, key, _ANSWERS, f"{had} {{}}; say which of them is {remedy}.")
    # What a graph streams names the node that it comes from, and perhaps the mode before it.
    if isinstance(answer, tuple) and answer and isinstance(answer[-1], Mapping):
        answer = answer[-1]
    return answer_in(answer, None) if isinstance(answer, Mapping) else answer


def _value(given: Any, key: str | None, usual: Sequence[str], problem: str) -> Any:
    if not isinstance(given, Mapping):
        return given
    if key is None and len(given) == 1:
        return next(iter(given.values()))
    for name in usual if key is None else (key,):
        if name in given:
            return given[name]
    raise InvalidRequestError(problem.format(short_repr(sorted(map(str, given)))))


def _as_messages(value: Any) -> Any:
    """A prompt, or messages given as tuples or dictionaries, as messages; else the value itself."""
    alone = isinstance(value, dict) or (
        isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    )
    if not alone and not isinstance(value, (list, tuple, PromptValue)):
        return value
    try:
        return convert_to_messages([value] if alone else value)
    except Exception:  # noqa: BLE001  # whoever reads such messages will say what is wrong
        return value


def outcome(run: Run, chain: Runnable[Any, Any]) -> Any:
    """The output of a run; a tracer puts what is no dictionary into one."""
    inner = run
    while True:
        if isinstance(chain, RunnableBindingBase):
            chain = chain.bound
        elif inner.child_runs and isinstance(chain, (RunnableSequence, RunnableWithFallbacks)):
            # Fallbacks are all of a kind, and the one that was called last answered.
            inner = inner.child_runs[-1]
            chain = chain.last if isinstance(chain, RunnableSequence) else chain.runnable
        else:
            break
    if inner.child_runs and hasattr(chain, "get_state"):
        # What a graph streams is up to its caller; its own run ends with its state in any case.
        # Under the fallbacks of older versions of LangChain that is reached already.
        last = inner.child_runs[-1]
        run = last if last.name in (inner.name, chain.get_name()) else inner
    outputs = run.outputs
    if isinstance(outputs, dict) and set(outputs) == {"output"}:
        return outputs["output"]
    return outputs


def resumes(asked: Any) -> bool:
    """True for what goes on with an earlier run: a ``Command`` that asks nothing, or no input."""
    graph = sys.modules.get("langgraph.types")
    if graph is not None and isinstance(asked, graph.Command):
        return asked.resume is not None or not asked.update
    return asked is None


def messages_in(value: Any) -> list[BaseMessage]:
    """The messages among what a chain is given or gives."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return [each for each in values if isinstance(each, BaseMessage)]


def said(run_id: str, asked: Any, answers: Any) -> list[BaseMessage]:
    """The question and the answer, as far as either has any words."""
    words = _asked_messages(asked)
    if isinstance(answers, BaseMessage):
        words.append(answers)
    elif isinstance(answers, (list, tuple)):
        shown, answer = last_exchange(messages_in(answers))
        if words and any(isinstance(each, HumanMessage) for each in messages_in(answers)):
            # As an agent keeps it: what a middleware has taken out of it is kept nowhere.
            words = shown[-len(words) :]
        words += [] if answer is None else [answer]
    else:
        words.append(AIMessage(text_of(answers)))
    return [
        message.model_copy(update={"id": message.id or f"{run_id}:{place}"})
        for place, message in enumerate(words)
        if words_of(message).strip()
    ]


def _asked_messages(asked: Any) -> list[BaseMessage]:
    if isinstance(asked, str):
        return [HumanMessage(asked)]
    messages = messages_in(asked)
    persons = [place for place, each in enumerate(messages) if is_from_person(each)]
    return last_exchange(messages[: persons[-1] + 1])[0] if persons else []
