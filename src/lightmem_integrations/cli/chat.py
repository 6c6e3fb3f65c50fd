"""The command for a conversation with one's own memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from lightmem_integrations.cli.options import ModelOption, StoreArgument, UserOption
from lightmem_integrations.display import printable

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
    from langgraph.checkpoint.memory import InMemorySaver

    from lightmem_integrations.demo.agents import chat_model, langchain_agent

    agent = langchain_agent(memory, chat_model(model), checkpointer=InMemorySaver())
    return lambda said: agent(user, session, said)


def _quote(memory: LightMem, user: str, session: str, said: str) -> str:
    from lightmem_integrations import Turn
    from lightmem_integrations.demo.agents import quoting_agent

    reply = quoting_agent(memory)(user, session, said) if said.endswith("?") else _NOTED
    # The reply holds nothing that is not remembered already, so it need not be found again.
    memory.add(
        [Turn(role="user", text=said), Turn(role="assistant", text=reply, searchable=False)],
        user_id=user,
        session_id=session,
    )
    return reply
