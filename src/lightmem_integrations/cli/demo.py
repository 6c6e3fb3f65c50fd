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
    from lightmem_integrations.demo.agents import agents, chat_model
    from lightmem_integrations.demo.load import people
    from lightmem_integrations.demo.observed import ObservedMemory
    from lightmem_integrations.demo.run import ask, tell, warm_up

    if model is not None and framework is Framework.llama_index:
        raise typer.BadParameter("a chat model answers for LangChain only", param_hint="--model")
    console = show.console_for(Console())
    everybody = people()
    chat = None if model is None else chat_model(model)
    with ObservedMemory(store) as memory:
        with Console(stderr=True).status("Telling and indexing the conversations"):
            chosen = agents(memory, framework.value, chat)
            seconds = tell(memory, everybody)
        show.show_start(console, everybody, seconds, chosen)
        show.show_models(console, chosen, model)
        warm_up(chosen, everybody[0])
        own, crossed = [], []
        for person in everybody:
            others = [other for other in everybody if other is not person]
            for question in person.questions[:questions]:
                own.append(ask(memory, chosen, question, asker=person, others=others))
                show.show_answers(console, own[-1])
            for other in others:
                answers = ask(memory, chosen, other.questions[0], asker=person, others=others)
                crossed.append((other, answers))
        show.show_isolation(console, crossed)
        show.show_consolidation(console, memory.consolidate(final=True))
        for person in everybody:
            show.show_facts(console, memory, person)
    about_themselves = [answer for answers in own for answer in answers]
    about_others = [answer for _, answers in crossed for answer in answers]
    foreign = sum(answer.foreign for answer in (*about_themselves, *about_others))
    show.show_summary(console, about_themselves, foreign)
    if store is not None:
        console.print(f"The store stays in {store}.", markup=False)
    if foreign:
        raise typer.Exit(1)
