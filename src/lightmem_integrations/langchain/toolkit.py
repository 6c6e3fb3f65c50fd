"""LangChain binding of the memory tools, for agents that decide themselves what to look up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.tools import BaseTool, BaseToolkit, ToolException

from lightmem_integrations.langchain.arguments import OnMemory
from lightmem_integrations.langchain.scope import RunLimits, scope_of
from lightmem_integrations.records.conversation import Hit
from lightmem_integrations.safety import check_counts, check_scope_id
from lightmem_integrations.tools import (
    CORRECT,
    FORGET,
    REMEMBER,
    SEARCH,
    MemoryTools,
    ToolDescription,
    ToolError,
    memory_id,
)


class _Tools(OnMemory):
    """What the tools and their kit take alike."""

    user_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    k: int | None = None
    max_tokens: int | None = None
    strict: bool = False
    space: Any = None
    spaces: Any = ()
    filter: Any = None
    note_metadata: Any = None


class MemoryTool(_Tools, BaseTool):
    """Base of the four tools: finds the user of a call, and tells the model of an error.

    The user is the one the tool is bound to, or the one of the running agent's context, or of the
    run's configuration; without one, the call raises ``ScopeError``. The model has no say in it:
    the tools take no such argument, and what a model adds to a call is dropped.

    A memory that fails does not fail the agent: the model is told that the tool did not work.

    Args:
        memory: The memory.
        user_id: Whose memory, if the tool serves one user only.
        session_id: The session of runs that have no ``thread_id``.
        agent_id: Which agent this is, for the record.
        k: How many memories a search returns. ``None``: as the memory's settings say.
        max_tokens: Size of what a search returns, in tokens. ``None``: as the settings say.
        strict: Raise what the memory raises.
        space: The space that keeps the notes, as in ``LightMemMiddleware``.
        spaces: Spaces that are searched besides, as there.
        filter: What the tools search and change must meet, as there.
        note_metadata: Metadata of the notes, as ``metadata`` there.

    Raises:
        ScopeError: ``user_id`` or ``session_id`` is not a valid one.
        InvalidRequestError: A size is below 1, or ``filter`` is none.
        InvalidTurnError: ``note_metadata`` is none.
    """

    handle_tool_error: bool = True

    tool: ClassVar[ToolDescription]
    use: ClassVar[Callable[..., Any]]
    """Calls the tool: takes `MemoryTools` and the model's arguments."""

    def __init__(self, **fields: Any) -> None:
        if fields.get("session_id") is not None:
            check_scope_id(fields["session_id"], "session_id")
        check_counts(k=fields.get("k"), max_tokens=fields.get("max_tokens"))
        RunLimits(filter=fields.get("filter"), metadata=fields.get("note_metadata")).checked()
        described: dict[str, Any] = {
            "name": self.tool.name,
            "description": self.tool.description,
            "args_schema": self.tool.schema,
        }
        super().__init__(**(described | fields))

    def _run(self, *given: str, config: RunnableConfig | None = None, **named: str) -> Any:
        return self._told(self._tools(config), given, named)

    async def _arun(self, *given: str, config: RunnableConfig | None = None, **named: str) -> Any:
        tools = await asyncio.to_thread(self._tools, config)
        return await asyncio.to_thread(self._told, tools, given, named)

    def _tools(self, config: RunnableConfig | None) -> MemoryTools:
        scope = scope_of(
            ensure_config(config), user_id=self.user_id, session_id=self.session_id,
            within=RunLimits(self.space, self.spaces, self.filter, self.note_metadata),
        )  # fmt: skip
        return MemoryTools(
            self.memory,
            user_id=scope.user_id,
            session_id=scope.session_id,
            timezone=scope.timezone,
            agent_id=self.agent_id,
            k=self.k,
            max_tokens=self.max_tokens,
            strict=self.strict,
            space=scope.space,
            spaces=scope.spaces,
            filter=scope.filter,
            note_metadata=scope.said,
        )

    def _told(self, tools: MemoryTools, given: tuple[str, ...], named: dict[str, str]) -> Any:
        try:
            return type(self).use(tools, *given, **named)
        except ToolError as error:
            raise ToolException(str(error)) from error


def _search(tools: MemoryTools, query: str) -> tuple[str, list[dict[str, Any]]]:
    found = tools.search(query)
    return found.text, [_artifact(hit) for hit in found.hits]


class SearchMemoryTool(MemoryTool):
    """Looks up what is remembered of the user. The artifact is one dictionary for each hit."""

    tool = SEARCH
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    use = _search


class RememberTool(MemoryTool):
    """Writes something down that the agent finds worth keeping. The same words count once."""

    tool = REMEMBER
    use = MemoryTools.remember


class ForgetMemoryTool(MemoryTool):
    """Erases one memory. The index's files are rewritten when the store is next opened."""

    tool = FORGET
    use = MemoryTools.forget


class CorrectMemoryTool(MemoryTool):
    """Puts something right: writes down what holds, then erases what did not."""

    tool = CORRECT
    use = MemoryTools.correct


class LightMemToolkit(_Tools, BaseToolkit):
    """The memory tools: ``search_memory``, ``remember``, ``forget_memory``, ``correct_memory``.

    Takes what `MemoryTool` takes, and hands it to each of them.
    """

    def get_tools(self) -> list[BaseTool]:
        """The four tools.

        Raises:
            ScopeError: ``session_id`` is not a valid one.
            InvalidRequestError: A size is below 1.
        """
        kinds = (SearchMemoryTool, RememberTool, ForgetMemoryTool, CorrectMemoryTool)
        return [kind(**dict(self)) for kind in kinds]


def _artifact(hit: Hit) -> dict[str, Any]:
    return {
        "id": memory_id(hit),
        "text": hit.text,
        "tier": hit.tier,
        "score": float(hit.score),
        "when": hit.when.isoformat(),
        **({} if hit.when_precision == "day" else {"when_precision": hit.when_precision}),
    }
