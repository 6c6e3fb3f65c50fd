"""LlamaIndex binding of the memory tools, for agents that decide themselves what to look up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.tools.tool_spec.base import BaseToolSpec

from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.llama_index.filters import FiltersLike, checked_filter
from lightmem_integrations.records.access import SpacesRead
from lightmem_integrations.tools import TOOLS, MemoryTools, ToolError


class LightMemToolSpec(BaseToolSpec):
    """Four tools on one user's memory: search, remember, forget and correct.

    The user is fixed here: the tools take no such argument, so no model can choose another one. A
    memory that fails does not fail the agent: the model is told that the tool did not work.

    For an agent that may look but not change::

        tools = spec.to_tool_list(spec_functions=[("search_memory", "asearch_memory")])

    Args:
        memory: The open store.
        user_id: Whose memory. Required, never made up.
        session_id: The session that keeps what the agent writes down.
        k: Memories that a search returns. ``None``: the settings' ``k``.
        max_tokens: Tokens of what a search returns. ``None``: the settings' ``max_tokens``.
        timezone: The user's time zone (IANA). ``None``: the settings' ``timezone``.
        strict: Raise what the memory raises.
        space: The space that keeps what the agent writes down, instead of the user's own memory.
        spaces: Spaces that are searched besides the user's own memory; ``"all"`` for every one that
            the user may read. ``space`` is searched in any case.
        filter: What is searched, and may be forgotten or corrected, must meet it: as in
            ``LightMem.recall``, or ``MetadataFilters``.
        note_metadata: Metadata of what the agent writes down.

    Raises:
        ScopeError: The user or session id is missing, blank or a wildcard.
        InvalidRequestError: A size is below 1, or ``filter`` is none.
        InvalidTurnError: ``note_metadata`` is none.
    """

    spec_functions = [(tool.name, f"a{tool.name}") for tool in TOOLS]  # noqa: RUF012 - its way

    def __init__(
        self,
        memory: LightMem,
        *,
        user_id: str,
        session_id: str = "notes",
        k: int | None = None,
        max_tokens: int | None = None,
        timezone: str | None = None,
        strict: bool = False,
        space: str | None = None,
        spaces: SpacesRead = (),
        filter: FiltersLike | None = None,  # noqa: A002
        note_metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._user_id = user_id
        self._tools = MemoryTools(
            memory,
            user_id=user_id,
            session_id=session_id,
            k=k,
            max_tokens=max_tokens,
            timezone=timezone,
            strict=strict,
            space=space,
            spaces=spaces,
            filter=checked_filter(filter),
            note_metadata=note_metadata,
        )

    def __repr__(self) -> str:
        return repr(self._tools).replace("MemoryTools", type(self).__name__, 1)

    @property
    def user_id(self) -> str:
        """Whose memory; fixed, so make another tool spec for another user."""
        return self._user_id

    def to_tool_list(
        self,
        spec_functions: list[str | tuple[str, str]] | None = None,
        func_to_metadata_mapping: dict[str, ToolMetadata] | None = None,
    ) -> list[FunctionTool]:
        """The tools, described to the model as ``lightmem_integrations.tools`` has it.

        Args:
            spec_functions: Names of methods, or pairs of a method and its twin. ``None``: all four.
            func_to_metadata_mapping: Other descriptions, by the method's name.
        """
        described = _METADATA | (func_to_metadata_mapping or {})
        return super().to_tool_list(spec_functions, described)

    def search_memory(self, query: str) -> str:
        """Quote the memories that answer a query, each with its id."""
        return _told(lambda: self._tools.search(query).text)

    def remember(self, text: str) -> str:
        """Write a note about the user down."""
        return _told(lambda: self._tools.remember(text))

    def forget_memory(self, memory_id: str) -> str:
        """Erase one memory, by the id that a search shows."""
        return _told(lambda: self._tools.forget(memory_id))

    def correct_memory(self, memory_id: str, text: str) -> str:
        """Write down what holds, then erase the memory that did not."""
        return _told(lambda: self._tools.correct(memory_id, text))

    async def asearch_memory(self, query: str) -> str:
        """``search_memory`` without blocking the event loop."""
        return await asyncio.to_thread(self.search_memory, query)

    async def aremember(self, text: str) -> str:
        """``remember`` without blocking the event loop."""
        return await asyncio.to_thread(self.remember, text)

    async def aforget_memory(self, memory_id: str) -> str:
        """``forget_memory`` without blocking the event loop."""
        return await asyncio.to_thread(self.forget_memory, memory_id)

    async def acorrect_memory(self, memory_id: str, text: str) -> str:
        """``correct_memory`` without blocking the event loop."""
        return await asyncio.to_thread(self.correct_memory, memory_id, text)


_METADATA = {
    name: ToolMetadata(name=tool.name, description=tool.description, fn_schema=tool.schema)
    for tool in TOOLS
    for name in (tool.name, f"a{tool.name}")
}


def _told(use: Callable[[], str]) -> str:
    try:
        return use()
    except ToolError as error:
        return str(error)
