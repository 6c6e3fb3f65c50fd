"""The command for a conversation with one's own memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from lightmem_integrations.cli.options import ModelOption, StoreArgument, UserOption, near
from lightmem_integrations.cli.output import JsonOption, print_json
from lightmem_integrations.display import counted, printable
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
    *,
    as_json: JsonOption = False,
) -> None:
    """Talk, and have it remembered. An empty line ends the conversation.

    The store is made if there is none. JSON is printed at the end, the conversation itself beside
    it, on the standard error stream.
    """
    from lightmem_integrations import LightMem

    session = session or f"chat {dt.datetime.now(dt.timezone.utc):%Y-%m-%d %H:%M:%S}"
    console = Console(stderr=as_json)
    # Before the store: a wrong name of a model makes none.
    agent_of = None if model is None else _agent_of(model)
    exchanges = []
    with LightMem(store) as memory:
        # Before the first question: a user id that names nobody fails here, not in mid-talk.
        known, users = memory.stats(user_id=user).turns, memory.users()
        doubt = "." if user in users else near(user, users)
        console.print(
            f"Remembered of user {printable(user)}: {counted(known, 'turn')}{printable(doubt)} "
            "An empty line ends the conversation.",
            markup=False,
            style="dim",
        )
        answer = (
            partial(_quote, memory, user, session)
            if agent_of is None
            else partial(_ask, agent_of(memory), user, session)
        )
        while said := _next_line(console):
            exchanges.append({"said": said, "answer": answer(said)})
            console.print(Text(printable(exchanges[-1]["answer"])))
    if as_json:
        print_json({"user_id": user, "session_id": session, "exchanges": exchanges})


def _next_line(console: Console) -> str:
    try:
        return console.input("[bold]> [/bold]").strip()
    except (EOFError, KeyboardInterrupt):
        console.print()
        return ""


def _agent_of(model: str) -> Callable[[LightMem], Any]:
    """Factory of the agent that answers from a memory with the model of that name.

    Raises:
        MissingExtraError: LangChain's agents are not installed.
        ModelUnavailableError: There is no such model.
    """
    try:
        from langchain.agents import create_agent
        from langgraph.checkpoint.memory import InMemorySaver

        from lightmem_integrations.cli.chat_model import chat_model
        from lightmem_integrations.langchain import LightMemMiddleware
    except ModuleNotFoundError as error:
        raise MissingExtraError("A chat model", "agents", "langchain") from error
    chosen = chat_model(model)

    def agent(memory: LightMem) -> Any:
        # Strict and patient: who tries a memory out wants to see its faults, not to be spared them.
        remembering = LightMemMiddleware(memory, recall_seconds=30, strict=True)
        return create_agent(chosen, middleware=[remembering], checkpointer=InMemorySaver())

    return agent


def _ask(agent: Any, user: str, session: str, said: str) -> str:
    state = agent.invoke(
        {"messages": [("user", said)]},
        {"configurable": {"user_id": user, "thread_id": session}},
    )
    return str(state["messages"][-1].text)


def _quote(memory: LightMem, user: str, session: str, said: str) -> str:
    from lightmem_integrations import Turn
    from lightmem_integrations.records.storable import storable
    from lightmem_integrations.testing import quoted_answer

    reply = _NOTED
    if said.endswith("?"):
        found = memory.recall(said, user_id=user)
        reply = quoted_answer([Turn(role="user", text=f"{found.text}\n\n{said}")])
    # The reply holds nothing that is not remembered already, so it need not be found again.
    memory.add(
        [
            storable(Turn(role="user", text=said), memory.settings),
            Turn(role="assistant", text=reply, searchable=False),
        ],
        user_id=user,
        session_id=session,
    )
    return reply
