"""Moving an app from LlamaIndex's own memories."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from llama_index.core import MockEmbedding
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.mock import MockLLM
from llama_index.core.memory import (
    ChatMemoryBuffer,
    FactExtractionMemoryBlock,
    Memory,
    SimpleComposableMemory,
    VectorMemory,
    VectorMemoryBlock,
)
from llama_index.core.vector_stores.types import BasePydanticVectorStore, VectorStoreQueryResult
from pydantic import Field

from lightmem_integrations import LightMem
from lightmem_integrations.errors import InvalidRequestError, ScopeError
from lightmem_integrations.llama_index import LightMemMemory, aimport_memory, import_memory

pytestmark = pytest.mark.usefixtures("stock_memories_closed")

SAID = [
    ChatMessage(role="user", content="I moved to Lisbon in May."),
    ChatMessage(role="assistant", content="Nice."),
    ChatMessage(role="user", content="Yes."),
    ChatMessage(role="assistant", content="Nice."),
]


class Listing(BasePydanticVectorStore):
    """A vector store that can list what it holds."""

    stores_text: bool = True
    nodes: list[Any] = Field(default_factory=list)
    listable: bool = True

    @property
    def client(self) -> None:
        return None

    def add(self, nodes: Any, **_: Any) -> list[str]:
        self.nodes.extend(nodes)
        return [node.node_id for node in nodes]

    def delete(self, ref_doc_id: str, **_: Any) -> None: ...

    def query(self, query: Any, **_: Any) -> VectorStoreQueryResult:
        return VectorStoreQueryResult(nodes=[], similarities=[], ids=[])

    def get_nodes(self, node_ids: Any = None, filters: Any = None) -> list[Any]:
        if not self.listable:
            raise NotImplementedError
        return self.nodes


def texts(core: LightMem, session_id: str) -> list[str]:
    return [turn.text for turn in core.history(user_id="alice", session_id=session_id)]


def test_from_a_chat_memory_buffer(core: LightMem) -> None:
    old = ChatMemoryBuffer.from_defaults(chat_history=list(SAID), chat_store_key="alice-1")
    assert import_memory(old, core, user_id="alice") == 4
    memory = LightMemMemory.from_defaults(memory=core, user_id="alice", session_id="alice-1")
    assert memory.get_all() == SAID
    elsewhere = LightMemMemory.from_defaults(memory=core, user_id="alice")
    elsewhere.put(ChatMessage(role="user", content="Where do I live?"))
    assert "Lisbon" in str(elsewhere.get()[0].content)


def test_again_imports_only_what_is_new(core: LightMem) -> None:
    old = ChatMemoryBuffer.from_defaults(chat_history=list(SAID))
    assert import_memory(old, core, user_id="alice", session_id="s") == 4
    assert import_memory(old, core, user_id="alice", session_id="s") == 0
    old.put(ChatMessage(role="user", content="Yes."))
    assert import_memory(old, core, user_id="alice", session_id="s") == 1
    assert texts(core, "s") == [*(m.content for m in SAID), "Yes."]


def test_with_the_time_at_which_it_was_said(core: LightMem) -> None:
    when = dt.datetime(2025, 3, 1, tzinfo=dt.timezone.utc)
    import_memory(SAID, core, user_id="alice", session_id="s", time=when)
    assert {turn.time for turn in core.history(user_id="alice", session_id="s")} == {when}


def test_from_a_vector_memory(core: LightMem) -> None:
    old = VectorMemory.from_defaults(embed_model=MockEmbedding(embed_dim=3))
    old.put(ChatMessage(role="user", content="Let go by reset"))
    old.reset()
    old.set(SAID)
    assert import_memory(old, core, user_id="alice") == 4
    assert sorted(texts(core, "imported")) == sorted(str(m.content) for m in SAID)


def test_from_a_composable_memory(core: LightMem) -> None:
    vectors = VectorMemory.from_defaults(embed_model=MockEmbedding(embed_dim=3))
    vectors.set(SAID[:2])
    old = SimpleComposableMemory.from_defaults(
        primary_memory=ChatMemoryBuffer.from_defaults(chat_history=[SAID[2]]),
        secondary_memory_sources=[vectors],
    )
    assert import_memory(old, core, user_id="alice") == 3


async def test_from_a_memory_with_what_it_archived_and_its_blocks(core: LightMem) -> None:
    vectors = VectorMemoryBlock(vector_store=Listing(), embed_model=MockEmbedding(embed_dim=3))
    facts = FactExtractionMemoryBlock(llm=MockLLM(), facts=["She likes oranges."])
    old = Memory.from_defaults(
        session_id="s1", token_limit=60, token_flush_size=10, memory_blocks=[vectors]
    )
    said = [ChatMessage(role="user", content=f"Question {n} " + "word " * 10) for n in range(8)]
    await old.aput_messages(said)
    assert vectors.vector_store.nodes
    await vectors.aput([ChatMessage(role="user", content="Only in the block")])
    old.memory_blocks.append(facts)
    assert await aimport_memory(old, core, user_id="alice") == 8 + 2
    assert set(texts(core, "s1")) == {
        *(str(m.content) for m in said),
        "She likes oranges.",
        "Only in the block",
    }


async def test_a_vector_store_that_cannot_list_is_refused(core: LightMem) -> None:
    store = Listing(listable=False)
    block = VectorMemoryBlock(vector_store=store, embed_model=MockEmbedding(embed_dim=3))
    old = Memory.from_defaults(session_id="s1", memory_blocks=[block])
    with pytest.raises(InvalidRequestError, match="Listing cannot list"):
        await aimport_memory(old, core, user_id="alice")
    assert core.users() == ()


def test_a_user_is_needed(core: LightMem) -> None:
    with pytest.raises(ScopeError):
        import_memory(SAID, core, user_id=" ")


def test_what_is_no_memory_is_refused(core: LightMem) -> None:
    with pytest.raises(InvalidRequestError, match="no memory of LlamaIndex"):
        import_memory("a text", core, user_id="alice")  # type: ignore[arg-type]


async def test_where_a_loop_runs_it_says_what_to_use(core: LightMem) -> None:
    with pytest.raises(InvalidRequestError, match="await aimport_memory"):
        import_memory(SAID, core, user_id="alice")
