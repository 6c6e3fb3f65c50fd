"""One agent with tools and memory, for two users whose memories stay apart.

pip install 'lightmem-integrations[llama-index]'
python examples/llama_index/agent_for_two_users.py
"""

from __future__ import annotations

import asyncio

from llama_index.core.agent.workflow import FunctionAgent

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemMemory, LightMemToolSpec
from lightmem_integrations.testing import ExtractiveLLM

llm = ExtractiveLLM()  # quotes from memory and calls no tool; put your own model here


def weather(city: str) -> str:
    """The weather in a city."""
    return f"It is sunny in {city}."


async def ask(store: LightMem, user_id: str, session_id: str, text: str) -> str:
    """One message of a user, and the answer."""
    memory = LightMemMemory.from_defaults(memory=store, user_id=user_id, session_id=session_id)
    # What is recalled comes without being asked for; with these, the agent may also look up,
    # write down, forget and correct. The user is fixed in them: no model can name another one.
    tools = LightMemToolSpec(store, user_id=user_id).to_tool_list()
    agent = FunctionAgent(llm=llm, tools=[weather, *tools], system_prompt="Be kind.")
    return str(await agent.run(user_msg=text, memory=memory))


async def main() -> None:
    """Two users tell something on Monday and ask about it on Friday."""
    async with LightMem() as store:
        await asyncio.gather(
            ask(store, "alice", "monday", "My locker code is 1234."),
            ask(store, "bob", "monday", "My locker code is 9876."),
        )
        for user_id in ("alice", "bob"):
            answer = await ask(store, user_id, "friday", "What is my locker code?")
            print(f"{user_id}: {answer}")


asyncio.run(main())
