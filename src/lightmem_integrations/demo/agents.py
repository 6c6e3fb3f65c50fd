"""The agents of the demo: one for each framework, both with the same memory behind them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lightmem_integrations.errors import MissingExtraError, ModelUnavailableError
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.testing.quote import quoted_answer

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from lightmem_integrations import LightMem

Agent = Callable[[str, str, str], str]
"""Answers: given the user's id, the session's id and a question."""

Choice = Literal["both", "langchain", "llama-index"]
"""Frameworks whose agents answer."""

LANGCHAIN = "LangChain"
LLAMA_INDEX = "LlamaIndex"
PLAIN = "recall"


def agents(
    memory: LightMem, choice: Choice = "both", model: BaseChatModel | None = None
) -> Mapping[str, Agent]:
    """The agents that are asked, by framework.

    Args:
        memory: The store behind them.
        choice: Which frameworks. With ``both``, one that is not installed is left out; if neither
            is, recall is quoted from without a framework.
        model: Chat model of the LangChain agent; ``None`` for the one that only quotes.

    Raises:
        MissingExtraError: If a framework asked for by name is not installed.
    """
    makers: Mapping[str, tuple[str, Callable[[], Agent]]] = {
        "langchain": (LANGCHAIN, lambda: langchain_agent(memory, model)),
        "llama-index": (LLAMA_INDEX, lambda: llama_index_agent(memory)),
    }
    if choice != "both":
        framework, make = makers[choice]
        return {framework: make()}
    found: dict[str, Agent] = {}
    for framework, make in makers.values():
        with contextlib.suppress(MissingExtraError):
            found[framework] = make()
    return found or {PLAIN: quoting_agent(memory)}


def chat_model(name: str) -> BaseChatModel:
    """The chat model of that name: a path to a ``.gguf`` file, or what LangChain understands.

    Args:
        name: Such as ``./model.gguf`` or ``openai:gpt-4o-mini``.

    Raises:
        MissingExtraError: If LangChain, or the package of that provider, is not installed.
        ModelUnavailableError: If there is no such file, or LangChain cannot use that name.
    """
    if name.lower().endswith(".gguf"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise ModelUnavailableError(f"There is no model file {name!r}.")
        try:
            from lightmem_integrations.demo.local_chat import LocalChatModel
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "A chat model in a file", "langchain", "langchain-core"
            ) from error
        return LocalChatModel(path=path)
    try:
        from langchain.chat_models import init_chat_model
    except ModuleNotFoundError as error:
        raise MissingExtraError("A chat model by name", "agents", "langchain") from error
    try:
        return init_chat_model(name)
    except Exception as error:  # Providers raise errors of their own: no key, no package, ...
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelUnavailableError(f"The model {name!r} cannot be used: {reason}") from error


def langchain_agent(
    memory: LightMem, model: BaseChatModel | None = None, *, checkpointer: Any = None
) -> Agent:
    """LangChain's ``create_agent`` with ``LightMemMiddleware``.

    Args:
        memory: The store.
        model: The chat model; ``None`` for the one that only quotes.
        checkpointer: What keeps a session's messages, if a session has more than one question.
    """
    try:
        from langchain.agents import create_agent
    except ModuleNotFoundError as error:
        raise MissingExtraError("The LangChain agent", "agents", "langchain") from error
    from lightmem_integrations.langchain import LightMemMiddleware
    from lightmem_integrations.testing import ExtractiveChatModel

    # Strict and patient: a demo shows what is wrong with the memory rather than answer without.
    remembering = LightMemMiddleware(memory, recall_seconds=30, strict=True)
    agent: Any = create_agent(
        model or ExtractiveChatModel(), middleware=[remembering], checkpointer=checkpointer
    )

    def ask(user_id: str, session_id: str, question: str) -> str:
        said = agent.invoke(
            {"messages": [("user", question)]},
            {"configurable": {"user_id": user_id, "thread_id": session_id}},
        )
        return str(said["messages"][-1].text)

    return ask


def llama_index_agent(memory: LightMem) -> Agent:
    """LlamaIndex's ``FunctionAgent`` with ``LightMemMemory`` and the model that only quotes.

    Args:
        memory: The store.
    """
    try:
        from llama_index.core.agent.workflow import FunctionAgent
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "The LlamaIndex agent", "llama-index", "llama-index-core"
        ) from error
    from lightmem_integrations.llama_index import LightMemMemory
    from lightmem_integrations.testing import ExtractiveLLM

    agent = FunctionAgent(llm=ExtractiveLLM(), tools=[])

    async def answer(user_id: str, session_id: str, question: str) -> str:
        own = LightMemMemory(memory=memory, user_id=user_id, session_id=session_id, strict=True)
        return str(await agent.run(user_msg=question, memory=own))

    def ask(user_id: str, session_id: str, question: str) -> str:
        return asyncio.run(answer(user_id, session_id, question))

    return ask


def quoting_agent(memory: LightMem) -> Agent:
    """No framework: a recall, quoted from.

    Args:
        memory: The store.
    """

    def ask(user_id: str, _session_id: str, question: str) -> str:
        found = memory.recall(question, user_id=user_id)
        return quoted_answer([Turn(role="user", text=f"{found.text}\n\n{question}")])

    return ask
