"""An agent of each framework, both with the same memory behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from lightmem_integrations import LightMem

Agent = Callable[[str, str, str], str]
"""Answers: given the user's id, the session's id and a question."""

LANGCHAIN = "LangChain"
LLAMA_INDEX = "LlamaIndex"


def langchain_agent(memory: LightMem, model: str | None = None) -> Agent:
    """LangChain's ``create_agent`` with ``LightMemMiddleware``.

    Args:
        memory: The store.
        model: Name of the chat model, as for ``lightmem chat``; ``None`` for one that only quotes.
    """
    from langchain.agents import create_agent

    from lightmem_integrations.cli.chat_model import chat_model
    from lightmem_integrations.langchain import LightMemMiddleware
    from lightmem_integrations.testing import ExtractiveChatModel

    agent: Any = create_agent(
        ExtractiveChatModel() if model is None else chat_model(model),
        # Strict and patient: show what is wrong with the memory rather than answer without it.
        middleware=[LightMemMiddleware(memory, recall_seconds=30, strict=True)],
    )

    def ask(user_id: str, session_id: str, question: str) -> str:
        said = agent.invoke(
            {"messages": [("user", question)]},
            {"configurable": {"user_id": user_id, "thread_id": session_id}},
        )
        return str(said["messages"][-1].text)

    return ask


def llama_index_agent(memory: LightMem) -> Agent:
    """LlamaIndex's ``FunctionAgent`` with ``LightMemMemory`` and a model that only quotes."""
    from llama_index.core.agent.workflow import FunctionAgent

    from lightmem_integrations.llama_index import LightMemMemory
    from lightmem_integrations.testing import ExtractiveLLM

    agent = FunctionAgent(llm=ExtractiveLLM(), tools=[])

    async def answer(user_id: str, session_id: str, question: str) -> str:
        own = LightMemMemory(memory=memory, user_id=user_id, session_id=session_id, strict=True)
        return str(await agent.run(user_msg=question, memory=own))

    def ask(user_id: str, session_id: str, question: str) -> str:
        return asyncio.run(answer(user_id, session_id, question))

    return ask


def agents(memory: LightMem, framework: str, model: str | None) -> Mapping[str, Agent]:
    """The agents that are asked, by framework: one, or with ``both`` the two of them."""
    chosen = {}
    if framework != "llama-index":
        chosen[LANGCHAIN] = langchain_agent(memory, model)
    if framework != "langchain":
        chosen[LLAMA_INDEX] = llama_index_agent(memory)
    return chosen
