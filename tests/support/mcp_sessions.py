"""Sessions of the protocol's own client with a memory, over HTTP and over standard input."""

import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from served import bearer

READING_TOOLS = {"search_memory", "memory_profile", "list_memories"}
TOOLS = READING_TOOLS | {"remember", "forget_memory", "correct_memory"}


@asynccontextmanager
async def over_http(url, user):
    async with (
        httpx.AsyncClient(headers=bearer(user), timeout=60, trust_env=False) as http,
        streamable_http_client(f"{url}/mcp", http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


def program(store, *options):
    """The program that a desktop client starts."""
    return [sys.executable, "-m", "lightmem_integrations.cli", "mcp", str(store), *options]


@asynccontextmanager
async def over_stdio(store, user, *options):
    command, *arguments = program(store, "--user", user, *options)
    started = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    with Path(os.devnull).open("w") as nowhere:
        async with (
            stdio_client(started, errlog=nowhere) as (read, write),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            yield session


async def call(session, name, **arguments):
    """What a tool says, with ERROR before it where it failed."""
    result = await session.call_tool(name, arguments)
    (content,) = result.content
    return content.text if not result.isError else f"ERROR {content.text}"
