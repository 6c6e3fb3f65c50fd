"""MCP over standard input and output, as a desktop client meets it that starts the server."""

import json
import signal
import subprocess
import sys

import pytest

from lightmem_integrations import LightMem

pytest.importorskip("mcp")

from mcp_sessions import TOOLS, call, over_stdio, program
from served import tool_call

pytestmark = pytest.mark.slow

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": "first",
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def exchanged(store, *messages):
    """The answers to messages, of which a text is sent as it is; the first two are sent before."""
    told = [INITIALIZE, INITIALIZED, *messages]
    lines = [each if isinstance(each, str) else json.dumps(each) for each in told]
    done = subprocess.run(
        program(store, "--user", "alice"),
        input="".join(f"{line}\n" for line in lines),
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    first, *answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["id"] == "first"
    return answers


async def test_a_desktop_client_starts_a_server_of_its_own(tmp_path):
    for user, pet in (("alice", "cat"), ("bob", "dog")):
        async with over_stdio(tmp_path / "store", user) as session:
            assert {tool.name for tool in (await session.list_tools()).tools} == TOOLS
            await call(session, "remember", text=f"I have a {pet}.")
            found = await call(session, "search_memory", query="Which pet do I have?")
            assert pet in found
            assert ("cat" in found) == (user == "alice")
    with LightMem(tmp_path / "store") as memory:
        assert memory.users() == ("alice", "bob")


@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "SIGINT"])
def test_nothing_but_the_protocol_is_printed_and_every_end_closes_the_store(tmp_path, how):
    code = (
        "import os, sys\n"
        "from lightmem_integrations import LightMem\n"
        "recall = LightMem.recall\n"
        "def chatty(*arguments, **named):\n"
        "    print('PRINTED'); os.system('echo ECHOED')\n"
        "    return recall(*arguments, **named)\n"
        "LightMem.recall = chatty\n"
        "from lightmem_integrations.cli import app\n"
        f"app(['mcp', {str(tmp_path / 'store')!r}, '--user', 'alice'])\n"
    )
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipe) as running:
        for message in (INITIALIZE, INITIALIZED, tool_call("search_memory", query="anything")):
            running.stdin.write(f"{json.dumps(message)}\n")
            running.stdin.flush()
        lines = [json.loads(running.stdout.readline()) for _ in range(2)]
        assert [line["id"] for line in lines] == ["first", 1]
        assert lines[0]["result"]["serverInfo"]["name"] == "lightmem"
        if how == "end of input":
            running.stdin.close()
        else:
            running.send_signal(getattr(signal, how))
        assert running.wait(60) == 0
        assert running.stdout.read() == ""
        errors = running.stderr.read()
    assert "PRINTED" in errors
    assert "ECHOED" in errors
    assert "Traceback" not in errors
    with LightMem(tmp_path / "store") as memory:
        assert memory.users() == ()


def test_what_was_asked_for_before_the_input_ends_is_answered(tmp_path):
    answers = exchanged(
        tmp_path / "store",
        tool_call("remember", text="I live in Porto.") | {"id": 2},
        tool_call("no_such_tool") | {"id": 3},
    )
    assert {answer["id"] for answer in answers} == {2, 3}
    with LightMem(tmp_path / "store") as memory:
        (turn,) = memory.history(user_id="alice", session_id="mcp")
    assert turn.text == "I live in Porto."


def test_what_is_no_message_is_answered_and_the_server_goes_on(tmp_path):
    asked = '{"jsonrpc": "2.0", "id": %s, "method": "tools/list"}'
    deep = "[" * 100_000
    answers = exchanged(
        tmp_path / "store",
        tool_call("remember", text="half \ud800 of a pair") | {"id": 2},
        asked.replace("}", f', "params": {deep}') % 3,
        asked % "1.5",
        asked % '"\\udc00"',
        "no JSON",
        "[]",
        '{"id": 4}',
        "",
        "\t",
        tool_call("remember", text="I live in Porto.") | {"id": 5},
    )
    told = {json.dumps(answer["id"]): answer for answer in answers if answer["id"] is not None}
    assert set(told) == {"2", "4", "5", '"\\udc00"'}
    assert told["2"]["error"]["code"] == -32700
    assert "surrogate" in told["2"]["error"]["message"]
    assert told["4"]["error"]["code"] == -32600
    assert told["5"]["result"]["content"][0]["text"] == "Remembered."
    unnamed = [answer["error"]["code"] for answer in answers if answer["id"] is None]
    assert unnamed == [-32700, -32600, -32700, -32600]


@pytest.mark.parametrize("user", ["", " ", "*"])
def test_a_user_who_is_none_ends_it_with_the_reason(tmp_path, user):
    done = subprocess.run(
        program(tmp_path / "store", "--user", user),
        input="", capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: user_id")
    assert not (tmp_path / "store").exists()
