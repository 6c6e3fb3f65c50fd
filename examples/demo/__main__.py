"""Two people's conversations told to one memory, and agents that answer from it.

pip install 'lightmem-integrations[agents,llama-index]'
python examples/demo
"""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import show
from agents import agents
from ask import ask, tell, warm_up
from lightmem_integrations.cli.options import ModelOption
from lightmem_integrations.errors import LightMemError
from lightmem_integrations.evaluation.conversations import read
from notes import NotesWriter
from observed import ObservedMemory

CONVERSATION = Path(__file__).with_name("conversation.json")

app = typer.Typer()


class Framework(str, Enum):
    """The framework, or both, whose agents answer."""

    both = "both"
    langchain = "langchain"
    llama_index = "llama-index"


@app.command()
def main(
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
    if model is not None and framework is Framework.llama_index:
        raise typer.BadParameter("a chat model answers for LangChain only", param_hint="--model")
    console = show.console_for(Console())
    people = read(CONVERSATION)
    with ObservedMemory(store, writer=writer_of(model)) as memory:
        show.show_step("Loading the framework's agents")
        chosen = agents(memory, framework.value, model)
        show.show_step("Telling the conversations, and indexing them")
        seconds = tell(memory, people)
        show.show_start(console, people, seconds, chosen)
        show.show_models(console, chosen, model)
        show.show_step("First runs of the agents, which load what later ones find ready")
        warm_up(chosen, people[0])
        own, crossed = [], []
        for person in people:
            others = [other for other in people if other is not person]
            for question in person.questions[:questions]:
                answers = ask(memory, chosen, question, asker=person, others=others)
                own += answers
                show.show_answers(console, answers)
            for other in others:
                answers = ask(memory, chosen, other.questions[0], asker=person, others=others)
                crossed.append((other, answers))
        show.show_isolation(console, crossed)
        show.show_consolidation(console, memory.consolidate(final=True), model)
        for person in people:
            show.show_facts(console, memory, person)
    foreign = sum(each.foreign for each in own)
    foreign += sum(each.foreign for _, answers in crossed for each in answers)
    show.show_summary(console, own, foreign)
    if store is not None:
        console.print(f"The store stays in {store}.", markup=False)
    if foreign:
        raise typer.Exit(1)


def writer_of(model: str | None) -> object:
    """What ``LightMem`` takes as its writer: the model, or notes in its place."""
    if model is None:
        return NotesWriter()
    if model.lower().endswith(".gguf"):
        return model
    from lightmem_integrations.cli.chat_model import chat_model

    return chat_model(model)


if __name__ == "__main__":
    # The conversations hold signs that not every terminal can show: those become a "?".
    sys.stdout.reconfigure(errors="replace")
    try:
        app(prog_name="python examples/demo")
    except LightMemError as error:
        sys.exit(f"Error: {error}")
