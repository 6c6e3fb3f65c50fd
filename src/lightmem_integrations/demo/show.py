"""Output of the demo. Fits into 80 columns and needs no colours."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lightmem_integrations.demo.agents import LLAMA_INDEX, PLAIN
from lightmem_integrations.demo.load import Person
from lightmem_integrations.demo.run import (
    Answer,
    Asked,
    Learned,
    Outcome,
    Told,
    has_evidence,
    shown_turns,
)
from lightmem_integrations.display import clipped, literal
from lightmem_integrations.records.conversation import Recall, Turn
from lightmem_integrations.records.report import ConsolidationReport

_WIDEST = 99
_WIDEST_NAME = 12
_OTHER_COLUMNS = 41  # what the columns before the last take, at their widest
_ARROW = "=>"
_STAND_IN = (
    "a stand-in that is no language model: it quotes, of what was recalled, the turn that "
    "shares most words with the question. What is recalled is the point here."
)


def console_for(console: Console) -> Console:
    """The same console, never wider than lines are readable."""
    console.width = min(console.width, _WIDEST)
    return console


def show_start(
    console: Console, everybody: Sequence[Person], told: Told, frameworks: Collection[str]
) -> None:
    """Print the people, the time taken to store their turns, and the agents that will answer."""
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
    """Print the model that answers, and packages that are missing."""
    if model is None:
        console.print(f"Answers come from {_STAND_IN}", style="dim")
    else:
        name = literal(Path(model).name if model.lower().endswith(".gguf") else model)
        others = f" LlamaIndex's come from {_STAND_IN}" if LLAMA_INDEX in frameworks else ""
        console.print(Text(f"LangChain's answers come from {name}.{others}", style="dim"))
    if PLAIN in frameworks:
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
    console.print(_answers(asked.answers, asked.question.answer))
    console.print()
    console.print(_hits(asked.answers[0].recall, asked.question.evidence, console.width))
    console.print(_verdict(asked))


def show_crossed(console: Console, crossed: Sequence[Asked]) -> None:
    """Questions about somebody else, and that nothing of theirs came back."""
    _rule(console, "Isolation: asking about somebody else")
    console.print(
        "Whatever is asked, only the asker's own memory is searched.",
        style="dim",
    )
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


def show_knowledge(
    console: Console, report: ConsolidationReport, by_person: Sequence[tuple[Person, Learned]]
) -> None:
    """Print the consolidation report, and the latest facts with evidence."""
    _rule(console, "From turns to knowledge: consolidate()")
    console.print(
        f"{report.written} episodes and {report.facts} facts, without a model, in "
        f"{report.seconds:.1f} s, outside of any question. The latest ones:",
    )
    for person, known in by_person:
        console.print(Text(f"{person.name}, {known.count} facts", style="bold"))
        for fact in known.latest:
            console.print(
                Text(clipped(f"- {fact.valid_from:%Y-%m-%d}: {fact.statement}", console.width))
            )
        if known.evidence is not None:
            said = f'the last because of: "{known.evidence.turn.text}"'
            console.print(Text(clipped(said, console.width), style="dim"))


def show_summary(console: Console, outcome: Outcome) -> None:
    """One line for each framework, and whether anybody saw what was not theirs."""
    _rule(console, "Summary")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for heading in ("questions", "recalled", "recall p50", "run p50", "foreign turns"):
        table.add_column(heading, justify="right")
    for framework, answers in _by_framework(outcome).items():
        own = [
            (asked, answer)
            for asked in outcome.asked
            for answer in asked.answers
            if answer.framework == framework
        ]
        found = sum(has_evidence(asked.question, answer.recall) for asked, answer in own)
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
    console.print(
        "recalled: questions for which every turn that holds the answer was recalled. recall: time "
        "inside the memory. run: time of the agent's whole run. foreign turns: what an agent was "
        "shown of the other person.",
        style="dim",
    )
    if outcome.foreign:
        console.print(
            f"Isolation is broken: {outcome.foreign} turns of another person were recalled.",
            style="bold red",
        )


def _rule(console: Console, title: str) -> None:
    console.print()
    console.rule(Text(title), align="left", style="dim")


def _answers(answers: Sequence[Answer], correct: str | None = None) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    if len(answers) > 1 and len({answer.text for answer in answers}) == 1:
        table.add_row("both agents", Text(literal(answers[0].text)))
    else:
        for answer in answers:
            table.add_row(answer.framework, Text(literal(answer.text)))
    if correct is not None:
        table.add_row("correct", Text(literal(correct), style="dim"))
    return table


def _hits(recall: Recall, evidence: Collection[str], width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    for heading in ("", "tier", "score", "when", "who", "recalled"):
        table.add_column(
            heading,
            justify="right" if heading == "score" else "left",
            header_style="dim",
            no_wrap=True,
            min_width=len(_ARROW),
        )
    room = width - _OTHER_COLUMNS
    hits = {turn.id for hit in recall.hits for turn in hit.turns}
    for hit in recall.hits:
        rows: list[tuple[str, str, Turn]] = [
            (hit.tier, f"{hit.score:.1f}", turn) for turn in hit.turns[:1]
        ]
        # What was packed around a hit is shown only if it is what was looked for.
        sought = set(evidence) - hits
        rows += [("", "beside", turn) for turn in hit.neighbours if turn.id in sought]
        for tier, score, turn in rows:
            found = turn.id in evidence
            cells = (
                _ARROW if found else "",
                tier,
                score,
                f"{turn.time:%Y-%m-%d}",
                clipped(turn.speaker or turn.role, _WIDEST_NAME),
                clipped(turn.text, room),
            )
            table.add_row(*map(Text, cells), style="green" if found else None)
    return table


def _verdict(asked: Asked) -> Text:
    lines = []
    for answer in asked.answers:
        found = has_evidence(asked.question, answer.recall)
        words = (
            f"{answer.framework}: {'answer' if found else 'answer not'} among what was recalled "
            f"in {answer.recall.milliseconds['total']:.0f} ms; "
            f"whole run {answer.milliseconds:.0f} ms"
        )
        degraded = "".join(f"; degraded: {literal(each)}" for each in answer.recall.degraded)
        lines.append(Text(words + degraded, style="green" if found else "yellow"))
    return Text("\n").join(lines)


def _by_framework(outcome: Outcome) -> Mapping[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for answer in outcome.answers:
        found.setdefault(answer.framework, []).append(answer)
    return found
