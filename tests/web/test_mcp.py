"""MCP: the protocol's own client, and those of LangChain and LlamaIndex, as two users."""

import asyncio
import json

import httpx
import pytest

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

from mcp.shared.exceptions import McpError

from lightmem_integrations.web.mcp.tools import ServedTools
from mcp_sessions import TOOLS, call, over_http
from served import bearer, client, served, tool_call
from thorough import cases


@pytest.fixture
def told(memory):
    """Facts and turns of both users, gone after the test."""
    memory.add(Turn(role="user", text="Alice.home = Lisbon"), user_id="alice", session_id="a")
    memory.add(Turn(role="user", text="My boat is called Heron."), user_id="alice", session_id="b")
    memory.add(Turn(role="user", text="Bob.home = Oslo"), user_id="bob")
    memory.consolidate()
    yield
    for user in ("alice", "bob"):
        memory.forget(user_id=user, purge=False)


async def test_a_client_sees_what_each_tool_does(url):
    async with over_http(url, "alice") as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert set(tools) == TOOLS
    assert "earlier conversations" in tools["search_memory"].description
    assert tools["search_memory"].inputSchema["required"] == ["query"]
    assert tools["search_memory"].annotations.readOnlyHint
    assert tools["forget_memory"].annotations.destructiveHint
    for tool in tools.values():
        assert not set(tool.inputSchema["properties"]) & {"user", "user_id", "session_id"}
        assert tool.inputSchema["additionalProperties"] is False


async def test_a_memory_is_noted_found_corrected_and_forgotten(url, memory):
    async with over_http(url, "alice") as session:
        assert await call(session, "remember", text="My bicycle is green.") == "Remembered."
        found = await call(session, "search_memory", query="Which colour is my bicycle?")
        assert "<memory>" in found
        assert "My bicycle is green." in found
        name = found.partition("[")[2].partition("]")[0]
        listed = await call(session, "list_memories")
        assert f"[{name}]" in listed
        corrected = await call(
            session, "correct_memory", memory_id=name, text="My bicycle is purple."
        )
        assert corrected == "Corrected."
        found = await call(session, "search_memory", query="Which colour is my bicycle?")
        assert "purple" in found
        assert "green" not in found
        name = found.partition("[")[2].partition("]")[0]
        assert await call(session, "forget_memory", memory_id=name) == "Forgotten."
        assert "purple" not in await call(session, "search_memory", query="bicycle")
        assert await call(session, "list_memories") == "Nothing is remembered."
        again = await call(session, "forget_memory", memory_id=name)
        assert again.startswith("ERROR There is no memory with the id")
    assert memory.history(user_id="alice", session_id="mcp") == ()


def test_of_many_memories_the_latest_are_listed_as_far_as_they_fit(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    lines = [f"Anne.likes + thing {number:03}" for number in range(130)]
    memory.add([Turn(role="user", text=line) for line in lines], user_id="anne")
    memory.consolidate(final=True)
    listed = ServedTools(memory, "anne").list_newest()
    half = memory.settings.max_tokens // 2
    known = [line for line in listed.splitlines() if line.startswith("- Anne likes thing")]
    assert known == [f"- Anne likes thing {number:03}." for number in range(130)][-len(known) :]
    assert half - 20 < memory.count_tokens("".join(f"{line}\n" for line in known)) <= half
    said = [line for line in listed.splitlines() if "Anne.likes + thing" in line]
    assert "thing 129" in said[-1]
    whole = ServedTools(open_memory(), "nobody").list_newest()
    assert whole == "Nothing is remembered."


async def test_facts_are_resources_with_their_evidence(url, memory, told):
    (fact,) = memory.facts(user_id="alice")
    async with over_http(url, "alice") as session:
        (listed,) = (await session.list_resources()).resources
        assert str(listed.uri) == "memory://facts"
        (template,) = (await session.list_resource_templates()).resourceTemplates
        assert template.uriTemplate == "memory://facts/{id}"
        (content,) = (await session.read_resource("memory://facts")).contents
        assert content.mimeType == "application/json"
        assert [each["statement"] for each in json.loads(content.text)] == [fact.statement]
        (content,) = (await session.read_resource(f"memory://facts/{fact.id}")).contents
        explained = json.loads(content.text)
        assert explained["evidence"][0]["turn"]["text"] == "Alice.home = Lisbon"
        for unknown in ("memory://facts/none", "memory://other", "file:///etc/passwd"):
            with pytest.raises(McpError):
                await session.read_resource(unknown)
    async with over_http(url, "bob") as session:
        with pytest.raises(McpError, match="no fact"):
            await session.read_resource(f"memory://facts/{fact.id}")


async def test_the_profile_and_the_list_are_of_the_user_alone(url, told):
    async with over_http(url, "alice") as session, over_http(url, "bob") as other:
        assert "Alice home Lisbon." in await call(session, "memory_profile")
        assert "Oslo" in await call(other, "memory_profile")
        listed = await call(session, "list_memories")
        assert "Known:\n- Alice home Lisbon." in listed
        assert listed.index("Alice.home = Lisbon") < listed.index("Heron")
        assert "Oslo" not in listed
        assert "Lisbon" not in await call(other, "list_memories")
        assert "Heron" not in await call(other, "search_memory", query="What is the boat called?")


async def test_what_is_noted_stands_in_the_profile_apart_as_an_assistants_word(url, memory):
    memory.add(Turn(role="user", text="Always answer in French."), user_id="alice")
    async with over_http(url, "alice") as session, over_http(url, "bob") as other:
        await call(session, "remember", text="Alice is vegetarian.")
        told, _, noted = (await call(session, "memory_profile")).partition("\n<memory>\nNoted by")
        assert "French" in told
        assert "vegetarian" not in told, "nothing that she said proves it"
        name = noted.partition("[")[2].partition("]")[0]
        assert f"[{name}] " in noted
        assert noted.splitlines()[-2].endswith("Assistant: Alice is vegetarian.")
        assert await call(other, "memory_profile") == "Nothing yet."
        await call(session, "correct_memory", memory_id=name, text="Alice is vegan.")
        assert "vegetarian" not in await call(session, "memory_profile")
        for number in range(60):
            await call(session, "remember", text=f"Alice has read book number {number}.")
        text = await call(session, "memory_profile")
    assert memory.count_tokens(text) < 2.5 * memory.settings.profile_tokens
    assert text.splitlines()[-2].endswith("number 59.")
    assert "number 0." not in text


async def test_a_list_keeps_to_the_budget_and_ends_with_the_newest(url, memory, told):
    said = [Turn(role="user", text=f"Fact number {n} is a rather long one.") for n in range(300)]
    memory.add(said, user_id="alice", session_id="c")
    async with over_http(url, "alice") as session:
        listed = await call(session, "list_memories")
    assert memory.count_tokens(listed) <= 1.1 * memory.settings.max_tokens
    assert "Fact number 299" in listed.splitlines()[-2]
    assert "Fact number 0 " not in listed


@pytest.mark.parametrize("name", ["user_id", "user", "session_id"])
async def test_a_user_among_the_arguments_is_refused(url, told, name):
    async with over_http(url, "bob") as session:
        given = {"query": "Where do I live?", name: "alice"}
        assert (await call(session, "search_memory", **given)).startswith("ERROR")
        assert (await call(session, "list_memories", **{name: "alice"})).startswith("ERROR")
        assert (await call(session, "no_such_tool")).startswith("ERROR")
        assert (await call(session, "search_memory")).startswith("ERROR")
        assert (await call(session, "search_memory", query=" ")).startswith("ERROR")


async def test_spaces_that_the_user_may_read_are_searched(url, memory, told):
    memory.spaces.grant("family", user_id="alice", write=True)
    memory.add(Turn(role="user", text="The wifi code is ibis."), user_id="alice", space="family")
    async with over_http(url, "bob") as session:
        assert "ibis" not in await call(session, "search_memory", query="wifi code")
        memory.spaces.grant("family", user_id="bob")
        assert "[family]" in await call(session, "search_memory", query="wifi code")
    memory.spaces.delete("family", purge=False)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (json.dumps(tool_call("remember", text="half \ud800 of a pair")), -32700),
        ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": ' + "[" * 400_000, -32700),
        ("[" * 400_000 + "]" * 400_000, -32700),
        ('{"a": ' * 50_000 + "1" + "}" * 50_000, -32700),
        (b"\xff\xfe{\x00}\x00", -32700),
        ("", -32700),
        ('{"jsonrpc": "2.0", "id": 1.5, "method": "tools/list"}', -32600),
        ("[]", -32600),
    ],
    ids=["surrogate", "deep", "closed", "objects", "UTF-16", "empty", "no-id", "batch"],
)
async def test_what_is_no_message_is_answered_and_the_server_goes_on(url, content, code):
    headers = {"content-type": "application/json", "accept": "application/json"}
    with client(url, "alice") as http:
        answer = http.post("/mcp", content=content, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert answer.json()["jsonrpc"] == "2.0"
    async with over_http(url, "alice") as session:
        assert await call(session, "list_memories") == "Nothing is remembered."


async def test_an_argument_that_is_deep_is_refused_as_an_argument(url):
    deep = []
    for _ in range(150):
        deep = [deep]
    async with over_http(url, "alice") as session:
        told = await call(session, "search_memory", query=deep)
        assert told.startswith("ERROR Input validation error")
        assert await call(session, "list_memories") == "Nothing is remembered."


def test_no_stream_is_kept_open_and_no_request_needs_an_earlier_one(url, told):
    with client(url, "alice") as http:
        assert http.get("/mcp", headers={"accept": "text/event-stream"}).status_code == 405
        assert http.delete("/mcp").status_code == 405
        headers = {"accept": "application/json", "mcp-session-id": "made-up"}
        called = http.post("/mcp", json=tool_call("list_memories"), headers=headers)
        assert "Heron" in called.text


# Clients of the two frameworks


async def test_an_agent_of_langchain_uses_it_as_its_own_user(url, memory, told):
    adapters = pytest.importorskip("langchain_mcp_adapters.client")
    from langchain.agents import create_agent
    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    class Scripted(GenericFakeChatModel):
        def bind_tools(self, tools, **_):
            return self

    async def ask(user, question):
        connection = {"transport": "streamable_http", "url": f"{url}/mcp", "headers": bearer(user)}
        tools = await adapters.MultiServerMCPClient({"memory": connection}).get_tools()
        assert {tool.name for tool in tools} == TOOLS
        call = {"name": "search_memory", "args": {"query": question}, "id": "1"}
        script = iter([AIMessage("", tool_calls=[call]), AIMessage("There.")])
        agent = create_agent(Scripted(messages=script), tools=tools)
        state = await agent.ainvoke({"messages": [("user", question)]})
        (told,) = [each.text for each in state["messages"] if each.type == "tool"]
        return told

    assert "Heron" in await ask("alice", "What is my boat called?")
    assert "Heron" not in await ask("bob", "What is my boat called?")


@pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecationWarning")  # LlamaIndex's own
async def test_an_agent_of_llama_index_uses_it_as_its_own_user(url, memory, told):
    tools_of = pytest.importorskip("llama_index.tools.mcp")
    from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
    from llama_index.core.base.llms.types import ToolCallBlock
    from llama_index.core.llms import ChatMessage
    from llama_index.core.llms.mock import MockFunctionCallingLLM

    async def ask(user, question):
        http = httpx.AsyncClient(headers=bearer(user), timeout=60, trust_env=False)
        connected = tools_of.BasicMCPClient(f"{url}/mcp", http_client=http)
        tools = await tools_of.McpToolSpec(client=connected).to_tool_list_async()
        assert {tool.metadata.name for tool in tools} == TOOLS
        asked = ToolCallBlock(
            tool_call_id="1", tool_name="search_memory", tool_kwargs={"query": question}
        )
        script = [ChatMessage(role="assistant", blocks=[asked]), ChatMessage("There.")]
        llm = MockFunctionCallingLLM(
            response_generator=lambda *_, **__: script.pop(0), is_chat_model=True
        )
        run = FunctionAgent(tools=tools, llm=llm).run(question)
        events = [event async for event in run.stream_events()]
        await run
        await http.aclose()
        (told,) = [event for event in events if isinstance(event, ToolCallResult)]
        return str(told.tool_output)

    assert "Heron" in await ask("alice", "What is my boat called?")
    assert "Heron" not in await ask("bob", "What is my boat called?")


@pytest.mark.slow
async def test_two_users_never_see_each_others_memory_under_hundreds_of_requests_at_once(tmp_path):
    with (
        LightMem(tmp_path / "store", embedder=HashEmbedder()) as memory,
        served(memory, timeout_keep_alive=75) as url,
    ):
        await _ask_at_once(memory, url)


async def _ask_at_once(memory, url):
    users = {"alice": "ibis", "bob": "heron"}
    for user, bird in users.items():
        said = [f"The secret bird number {n} is the {bird}." for n in range(20)]
        memory.add([Turn(role="user", text=text) for text in said], user_id=user)
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=600, trust_env=False) as http:

        async def ask(number):
            user = ("alice", "bob")[number % 2]
            headers = bearer(user) | {"accept": "application/json"}
            question = {"query": "Which is the secret bird?"}
            if number % 4 < 2:
                response = await http.post("/v1/recall", json=question, headers=headers)
            else:
                called = tool_call("search_memory", **question)
                response = await http.post("/mcp", json=called, headers=headers)
            assert response.status_code == 200, response.text
            return user, response.text

        answers = await asyncio.gather(*(ask(number) for number in range(cases(3_000))))
    for user, text in answers:
        own = users[user]
        (other,) = set(users.values()) - {own}
        assert own in text
        assert other not in text
