"""LangGraph's own server with a memory and a store in PostgreSQL: examples/langgraph-server.

Runs where ``LIGHTMEM_TEST_LANGGRAPH`` names the program ``langgraph`` of an environment that has
examples/langgraph-server/requirements.txt: that holds packages back which the other tests have
newer. Checks the form of the example where it does not.
"""

import ast
import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

sdk = pytest.importorskip("langgraph_sdk")
errors = pytest.importorskip("langgraph_sdk.errors")
jwt = pytest.importorskip("jwt")

EXAMPLE = Path(__file__).parents[2] / "examples" / "langgraph-server"
SECRET = "a secret of the tests that is long enough for HS256"


def test_what_the_configuration_names_is_there():
    named = json.loads((EXAMPLE / "langgraph.json").read_text(encoding="utf-8"))
    for path in (named["graphs"]["agent"], named["store"]["path"], named["auth"]["path"]):
        file, name = path.rsplit(":" if ":" in path else ".", 1)
        program = ast.parse((EXAMPLE / file.removesuffix(".py")).with_suffix(".py").read_text())
        given = [node for node in program.body if isinstance(node, ast.Assign)]
        assert name in {target.id for node in given for target in node.targets}, path


@pytest.fixture
def port(postgresql_database, tmp_path):
    from postgresql import free_port

    program = os.environ.get("LIGHTMEM_TEST_LANGGRAPH")
    if not program:
        pytest.skip("LIGHTMEM_TEST_LANGGRAPH names no program langgraph")
    shutil.copytree(EXAMPLE, tmp_path / "server")
    written = f"DATABASE_URL={postgresql_database}\nJWT_SECRET={SECRET}\n"
    (tmp_path / "server" / ".env").write_text(written)
    found, log = free_port(), tmp_path / "log"
    with log.open("w") as said:
        server = subprocess.Popen(
            [program, "dev", "--no-browser", "--no-reload", "--port", str(found)],
            cwd=tmp_path / "server",
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            stdout=said,
            stderr=said,
        )
    try:
        until = time.monotonic() + 240
        while "Application started up" not in log.read_text():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.5)
        yield found
    finally:
        server.terminate()
        server.wait(60)


@pytest.mark.slow
async def test_a_run_remembers_and_whose_memory_it_is_no_request_decides(port):
    clients = contextlib.AsyncExitStack()

    async def client(user):
        claims = {"sub": user, "exp": time.time() + 3_600}
        header = {"Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"} if user else {}
        url = f"http://127.0.0.1:{port}"
        opened = sdk.get_client(url=url, headers=header, api_key=None)
        return await clients.enter_async_context(opened)

    async def ask(user, text, **options):
        asks = await client(user)
        thread = await asks.threads.create()
        asked = {"messages": [{"role": "user", "content": text}]}
        state = await asks.runs.wait(thread["thread_id"], "agent", input=asked, **options)
        return state["messages"][-1]["content"]

    alice, bob = "alice@example.com", "bob"
    async with clients:
        await ask(alice, "I moved to Lisbon in May.")
        assert "Lisbon" in await ask(alice, "Where did I move to?")
        assert "Lisbon" not in await ask(bob, "Where did I move to?")
        for way in (
            {"config": {"configurable": {"user_id": alice}}},
            {"context": {"user_id": alice}},
        ):
            with pytest.raises(Exception, match="ScopeError"):
                await ask(bob, "Where did I move to?", **way)
        with pytest.raises(errors.AuthenticationError):
            await ask(None, "Where did I move to?")

        put = (await client(alice)).store.put_item
        await put(["notes"], "tea", {"content": "likes green tea"})
        for user, count in ((alice, 1), (bob, 0)):
            store = (await client(user)).store
            found = await store.search_items(["notes"], query="What does she drink?")
            assert len(found["items"]) == count
