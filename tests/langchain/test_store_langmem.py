"""LangMem's tools on our store, unchanged, in an agent: nobody reads what another one wrote."""

from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage

from lightmem_integrations.langchain import LightMemStore
from lightmem_integrations.testing import HashEmbedder

# LangMem's own dependencies use names that their newer versions deprecate.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
langmem = pytest.importorskip("langmem", exc_type=ImportError)


def call(name, **arguments):
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "1"}])


def tools():
    namespace = ("memories", "{user_id}")
    return [
        langmem.create_manage_memory_tool(namespace=namespace),
        langmem.create_search_memory_tool(namespace=namespace),
    ]


def told(result):
    return "".join(each.text for each in result["messages"] if isinstance(each, ToolMessage))


@pytest.fixture(params=[False, True], ids=["exact", "folder"])
def store(request, tmp_path):
    path = tmp_path if request.param else None
    with LightMemStore.from_path(path, embedder=HashEmbedder()) as store:
        yield store


USERS = ("ann@example", "Ann@example", "ann")


def test_each_user_finds_their_own(store, scripted):
    for number, user in enumerate(USERS):
        model = scripted(call("manage_memory", content=f"heron {number}", action="create"), "ok")
        agent = create_agent(model, tools=tools(), store=store)
        config = {"configurable": {"user_id": user}}
        assert "created" in told(agent.invoke({"messages": [("user", "Remember.")]}, config))
    for number, user in enumerate(USERS):
        model = scripted(call("search_memory", query="heron"), "ok")
        agent = create_agent(model, tools=tools(), store=store)
        config = {"configurable": {"user_id": user}}
        said = told(agent.invoke({"messages": [("user", "What?")]}, config))
        assert f"heron {number}" in said
        assert said.count("heron") == 1


async def test_asynchronously_with_update_and_delete(store, scripted):
    config = {"configurable": {"user_id": "ann@example"}}
    namespace = ("memories", "ann@example")

    async def run(name, **arguments):
        agent = create_agent(scripted(call(name, **arguments), "ok"), tools=tools(), store=store)
        return told(await agent.ainvoke({"messages": [("user", "Go.")]}, config))

    await run("manage_memory", content="heron", action="create")
    (item,) = await store.asearch(namespace)
    await run("manage_memory", content="train", action="update", id=item.key)
    (updated,) = await store.asearch(namespace)
    assert (updated.key, updated.value) == (item.key, {"content": "train"})
    assert "train" in await run("search_memory", query="train")
    await run("manage_memory", action="delete", id=item.key)
    assert await store.asearch(namespace) == []
