"""The command that shows the library at work."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lightmem_integrations.cli.options import ModelOption


class Framework(str, Enum):
    """The framework, or both, whose agents answer."""

    both = "both"
    langchain = "langchain"
    llama_index = "llama-index"


def run(
    store: Annotated[
        Path | None,
        typer.Option(help="Folder to keep the store in.", show_default="a temporary one"),
    ] = None,
    model: ModelOption = None,
    framework: Annotated[Framework, typer.Option(help="Whose agents answer.")] = Framework.both,
    questions: Annotated[int, typer.Option(min=1, help="Questions for each person.")] = 3,
) -> None:
    """Tell a memory two people's conversations, then let agents answer from it.

    The exit code is 1 if anybody was shown a word of somebody else's.
    """
    from lightmem_integrations.demo import show
    from lightmem_integrations.demo.agents import chat_model
    from lightmem_integrations.demo.load import people
    from lightmem_integrations.demo.observed import ObservedMemory
    from lightmem_integrations.demo.run import agents, ask_all, learned, tell

    if model is not None and framework is Framework.llama_index:
        raise typer.BadParameter("a chat model answers for LangChain only", param_hint="--model")
    console = show.console_for(Console())
    everybody = people()
    chosen = None if model is None else chat_model(model)
    with ObservedMemory(store) as memory:
        with Console(stderr=True).status("Telling and indexing the conversations"):
            by_framework = agents(memory, framework.value, chosen)
            told = tell(memory, everybody)
        show.show_start(console, everybody, told, by_framework)
        show.show_models(console, by_framework, model)
        outcome = ask_all(
            memory,
            by_framework,
            everybody,
            questions=questions,
            on_asked=lambda asked: show.show_asked(console, asked),
        )
        report = memory.consolidate(final=True)
        show.show_crossed(console, outcome.crossed)
        show.show_knowledge(console, report, [(each, learned(memory, each)) for each in everybody])
    show.show_summary(console, outcome)
    if store is not None:
        console.print(f"The store stays in {store}.", markup=False)
    if outcome.foreign:
        raise typer.Exit(1)
