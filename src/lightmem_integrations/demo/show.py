"""What the demo prints. Fits into 80 columns and needs no colours."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lightmem_integrations.demo.load import Person
from lightmem_integrations.demo.run import Answer, Asked, Outcome, Told, evidence_rank, shown_turns
from lightmem_integrations.records import Recall
from lightmem_integrations.rendering import clipped, literal, speaker_of

_WIDEST = 99
_INDENT = 2


def console_for(console: Console) -> Console:
    """The same console, never wider than lines are readable."""
    console.width = min(console.width, _WIDEST)
    return console


def show_start(
    console: Console, everybody: Sequence[Person], told: Told, frameworks: Collection[str]
) -> None:
    """Who talked, what was stored in what time, and who is going to answer."""
    names = " and ".join(person.name for person in everybody)
    console.print(
        Text.assemble(
            (f"{names} talked to an assistant: ", "bold"),
            f"{told.turns} turns in {told.sessions} sessions.\n"
            f"Stored in {told.seconds:.2f} s, one add() for each exchange; "
            f"all embedded and indexed {told.indexing_seconds:.1f} s later.",
        )
    )
    console.print(
        f"Now they ask, every question in a new session. {' and '.join(frameworks)} "
        f"{'answers' if len(frameworks) == 1 else 'answer'}; an agent sees of the past only what "
        "it recalls."
    )


def show_models(console: Console, frameworks: Collection[str], model: str | None) -> None:
    """Which model answers, and what is missing."""
    quotes = "the built-in stand-in: no language model, it only quotes the remembered sentence that shares most words with the question. What is recalled is the point here."
    if model is None:
        console.print(f"Answers come from {quotes}", style="dim")
    elif len(frameworks) > 1:
        console.print(
            f"LangChain's agent answers with {literal(model)}; LlamaIndex's with {quotes}",
            style="dim",
            markup=False,
        )
    else:
        console.print(f"Answers come from {literal(model)}.", style="dim", markup=False)
    if "recall" in frameworks:
        console.print(
            "Neither LangChain nor LlamaIndex is installed, so recall is quoted from directly. "
            "For the agents: pip install 'lightmem-integrations[agents,llama-index]'",
            style="yellow",
            markup=False,
        )


def show_asked(console: Console, asked: Asked) -> None:
    """A question with its answers, and what was recalled for it."""
    _rule(console, f"{asked.asker.name} asks")
    console.print(Text(asked.question.text, style="bold"))
    console.print(_answers(asked.answers))
    console.print(
        Text.assemble(("right answer  ", "dim"), literal(asked.question.answer)), soft_wrap=False
    )
    first = asked.answers[0].recall
    console.print(Padding(_hits(first, asked.question.evidence), (0, 0, 0, _INDENT)))
    console.print(_verdict(asked))


def show_crossed(console: Console, crossed: Sequence[Asked]) -> None:
    """Questions about somebody else, and that nothing of theirs came back."""
    _rule(console, "Isolation: asking about somebody else")
    for asked in crossed:
        console.print(
            Text.assemble(
                (f"{asked.asker.name} asks: ", "dim"), (literal(asked.question.text), "bold")
            )
        )
        console.print(_answers(asked.answers))
        for answer in asked.answers:
            seen = {turn for hit in answer.recall.hits for turn in shown_turns(hit)}
            own = len(seen) - answer.foreign
            console.print(
                Text(
                    f"{answer.framework} was given {own} turns of {asked.asker.name}'s and "
                    f"{answer.foreign} of {asked.about.name}'s.",
                    style="red" if answer.foreign else "green",
                )
            )
        console.print()


def show_summary(console: Console, outcome: Outcome) -> None:
    """One line for each framework, and whether anybody saw what was not theirs."""
    _rule(console, "Summary")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for heading in ("questions", "evidence recalled", "recall p50", "answer p50", "foreign turns"):
        table.add_column(heading, justify="right")
    for framework, answers in _by_framework(outcome).items():
        own = [
            (asked, answer)
            for asked in outcome.asked
            for answer in asked.answers
            if answer.framework == framework
        ]
        found = sum(
            evidence_rank(asked.question, answer.recall) is not None for asked, answer in own
        )
        recalls = [answer.recall.milliseconds["total"] for answer in answers]
        table.add_row(
            framework,
            str(len(own)),
            f"{found} of {len(own)}",
            f"{statistics.median(recalls):.0f} ms",
            f"{statistics.median(answer.milliseconds for answer in answers):.0f} ms",
            str(sum(answer.foreign for answer in answers)),
        )
    console.print(table)
    if outcome.foreign:
        console.print(
            f"Isolation is broken: {outcome.foreign} turns of another person were recalled.",
            style="bold red",
        )


def _rule(console: Console, title: str) -> None:
    console.print()
    console.rule(Text(title), align="left", style="dim")


def _answers(answers: Sequence[Answer]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for answer in answers:
        table.add_row(answer.framework, Text(literal(answer.text)))
    return table


def _hits(recall: Recall, evidence: Collection[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column("", no_wrap=True, style="green")
    table.add_column("tier", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("who", no_wrap=True)
    table.add_column("recalled", no_wrap=True, overflow="ellipsis", ratio=1)
    for hit in recall.hits:
        direct = {turn.id for turn in hit.turns} & set(evidence)
        table.add_row(
            "=>" if direct else "",
            hit.tier,
            f"{hit.score:.1f}",
            f"{hit.when:%Y-%m-%d}",
            Text(speaker_of(hit)),
            Text(clipped(hit.text)),
        )
    return table


def _verdict(asked: Asked) -> Text:
    shown = Text()
    for answer in asked.answers:
        rank = evidence_rank(asked.question, answer.recall)
        found = "evidence not recalled" if rank is None else f"evidence at rank {rank}"
        shown.append(
            f"{answer.framework}: {found}; recall {answer.recall.milliseconds['total']:.0f} ms, "
            f"answer {answer.milliseconds:.0f} ms",
            style="yellow" if rank is None else "green",
        )
        for reason in answer.recall.degraded:
            shown.append(f"; degraded: {literal(reason)}", style="yellow")
        shown.append("\n")
    shown.rstrip()
    return shown


def _by_framework(outcome: Outcome) -> Mapping[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for answer in outcome.answers:
        found.setdefault(answer.framework, []).append(answer)
    return found
