"""Pytest plugin: where LangChain's tests import its message history, they get ours."""

import uuid

from langchain_core import chat_history

from lightmem_integrations import LightMem
from lightmem_integrations.langchain import LightMemChatMessageHistory

_opened = LightMem()
_made = []


class InMemoryChatMessageHistory(LightMemChatMessageHistory):
    __doc__ = LightMemChatMessageHistory.__doc__  # one test reads there that it is deprecated

    def __init__(self, messages=()):
        _made.append(1)
        super().__init__(_opened, user_id=uuid.uuid4().hex, messages=messages)

    def __eq__(self, other):
        # Theirs is a model, equal to another one with the same messages.
        return isinstance(other, InMemoryChatMessageHistory) and self.messages == other.messages

    __hash__ = None


chat_history.InMemoryChatMessageHistory = InMemoryChatMessageHistory


def pytest_sessionfinish(session):
    _opened.close()
    if not _made:
        session.exitstatus = 1
