"""A server that only reads, beside the process that owns the store: over HTTP and MCP."""

import re
import subprocess
import sys

import httpx
import pytest
from typer.testing import CliRunner

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.cli import app
from lightmem_integrations.testing import ScriptedWriter

pytest.importorskip("fastapi")
pytest.importorskip("mcp")

from mcp_sessions import READING_TOOLS, call, over_http, over_stdio
from served import client, served, tool_call

CHANGES = [
    ("POST", "/v1/turns"),
    ("PATCH", "/v1/facts/{id}"),
    ("POST", "/v1/facts/{id}/retract"),
    ("POST", "/v1/conflicts/{id}/resolve"),
    ("POST", "/v1/forget"),
    ("POST", "/v1/pin"),
    ("POST", "/v1/unpin"),
    ("POST", "/v1/importance"),
    ("POST", "/v1/consolidate"),
]


@pytest.fixture(scope="module")
def owner(tmp_path_factory):
    """The memory of the process that owns the store."""
    store = tmp_path_factory.mktemp("owned") / "store"
    with LightMem(store, writer=ScriptedWriter()) as memory:
        memory.add(Turn(role="user", text="Alice.home = Lisbon"), user_id="alice")
        memory.consolidate()
        memory.index_pending()
        yield memory


@pytest.fixture(scope="module")
def url(owner):
    with served(owner, read_only=True) as url:
        yield url


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_change_is_refused_with_what_to_do(url, owner, method, path):
    (fact,) = owner.facts(user_id="alice")
    with client(url, "alice") as http:
        for body in ({}, {"everything": True}, {"value": "Porto"}, {"session_id": "default"}):
            answer = http.request(method, path.replace("{id}", fact.id), json=body)
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "read_only"
            assert "without --read-only" in answer.json()["error"]["message"]
    assert [each.value for each in owner.facts(user_id="alice")] == ["Lisbon"]
    assert len(owner.history(user_id="alice")) == 1


def test_every_other_route_answers(url):
    document = httpx.get(f"{url}/openapi.json", trust_env=False).json()
    routes = {
        (method.upper(), path.replace("fact_id", "id").replace("conflict_id", "id"))
        for path, methods in document["paths"].items()
        for method in methods
        if path.startswith("/v1/")
    }
    assert set(CHANGES) < routes
    with client(url, "alice") as http:
        facts = http.get("/v1/facts").json()
        found = http.post("/v1/recall", json={"query": "Where is the home?"}).json()
        assert [hit["text"] for hit in found["hits"]] == ["Alice.home = Lisbon"]
        for method, path in routes - set(CHANGES) - {("POST", "/v1/recall")}:
            answer = http.request(method, path.replace("{id}", facts[0]["id"]))
            assert answer.status_code == 200, path


async def test_no_tool_that_writes_is_offered_or_taken(url, owner):
    async with over_http(url, "alice") as session:
        assert {tool.name for tool in (await session.list_tools()).tools} == READING_TOOLS
        assert "Lisbon" in await call(session, "search_memory", query="Where is my home?")
        assert "Lisbon" in await call(session, "memory_profile")
        assert "no tool" in await call(session, "remember", text="My bicycle is green.")
        assert "no tool" in await call(session, "forget_memory", memory_id="a/b")
    assert owner.sessions(user_id="alice") == ("default",)


@pytest.mark.sqlite("read_only= is of folders")
def test_what_a_store_says_of_its_files_is_not_shown(tmp_path):
    store = tmp_path / "store"
    with LightMem(store) as memory:
        memory.add(Turn(role="user", text="I live in Porto."), user_id="alice")
    with (
        LightMem(store, read_only=True) as memory,
        served(memory) as url,
        client(url, "alice") as h,
    ):
        refused = h.post("/v1/forget", json={"everything": True})
        assert refused.status_code == 403
        assert str(tmp_path) not in refused.text
        told = h.post("/mcp", json=tool_call("remember", text="x"), headers={"accept": "*/*"})
        assert str(tmp_path) not in told.text


def test_it_makes_no_store_and_takes_no_writer(tmp_path):
    store = tmp_path / "store"
    options = ["--user", "alice", "--read-only"]
    for command in ("serve", "mcp"):
        none = CliRunner().invoke(app, [command, str(store), *options])
        assert none.exit_code == 1
        assert "There is no store" in none.stderr
    writer = CliRunner().invoke(app, ["serve", str(store), *options, "--writer", "openai:any"])
    assert writer.exit_code == 1
    assert "Leave out --writer" in writer.stderr
    assert not store.exists()


@pytest.mark.slow
@pytest.mark.sqlite("a folder has one owner")
async def test_it_runs_beside_the_owner_and_sees_what_that_writes(owner):
    store = owner.place
    command = [sys.executable, "-m", "lightmem_integrations.cli", "serve", store, "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    options = ["--user", "alice"]
    taken = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert taken.returncode == 1
    assert "--read-only" in taken.stderr
    with subprocess.Popen([*command, *options, "--read-only"], **pipes) as running:
        url = re.search(r"http://[\d.]+:\d+", running.stdout.readline()).group()
        owner.add(Turn(role="user", text="My boat is called Heron."), user_id="alice")
        with client(url) as http:
            assert "Heron" in http.get("/v1/history").text
            assert http.post("/v1/forget", json={"everything": True}).status_code == 403
        async with over_stdio(store, "alice", "--read-only") as session:
            assert {tool.name for tool in (await session.list_tools()).tools} == READING_TOOLS
            assert "Heron" in await call(session, "list_memories")
        running.terminate()
        assert running.wait(60) == 0
        assert "Traceback" not in running.stderr.read()
    assert "Heron" in owner.history(user_id="alice")[-1].text
