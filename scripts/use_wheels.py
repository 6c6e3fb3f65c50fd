"""Uses what is installed as a newcomer does: an agent with memory, of one framework, without a key.

    python -I scripts/use_wheels.py langchain-lightmem|llama-index-memory-lightmem

``-I`` keeps this tree out of the way: only what pip has installed is found.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from importlib.metadata import version

import lightmem_integrations
from lightmem_integrations import LightMem

TOLD = "I moved to Lisbon in May."
ASKED = "Where did I move to?"


def langchain_agent(memory: LightMem) -> str:
    """What an agent of ``create_agent`` answers in a thread after the one where it was told."""
    from langchain.agents import create_agent
    from langchain_lightmem import LightMemMiddleware

    from lightmem_integrations.testing import ExtractiveChatModel

    # Long enough for a machine that is busy with other things.
    middleware = LightMemMiddleware(memory, recall_seconds=60)
    agent = create_agent(ExtractiveChatModel(), tools=[], middleware=[middleware])
    answer = {}
    for thread, text in (("monday", TOLD), ("friday", ASKED)):
        run = {"configurable": {"thread_id": thread, "user_id": "alice"}}
        answer = agent.invoke({"messages": [("user", text)]}, run)
    return str(answer["messages"][-1].text)


async def llama_index_agent(memory: LightMem) -> str:
    """What a ``FunctionAgent`` answers in a session after the one where it was told."""
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.memory.lightmem import LightMemMemory

    from lightmem_integrations.testing import ExtractiveLLM

    agent = FunctionAgent(llm=ExtractiveLLM())
    answer = ""
    for session, text in (("monday", TOLD), ("friday", ASKED)):
        of_session = LightMemMemory.from_defaults(
            memory=memory, user_id="alice", session_id=session
        )
        answer = str(await agent.run(user_msg=text, memory=of_session))
    return answer


def main() -> int:
    """Prints what the agent answered; fails where it has forgotten."""
    if lightmem_integrations.__version__ != version("lightmem-integrations"):
        sys.exit(f"imported {lightmem_integrations.__file__}, which is not what is installed")
    with tempfile.TemporaryDirectory() as folder, LightMem(folder) as memory:
        if sys.argv[1] == "langchain-lightmem":
            answer = langchain_agent(memory)
        else:
            answer = asyncio.run(llama_index_agent(memory))
    print(answer)
    return 0 if TOLD in answer else 1


if __name__ == "__main__":
    sys.exit(main())
