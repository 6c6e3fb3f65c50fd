"""Moving an app from ``ChatMemoryBuffer``; ``VectorMemory`` and ``Memory`` go the same way.

pip install 'lightmem-integrations[llama-index]'
python examples/llama_index/move_from_chat_memory_buffer.py
"""

from __future__ import annotations

from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemMemory, import_memory
from lightmem_integrations.testing import ExtractiveLLM

old = ChatMemoryBuffer.from_defaults(
    chat_store_key="alice",
    chat_history=[
        ChatMessage(role="user", content="Our daughter Mira was born in March."),
        ChatMessage(role="assistant", content="Congratulations!"),
    ],
)

with LightMem() as store:  # LightMem("./memory") keeps it in a folder
    # In a notebook or an async app: await aimport_memory(...). Doing it twice imports once.
    turns = import_memory(old, store, user_id="alice", session_id="before")
    print(f"{turns} turns imported")

    memory = LightMemMemory.from_defaults(memory=store, user_id="alice")  # was: memory=old
    bot = SimpleChatEngine.from_defaults(llm=ExtractiveLLM(), memory=memory)
    print(bot.chat("What is the name of our daughter?"))
