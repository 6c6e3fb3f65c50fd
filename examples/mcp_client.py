"""A client of the Model Context Protocol that starts a memory of its own for each user."""

import asyncio
import sys
import tempfile

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

PROGRAM = ["-m", "lightmem_integrations.cli", "mcp"]  # or the command: lightmem mcp


async def call(session: ClientSession, tool: str, **arguments: str) -> str:
    """What a tool says."""
    result = await session.call_tool(tool, arguments)
    return "\n".join(content.text for content in result.content if content.type == "text")


async def talk(store: str, user: str, said: str, question: str) -> None:
    """Have something remembered, and ask for it in a conversation of its own."""
    server = StdioServerParameters(command=sys.executable, args=[*PROGRAM, store, "--user", user])
    for tool, arguments in (("remember", {"text": said}), ("search_memory", {"query": question})):
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            await session.initialize()
            print(f"{user}: {await call(session, tool, **arguments)}")


async def main() -> None:
    """Two users, one store."""
    with tempfile.TemporaryDirectory() as store:
        await talk(store, "alice", "Alice moved to Lisbon in May.", "Where does she live?")
        await talk(store, "bob", "Bob's train leaves at nine.", "When does his train leave?")


asyncio.run(main())
