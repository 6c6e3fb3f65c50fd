"""An argument that nothing takes is an error that names it, wherever it is given."""

from __future__ import annotations

import pytest

from lightmem_integrations import InvalidRequestError, SettingsError
from lightmem_integrations.langchain import (
    LightMemConsolidator,
    LightMemMemory,
    LightMemRecall,
    LightMemReranker,
    LightMemRetriever,
    LightMemStore,
    LightMemToolkit,
)
from lightmem_integrations.langchain.toolkit import SearchMemoryTool

USERS = (LightMemMemory, LightMemRecall, LightMemRetriever, LightMemToolkit, SearchMemoryTool)


@pytest.mark.parametrize("kind", USERS)
def test_made_for_a_user(memory, kind):
    with pytest.raises(InvalidRequestError, match=rf"{kind.__name__} takes no 'kk'\. Did you mean"):
        kind(memory=memory, user_id="alice", kk=3)


@pytest.mark.parametrize("size", ["k", "max_tokens"])
def test_a_size_of_none_at_all(memory, size):
    with pytest.raises(InvalidRequestError, match=f"{size} is 0"):
        LightMemRecall(memory=memory, user_id="alice", **{size: 0})


def test_made_for_nobody(memory):
    with pytest.raises(InvalidRequestError, match="takes no 'option'"):
        LightMemConsolidator(memory=memory, option={})
    with pytest.raises(InvalidRequestError, match=r"takes no 'top_m'. Did you mean top_n\?"):
        LightMemReranker(top_m=3)


def test_a_store(memory):
    with pytest.raises(InvalidRequestError, match=r"index= takes no 'field'. Did you mean fields"):
        LightMemStore(memory, index={"field": ["text"]})
    with pytest.raises(InvalidRequestError, match="ttl= takes no 'ttl'"):
        LightMemStore(memory, ttl={"ttl": 5})


def test_a_store_takes_what_other_stores_are_configured_with(memory):
    LightMemStore(memory, index={"dims": 8, "text_fields": ["text"], "distance_type": "cosine"})
    LightMemStore(memory, index={"ann_index_config": {"kind": "hnsw"}})
    LightMemStore(memory, index={"distance_type": "inner_product"})
    with pytest.raises(SettingsError, match="cosine similarity"):
        LightMemStore(memory, index={"distance_type": "hamming"})


async def test_a_call(memory):
    recall = LightMemRecall(memory=memory, user_id="alice")
    with pytest.raises(InvalidRequestError, match="LightMemRecall takes no 'k'"):
        recall.invoke("Where?", k=3)
    with pytest.raises(InvalidRequestError, match="LightMemRecall takes no 'k'"):
        await recall.ainvoke("Where?", k=3)
    given = {"query": "Where?", "documents": []}
    with pytest.raises(InvalidRequestError, match="LightMemReranker takes no 'top_n'"):
        LightMemReranker().invoke(given, top_n=3)
    with pytest.raises(InvalidRequestError, match="LightMemConsolidator takes no 'final'"):
        LightMemConsolidator(memory=memory).invoke("alice", final=True)
