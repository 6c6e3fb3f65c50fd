"""An agent that knows in every thread what its user said in all others."""

import os

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model

from lightmem_integrations.langchain import LightMemMiddleware
from lightmem_integrations.testing import ExtractiveChatModel
from long_term import memory

name = os.environ.get("CHAT_MODEL")  # such as openai:gpt-4.1-mini; without it, one that quotes
model = init_chat_model(name) if name else ExtractiveChatModel()
agent = create_agent(model, tools=[], middleware=[LightMemMiddleware(memory)])
