"""Output of the demo. Fits into 80 columns and needs no colours."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from agents import LLAMA_INDEX
from ask import Answer
from lightmem_integrations import LightMem
from lightmem_integrations.display import Grid, clipped, counted, literal
from lightmem_integrations.evaluation.conversations import Conversation
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.knowledge import Facts
from lightmem_integrations.records.report import ConsolidationReport

# The numbers of this module are guesses that look well in 80 columns.
_WIDEST = 99
_OTHER_COLUMNS = 44  # what the columns before a recalled text take, at their widest
_SHOWN_FACTS = 3
_STAND_IN = (
    "a stand-in that is no language model: it quotes, of what was recalled, the turn that "
    "shares most words with the question, and every name in it. What is recalled is the point here."
)


def console_for(console: Console) -> Console:
    """The same console, never wider than lines are readable."""
    console.width = min(console.width, _WIDEST)
    return console


def show_step(what: str) -> None:
    """Print what takes a while now, beside the output."""
    Console(stderr=True).print(f"{what} ...", style="dim", highlight=False)


def name_of(person: Conversation) -> str:
    """The first name of the person whose conversation it is."""
    return person.turns[0].speaker or person.user_id


def show_start(
    console: Console,
    people: Sequence[Conversation],
    seconds: tuple[float, float],
    agents: Collection[str],
) -> None:
    """Print the people, the time taken to store their turns, and the agents that will answer."""
    sessions = [session for person in people for session in person.sessions]
    console.print(
        f"{' and '.join(map(name_of, people))} talked to an assistant: "
        f"{counted(sum(len(session.turns) for session in sessions), 'turn')} in "
        f"{counted(len(sessions), 'session')}.\n"
        f"Stored in {seconds[0]:.2f} s, one add() for each exchange; all embedded and indexed "
        f"{seconds[1]:.1f} s later.\n"
        f"Now they ask, every question in a new session. {' and '.join(agents)} "
        f"{'answers' if len(agents) == 1 else 'answer'}; an agent sees of the past only what it "
        "recalls.",
        highlight=False,
    )


def show_models(console: Console, agents: Collection[str], model: str | None) -> None:
    """Print the model that answers."""
    if model is None:
        console.print(f"Answers come from {_STAND_IN}", style="dim")
    else:
        name = literal(Path(model).name if model.lower().endswith(".gguf") else model)
        others = f" LlamaIndex's come from {_STAND_IN}" if LLAMA_INDEX in agents else ""
        console.print(Text(f"LangChain's answers come from {name}.{others}", style="dim"))


def show_answers(console: Console, answers: Sequence[Answer]) -> None:
    """A question that somebody asked about themselves, its answers, and what was recalled."""
    first = answers[0]
    _rule(console, f"{name_of(first.asker)} asks")
    console.print(Text(first.question.text, style="bold"))
    _print_texts(console, answers)
    console.print(Text(f"correct: {literal(first.question.answer)}\n", style="dim"))
    console.print(_recalled(first, console.width - _OTHER_COLUMNS))
    for answer in answers:
        recall = answer.recalls[0]
        degraded = "".join(f"; degraded: {literal(each)}" for each in recall.degraded)
        console.print(
            Text(
                f"{answer.framework}: {'answer' if answer.complete else 'answer not'} among what "
                f"was recalled in {recall.milliseconds['total']:.0f} ms; "
                f"whole run {answer.milliseconds:.0f} ms{degraded}",
                style="green" if answer.complete else "yellow",
            )
        )


def show_isolation(
    console: Console, crossed: Sequence[tuple[Conversation, Sequence[Answer]]]
) -> None:
    """Questions about somebody else, and that nothing of theirs came back.

    Args:
        console: Where it is printed.
        crossed: The person whom a question is about, and the answers to somebody who asks it.
    """
    _rule(console, "Isolation: asking about somebody else")
    console.print("Whatever is asked, only the asker's own memory is searched.", style="dim")
    for about, answers in crossed:
        asker = name_of(answers[0].asker)
        console.print(Text(f"\n{asker} asks: {literal(answers[0].question.text)}"))
        _print_texts(console, answers)
        for answer in answers:
            console.print(
                Text(
                    f"{answer.framework} was given "
                    f"{counted(len(answer.turns) - answer.foreign, 'turn')} of {asker}'s and "
                    f"{answer.foreign} of {name_of(about)}'s.",
                    style="red" if answer.foreign else "green",
                )
            )


def show_consolidation(console: Console, report: ConsolidationReport, model: str | None) -> None:
    """Print what consolidation made of all the turns, and who wrote the facts."""
    _rule(console, "From turns to knowledge: consolidate()")
    console.print(
        f"{counted(report.written, 'episode')} and {counted(report.facts, 'fact')} in "
        f"{report.seconds:.1f} s, outside of any question."
    )
    if model is None:
        console.print(
            "The facts come from notes.json, which a reader wrote in the place of a language "
            "model. Your agent's model writes them with LightMem(..., writer=model).",
            style="dim",
        )
    console.print("The latest ones:")


def show_facts(console: Console, memory: LightMem, person: Conversation) -> None:
    """A person's latest facts, and what was said that proves the last of them."""
    facts = memory.facts(user_id=person.user_id)
    latest = Facts(sorted(facts, key=lambda fact: fact.valid_from)[-_SHOWN_FACTS:])
    evidence = memory.explain(latest[-1].id, user_id=person.user_id).evidence if latest else ()
    title = f"{name_of(person)}, {counted(len(facts), 'fact')}"
    said = [f'the last because of: "{each.turn.text}"' for each in evidence[:1]]
    console.print(replace(latest.grid(), title=title, notes=said))


def show_summary(console: Console, own: Sequence[Answer], foreign: int) -> None:
    """One line for each framework, and whether anybody saw what was not theirs.

    Args:
        console: Where it is printed.
        own: Answers to questions of people about themselves.
        foreign: Turns of another person that were shown, over all questions.
    """
    by_framework: dict[str, list[Answer]] = {}
    for answer in own:
        by_framework.setdefault(answer.framework, []).append(answer)
    rows = []
    for framework, answers in by_framework.items():
        recalls = [answer.recalls[0].milliseconds["total"] for answer in answers]
        rows.append(
            (
                framework,
                str(len(answers)),
                f"{sum(answer.complete for answer in answers)} of {len(answers)}",
                f"{statistics.median(recalls):.0f} ms",
                f"{statistics.median(answer.milliseconds for answer in answers):.0f} ms",
            )
        )
    _rule(console, "Summary")
    console.print(
        Grid(
            "Questions of people about themselves",
            ("framework", "questions", "recalled", "recall p50", "run p50"),
            rows,
            notes=(
                "recalled: questions for which every turn that holds the answer was recalled.",
                "recall: time inside the memory. run: time of the agent's whole run.",
            ),
        )
    )
    console.print(
        f"Isolation is broken: {foreign} turns of another person were recalled."
        if foreign
        else "Over all questions, no turn of the other person was shown to anybody.",
        style="bold red" if foreign else "green",
    )


def _rule(console: Console, title: str) -> None:
    console.print()
    console.rule(Text(title), align="left", style="dim")


def _print_texts(console: Console, answers: Sequence[Answer]) -> None:
    texts = {answer.framework: literal(answer.text) for answer in answers}
    if len(texts) > 1 and len(set(texts.values())) == 1:
        texts = {"both agents": literal(answers[0].text)}
    for framework, text in texts.items():
        console.print(Text.assemble((f"{framework}: ", "dim"), text))


def _recalled(answer: Answer, room: int) -> Grid:
    """The hits of an answer's first recall; an arrow marks what answers the question."""
    evidence = answer.question.evidence
    rows: list[tuple[str, str, Turn]] = []
    for hit in answer.recalls[0].hits:
        rows += [(hit.tier, f"{hit.score:.2f}", turn) for turn in hit.turns[:1]]
        # What was packed around a hit is shown only if it is what was looked for.
        rows += [("", "beside", turn) for turn in hit.neighbours if turn.id in evidence]
    return Grid(
        "Recalled",
        ("", "tier", "score", "when", "who", "text"),
        [
            (
                "=>" if turn.id in evidence else "",
                tier,
                score,
                f"{turn.time:%Y-%m-%d}",
                turn.speaker or turn.role,
                clipped(turn.text, room),
            )
            for tier, score, turn in rows
        ],
    )
