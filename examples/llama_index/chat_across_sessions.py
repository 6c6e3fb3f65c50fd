"""A chat engine that remembers over sessions.

pip install 'lightmem-integrations[llama-index]'
python examples/llama_index/chat_across_sessions.py
"""

from __future__ import annotations

from llama_index.core.chat_engine import SimpleChatEngine

from lightmem_integrations import LightMem
from lightmem_integrations.llama_index import LightMemMemory
from lightmem_integrations.testing import ExtractiveLLM

llm = ExtractiveLLM()  # quotes from memory, without any weights; put your own model here

with LightMem() as store:  # LightMem("./memory") keeps it in a folder
    memory = LightMemMemory.from_defaults(memory=store, user_id="alice", session_id="monday")
    bot = SimpleChatEngine.from_defaults(llm=llm, memory=memory)
    bot.chat("I moved to Lisbon in May.")
    bot.chat("My train to Porto leaves at nine.")

    memory = LightMemMemory.from_defaults(memory=store, user_id="alice", session_id="friday")
    bot = SimpleChatEngine.from_defaults(llm=llm, memory=memory, system_prompt="Be brief.")
    print(bot.chat("When does my train leave?"))
    for piece in bot.stream_chat("In which month had I moved?").response_gen:
        print(piece, end="")
    print()
