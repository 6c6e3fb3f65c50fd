"""The command for a conversation with one's own memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from lightmem_integrations.cli.options import ModelOption, StoreArgument, UserOption
from lightmem_integrations.display import printable
from lightmem_integrations.errors import MissingExtraError

if TYPE_CHECKING:
    from lightmem_integrations import LightMem

_NOTED = "Noted."


def run(
    store: StoreArgument,
    user: UserOption,
    session: Annotated[
        str | None,
        typer.Option("--session", "-s", help="Name of this session.", show_default="the time"),
    ] = None,
    model: ModelOption = None,
) -> None:
    """Talk, and have it remembered. An empty line ends the conversation.

    The store is made if there is none.
    """
    from lightmem_integrations import LightMem

    session = session or f"chat {dt.datetime.now(dt.timezone.utc):%Y-%m-%d %H:%M:%S}"
    console = Console()
    with LightMem(store) as memory:
        # Before the first question: a user id that names nobody fails here, not in mid-talk.
        known = memory.stats(user_id=user).turns
        console.print(
            f"{known} turns of user {printable(user)} are remembered. "
            "An empty line ends the conversation.",
            markup=False,
            style="dim",
        )
        answer = _answerer(memory, user, session, model)
        while said := _next_line(console):
            console.print(Text(printable(answer(said))))


def _next_line(console: Console) -> str:
    try:
        return console.input("[bold]> [/bold]").strip()
    except (EOFError, KeyboardInterrupt):
        console.print()
        return ""


def _answerer(memory: LightMem, user: str, session: str, model: str | None) -> Callable[[str], str]:
    if model is None:
        return lambda said: _quote(memory, user, session, said)
    try:
        from langchain.agents import create_agent
        from langgraph.checkpoint.memory import InMemorySaver

        from lightmem_integrations.cli.chat_model import chat_model
        from lightmem_integrations.langchain import LightMemMiddleware
    except ModuleNotFoundError as error:
        raise MissingExtraError("A chat model", "agents", "langchain") from error
    agent: Any = create_agent(
        chat_model(model),
        # Strict and patient: who tries a memory out wants to see its faults, not to be spared them.
        middleware=[LightMemMiddleware(memory, recall_seconds=30, strict=True)],
        checkpointer=InMemorySaver(),
    )

    def answer(said: str) -> str:
        state = agent.invoke(
            {"messages": [("user", said)]},
            {"configurable": {"user_id": user, "thread_id": session}},
        )
        return str(state["messages"][-1].text)

    return answer


def _quote(memory: LightMem, user: str, session: str, said: str) -> str:
    from lightmem_integrations import Turn
    from lightmem_integrations.testing import quoted_answer

    reply = _NOTED
    if said.endswith("?"):
        found = memory.recall(said, user_id=user)
        reply = quoted_answer([Turn(role="user", text=f"{found.text}\n\n{said}")])
    # The reply holds nothing that is not remembered already, so it need not be found again.
    memory.add(
        [Turn(role="user", text=said), Turn(role="assistant", text=reply, searchable=False)],
        user_id=user,
        session_id=session,
    )
    return reply
