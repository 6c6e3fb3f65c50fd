"""How much of an agent's prompts stays the same from one turn to the next, for a provider's cache.

One conversation of many turns with a memory of ten thousand, in which the user asks for something
once and for all every so often. A provider's prompt cache keeps what a prompt begins with: counted
is the share of each prompt's tokens that stand, byte by byte, at the beginning of the prompt before
it too. The same agent is asked with the profile behind its system prompt and what is recalled
before the question, and with all of memory in the system message.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from langchain.agents import create_agent
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from rich.console import Console
from rich.table import Table

from latency import fill
from lightmem_integrations import LightMem, Settings
from lightmem_integrations.langchain import LightMemMiddleware
from synthetic import BulkEmbedder, questions

_USER = "heavy-user"
_SYSTEM = "You are a helpful assistant. You answer briefly, and say so where you do not know."
# 120 tokens: answers of assistants are ten times as long as questions.
_ANSWER = 6 * "That was in the second week of June, after the long walk along the river with Nora. "
_WISHES = (
    "Please always answer in French.",
    "Never suggest dishes with peanuts.",
    "I prefer trains to planes.",
    "Always give distances in kilometres.",
    "I don't eat meat.",
)
_PLACES: dict[str, dict[str, Any]] = {
    "profile, and recalled before the question": {"profile": True},
    "recalled before the question": {},
    "profile and recalled in the system message": {"profile": True, "inject": "system"},
    "recalled in the system message": {"inject": "system"},
}


class Asked(FakeListChatModel):
    """A chat model that keeps what it is sent."""

    prompts: list[str] = []  # noqa: RUF012 - pydantic copies it

    def _call(self, messages: list[BaseMessage], *args: Any, **options: Any) -> str:
        said = [f"{each.type}: {each.text}" for each in messages]
        self.prompts.append("\n\n".join(said))
        return super()._call(messages, *args, **options)


def said(turns: int, every: int) -> list[str]:
    """What the user says: questions, and a wish every so often."""
    asked = questions(1, turns)
    for place in range(every - 1, turns, every):
        asked[place] = _WISHES[place // every % len(_WISHES)]
    return asked


def shares(memory: LightMem, asked: list[str], **options: Any) -> tuple[list[float], list[int]]:
    """Of each prompt but the first: the share of its tokens that is cached, and its tokens."""
    model = Asked(responses=[_ANSWER])
    middleware = LightMemMiddleware(memory, recall_seconds=30, **options)
    agent = create_agent(
        model, system_prompt=_SYSTEM, middleware=[middleware], checkpointer=InMemorySaver()
    )
    config: Any = {"configurable": {"user_id": _USER, "thread_id": str(options)}}
    for text in asked:
        agent.invoke({"messages": [("user", text)]}, config)
    memory.forget(user_id=_USER, session_id=str(options), purge=False)
    cached, sizes = [], []
    for before, prompt in zip(model.prompts, model.prompts[1:], strict=False):
        same = (one == other for one, other in zip(before, prompt, strict=False))
        kept = prompt[: [*same, False].index(False)]
        sizes.append(memory.count_tokens(prompt))
        cached.append(memory.count_tokens(kept) / sizes[-1])
    return cached, sizes


def main(
    *,
    turns: Annotated[int, typer.Option(help="Turns of the conversation.")] = 50,
    every: Annotated[int, typer.Option(help="Turns from one wish to the next.")] = 10,
    held: Annotated[int, typer.Option(help="Turns in the user's memory before.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how much of an agent's prompts a cache keeps."""
    model = BulkEmbedder(fast=True)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory"
        with LightMem(path, embedder=model, settings=Settings(background_indexing=False)) as memory:
            fill(memory, _USER, 0, held)
        model.fast = False
        with LightMem(path, embedder=model) as memory:
            for place, options in _PLACES.items():
                cached, sizes = shares(memory, said(turns, every), **options)
                new = [size * (1 - share) for share, size in zip(cached, sizes, strict=True)]
                total = sum(sizes)
                rows[place] = {
                    "cached": 1 - sum(new) / total,
                    "worst": min(cached),
                    "tokens": total / len(sizes),
                    "new": float(np.mean(new)),
                }
    if as_json:
        print(json.dumps({"turns": turns, "every": every, "held": held, "rows": rows}))
        return
    table = Table(title=f"{turns} turns of one conversation, a wish every {every}")
    for heading in ("", "cached", "worst turn", "tokens", "not cached"):
        table.add_column(heading, justify="right" if heading else "left")
    for place, row in rows.items():
        table.add_row(
            place, f"{row['cached']:.0%}", f"{row['worst']:.0%}",
            f"{row['tokens']:,.0f}", f"{row['new']:,.0f}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
