"""A memory served on a free port of this machine, by uvicorn in a thread."""

import contextlib
import json
import socket
import threading
import time

import httpx
import uvicorn

from lightmem_integrations.web.server import server

USERS = {"token-of-alice": "alice", "token-of-bob": "bob"}


def user_of(token):
    from lightmem_integrations import AuthenticationError

    if token not in USERS:
        raise AuthenticationError("unknown")
    return USERS[token]


def bearer(user):
    return {"Authorization": f"Bearer token-of-{user}"}


@contextlib.contextmanager
def served(memory, timeout_keep_alive=5, **options):
    """The URL of a server over that memory."""
    app = server(memory, **({"user_of": user_of} | options))
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_level="warning",
        server_header=False,
        http="h11",  # as the command does
        timeout_keep_alive=timeout_keep_alive,
    )
    running = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not running.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join()


@contextlib.contextmanager
def client(url, user=None):
    """A client of a server, with the token of a user."""
    headers = bearer(user) if user else {}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as opened:
        yield opened


def tool_call(name, **arguments):
    """Body of a call of a tool of MCP, as JSON-RPC."""
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def tool_text(response):
    """What a tool of MCP said."""
    return json.loads(response.content)["result"]["content"][0]["text"]
