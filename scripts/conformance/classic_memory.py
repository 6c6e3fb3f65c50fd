"""Pytest plugin: where LangChain's classic tests import a buffer memory, they get ours."""

import uuid

import langchain_classic.chains.conversation.memory as old_place
import langchain_classic.memory as package
from langchain_classic.memory import buffer, buffer_window

from lightmem_integrations import LightMem
from lightmem_integrations.langchain import LightMemMemory

_opened = LightMem()
_made = []


class ConversationBufferMemory(LightMemMemory):
    def __init__(self, **fields):
        _made.append(1)
        # Every buffer starts empty.
        super().__init__(memory=_opened, user_id=uuid.uuid4().hex, **fields)


class ConversationBufferWindowMemory(ConversationBufferMemory):
    pass


for _module in (package, buffer, buffer_window, old_place):
    for _class in (ConversationBufferMemory, ConversationBufferWindowMemory):
        setattr(_module, _class.__name__, _class)


def pytest_sessionfinish(session):
    _opened.close()
    if not _made:
        session.exitstatus = 1
