"""The block inside LlamaIndex's own ``Memory``, for an app that uses that already.

pip install 'lightmem-integrations[llama-index]'
python examples/llama_index/block_inside_memory.py
"""

from __future__ import annotations

import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import InsertMethod, Memory

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemBlock
from lightmem_integrations.testing import ExtractiveLLM


async def main() -> None:
    """Two conversations of one user, with one block."""
    agent = FunctionAgent(llm=ExtractiveLLM())  # put your own model here
    async with LightMem() as store:
        block = LightMemBlock(memory=store, user_id="alice")
        for session_id, text in [
            ("monday", "I am allergic to walnuts."),
            ("friday", "What am I allergic to?"),
        ]:
            memory = Memory.from_defaults(
                session_id=session_id,
                memory_blocks=[block],
                insert_method=InsertMethod.USER,  # so that it reaches a ReActAgent, too
            )
            print(await agent.run(user_msg=text, memory=memory))
            # Memory hands a block nothing until some 21,000 tokens overflow.
            await block.save(memory)


asyncio.run(main())
