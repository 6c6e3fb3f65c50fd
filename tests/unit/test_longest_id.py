"""Adapters take an id as long as their memory takes, and refuse a longer one where it is given."""

import pytest

from lightmem_integrations import Settings
from lightmem_integrations.errors import ScopeError
from lightmem_integrations.tools import MemoryTools


def tools(memory, user_id):
    return MemoryTools(memory, user_id=user_id, session_id="s")


def history(memory, user_id):
    from lightmem_integrations.langchain import LightMemChatMessageHistory

    return LightMemChatMessageHistory(memory, user_id=user_id)


def middleware(memory, user_id):
    from lightmem_integrations.langchain import LightMemMiddleware

    return LightMemMiddleware(memory, user_id=user_id)


def retriever(memory, user_id):
    from lightmem_integrations.llama_index import LightMemRetriever

    return LightMemRetriever(memory, user_id=user_id)


def turns(memory, user_id):
    from lightmem_integrations.llama_index import ConsolidateTurns

    return ConsolidateTurns(memory=memory, user_id=user_id)


@pytest.mark.parametrize("adapter", [tools, history, middleware, retriever, turns])
def test_the_longest_id_is_the_memorys(open_memory, adapter):
    memory = open_memory(settings=Settings(max_id_chars=12_000))
    assert adapter(memory, "x" * 12_000)
    with pytest.raises(ScopeError, match="the limit is 12000"):
        adapter(memory, "x" * 12_001)
