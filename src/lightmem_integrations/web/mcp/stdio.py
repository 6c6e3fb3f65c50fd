"""MCP over standard input and output, for one user: desktop clients start the server so."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, TextIO

import anyio
from mcp.server.stdio import stdio_server

from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.web.mcp.messages import error_answer, request_id
from lightmem_integrations.web.mcp.server import memory_server

_LAST_ANSWERS_SECONDS = 30.0  # a guess: for what is at hand when the input ends
_POLL_SECONDS = 0.02  # a guess: nobody sees it


@contextmanager
def protocol_output() -> Iterator[TextIO]:
    """The standard output for the protocol alone: what else is printed goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)  # libraries in C print, too
    try:
        with os.fdopen(os.dup(kept), "w", encoding="utf-8", newline="\n") as output:
            yield output
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def serve(memory: LightMem, user_id: str, output: TextIO, *, read_only: bool = False) -> None:
    """Answer on ``output`` what stands in the standard input, until that ends.

    SIGTERM and Ctrl-C close the memory and end the process. ``read_only`` offers only the tools
    that change nothing.
    """

    def end(*_: object) -> None:
        memory.close()
        # A thread waits for the next line of the standard input, and nothing wakes it.
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    anyio.run(_serve, memory, user_id, output, read_only)


async def _serve(memory: LightMem, user_id: str, output: TextIO, read_only: bool) -> None:  # noqa: FBT001
    server = memory_server(memory, lambda _: user_id, read_only=read_only)
    exchange: Any = _Exchange(output)
    async with stdio_server(stdin=exchange, stdout=exchange) as (read, write):
        await server.run(read, write, server.create_initialization_options())


class _Exchange:
    """Lines of both directions: the input ends once what was asked for is answered.

    With the end of its input the SDK drops what it is at. What is no message it never answers.
    """

    def __init__(self, output: TextIO) -> None:
        self._input = anyio.wrap_file(
            TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
        )
        self._output = anyio.wrap_file(output)
        self._unanswered: set[str] = set()
        self._one_writes = anyio.Lock()

    def __aiter__(self) -> _Exchange:
        return self

    async def __anext__(self) -> str:
        while line := await self._input.readline():
            if not line.strip():
                continue
            refused = error_answer(line)
            if refused is None:
                asks, number = request_id(line)
                if asks and number:
                    self._unanswered.add(number)
                return line
            await self.write(f"{refused}\n")
            await self.flush()
        with anyio.move_on_after(_LAST_ANSWERS_SECONDS):
            while self._unanswered:
                await anyio.sleep(_POLL_SECONDS)
        raise StopAsyncIteration

    async def write(self, line: str) -> None:
        async with self._one_writes:
            await self._output.write(line)
        asks, number = request_id(line)
        if not asks:
            self._unanswered.discard(number)

    async def flush(self) -> None:
        async with self._one_writes:
            await self._output.flush()
