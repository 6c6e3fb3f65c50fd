"""The scope of a call of LangChain, its user and its session. Never guessed."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig

from lightmem_integrations.errors import ScopeError
from lightmem_integrations.langchain.asker import asker_in_graph, beginner_of_run
from lightmem_integrations.records.access import SpacesRead, spaces_read
from lightmem_integrations.records.filter_form import filter_of
from lightmem_integrations.records.filters import Filter, FilterLike
from lightmem_integrations.records.metadata import checked_metadata
from lightmem_integrations.safety import check_user_id, short_repr
from lightmem_integrations.settings import Settings
from lightmem_integrations.text.timezone import check_timezone, moment_in

DEFAULT_SESSION = "default"
_TOOL_NODES = {"tools", "tool", "tool_node", "toolnode", "call_tool", "call_tools"}
"""Nodes that run a model's tool calls: ``tools`` in LangChain's agents; others are a guess."""


RunFilter = FilterLike | Callable[[Any], FilterLike | None] | None
"""A filter, or a function of the run's context that gives one."""
RunMetadata = Mapping[str, Any] | Callable[[Any], Mapping[str, Any] | None] | None
"""Metadata, or a function of the run's context that gives it."""


_MOST_METADATA = 2**20
"""Bytes of what a run says of its turns: a guess, above what any store is likely to take of one."""


class RunLimits(NamedTuple):
    """What a component reads and writes, each given as it is or as a function of the run's context.

    The context is what LangGraph's runtime holds; without one, the run's ``configurable``. A
    function gives the same for the same context: it is asked again within a run.
    """

    space: str | Callable[[Any], str | None] | None = None
    spaces: SpacesRead | Callable[[Any], SpacesRead] = ()
    filter: RunFilter = None
    metadata: RunMetadata = None

    def checked(self) -> RunLimits:
        """The same; a filter or metadata that makes no sense is refused, where it is known."""
        RunLimits(
            filter=None if callable(self.filter) else self.filter,
            metadata=None if callable(self.metadata) else self.metadata,
        ).narrowing(None)
        return self

    def narrowing(self, context: object) -> tuple[Filter | None, str | None]:
        """The filter of what a run recalls, and the metadata of what it writes, as JSON."""
        condition = self.filter(context) if callable(self.filter) else self.filter
        said = self.metadata(context) if callable(self.metadata) else self.metadata
        return filter_of(condition), checked_metadata(said or {}, "metadata=", _MOST_METADATA)

    def of(self, context: object) -> tuple[str | None, SpacesRead]:
        """The space that a run writes, and the spaces that it reads."""
        space = self.space(context) if callable(self.space) else self.space
        spaces = spaces_read(self.spaces(context) if callable(self.spaces) else self.spaces, space)
        return space, spaces if isinstance(spaces, str) else tuple(spaces)


class Scope(NamedTuple):
    """The user and the session that a run reads and writes, and the user's time zone if named.

    With a ``space``, the session is one of that space's memory. Recall asks ``spaces`` besides, and
    for what meets ``filter``; what is written has ``metadata``, as JSON, besides its own.
    """

    user_id: str
    session_id: str
    timezone: str | None = None
    space: str | None = None
    spaces: SpacesRead = ()
    filter: Filter | None = None
    metadata: str | None = None

    @property
    def said(self) -> dict[str, Any]:
        """The metadata of what is written."""
        return dict(json.loads(self.metadata or "{}"))

    @property
    def place(self) -> dict[str, Any]:
        """Where its turns are, as arguments of ``LightMem``."""
        return {"user_id": self.user_id, "session_id": self.session_id, "space": self.space}

    def resumed_for(self, user_id: str) -> Scope:
        """The same of who asked, where another user resumed the run."""
        return self._replace(user_id=user_id, timezone=None)

    def now(self, settings: Settings) -> dt.datetime:
        """This moment on the user's calendar; where no zone is named, that of the settings."""
        return moment_in(self.timezone or settings.timezone)


def scope_of(
    config: RunnableConfig,
    *,
    user_id: object,
    session_id: str | None,
    runtime: object = None,
    within: RunLimits | None = None,
) -> Scope:
    """The scope of a call: its user as in `user_of_call`, and its session.

    The session is the thread of this run, if it has one; else the ``session_id`` of its
    configuration; else ``session_id``, given when the component was made; else ``default``. A time
    zone is the ``timezone`` of the run's context or configuration.

    Raises:
        ScopeError: No user is named, or no valid one.
        InvalidRequestError: There is no such time zone.
    """
    runtime = _current_runtime() if runtime is None else runtime
    user = user_of_call(config, user_id=user_id, runtime=runtime)
    configurable = config.get("configurable", {})
    zone = _member(getattr(runtime, "context", None), "timezone")
    zone = check_timezone(configurable.get("timezone") if zone is None else zone)
    if named_user(config, user_id=user_id, runtime=runtime) != user:
        zone = None  # that of who resumed the run
    thread = configurable.get("thread_id")
    if thread is None:
        thread = _member(getattr(runtime, "execution_info", None), "thread_id")
    if thread is None:
        thread = configurable.get("session_id")
    if thread is not None:
        session_id = str(thread)  # LangGraph takes integers and UUIDs as well
    context = getattr(runtime, "context", None)
    within, context = within or RunLimits(), configurable if context is None else context
    session = DEFAULT_SESSION if session_id is None else session_id
    return Scope(user, session, zone, *within.of(context), *within.narrowing(context))


def user_of_call(config: RunnableConfig, *, user_id: object, runtime: object = None) -> str:
    """The one user that a call is about: as in `named_user`, or who asked.

    Within an agent that has ``LightMemMiddleware``, that is who asked what it answers, and not who
    resumed it, such as an approver: neither must see the other one's memory.

    Raises:
        ScopeError: None of them names a user, or the one that does names no valid one.
    """
    named = named_user(config, user_id=user_id, runtime=runtime)
    asker = asker_in_graph(config) if user_id is None else None
    if asker is not None:
        return asker["user_id"]
    return named if user_id is not None else beginner_of_run(config, named)


def named_user(config: RunnableConfig, *, user_id: object, runtime: object = None) -> str:
    """The one user that a call names.

    Asked in this order; the first that names anybody decides, and is not passed over for the
    next one if it is blank or no string:

    1. ``user_id``, given when the component was made,
    2. ``runtime.context``: its ``user_id``, as an attribute or a key,
    3. ``config["configurable"]["user_id"]``,
    4. the user whom LangGraph's server has authenticated.

    A request writes the context and the configuration, so where a server has authenticated a user,
    these may name nobody else.

    Args:
        config: The configuration of the call.
        user_id: The user that the component is bound to, or ``None``.
        runtime: LangGraph's runtime. ``None``: the one of the run that this is called from.

    Raises:
        ScopeError: None of them names a user, or the one that does names no valid one; or another
            one than the server authenticated.
    """
    runtime = _current_runtime() if runtime is None else runtime
    asks = _member(_member(getattr(runtime, "server_info", None), "user"), "identity")
    requested = (
        _member(getattr(runtime, "context", None), "user_id"),
        config.get("configurable", {}).get("user_id"),
    )
    for named in requested if user_id is None else ():
        if named is not None and asks is not None and named != asks:
            raise ScopeError(
                f"The run names the user {short_repr(named)}, and the server has authenticated "
                f"{short_repr(asks)}, so nobody's memory was touched. Leave user_id out of the "
                "request, or pass user_id= when making the component."
            )
    for named in (user_id, *requested, asks):
        if named is not None:
            return check_user_id(named)
    raise ScopeError(
        "No user is named, so nobody's memory was touched. Pass user_id= when making the "
        "component, or context with a user_id, or config={'configurable': {'user_id': ...}}."
    )


def history_of(config: RunnableConfig, agent_id: str | None) -> str:
    """Name of the history of messages that a call works on: of this agent, in this graph.

    Agents of one thread may each hold a part of its messages only.
    """
    nodes = str(config.get("configurable", {}).get("checkpoint_ns") or "").split("|")[:-1]
    agent = config.get("metadata", {}).get("lc_agent_name")
    path = "|".join(node.split(":")[0] for node in nodes)
    return ":".join(["langchain", agent_id or "", str(agent or ""), path])


def is_from_model(config: RunnableConfig) -> bool:
    """True for a call from within a tool: what it is asked are a model's words, no person's.

    LangGraph names the nodes from the outermost graph down to the one that runs, each with the id
    of its task.
    """
    nodes = str(config.get("configurable", {}).get("checkpoint_ns") or "").split("|")
    return any(node.split(":")[0].lower() in _TOOL_NODES for node in nodes)


def _current_runtime() -> object | None:
    """The runtime of the LangGraph run that this code is called from, if there is one."""
    langgraph_runtime = sys.modules.get("langgraph.runtime")
    if langgraph_runtime is None:  # nothing of a graph can be running
        return None
    try:
        runtime: object = langgraph_runtime.get_runtime()
    except (RuntimeError, KeyError):  # not called from within a graph
        return None
    return runtime


def _member(owner: object, name: str) -> Any:
    if isinstance(owner, Mapping):
        return owner.get(name)
    return getattr(owner, name, None)
