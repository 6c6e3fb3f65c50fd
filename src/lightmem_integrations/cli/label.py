"""The command that asks which of the found turns answer a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from lightmem_integrations.cli.options import (
    StoreArgument,
    UserOption,
    check_stored,
    existing,
    open_existing,
)
from lightmem_integrations.cli.output import JsonOption, print_json
from lightmem_integrations.display import clipped, counted, literal

if TYPE_CHECKING:
    from lightmem_integrations import Turn

_SHOWN = 500  # characters of a turn: a guess
_NONE, _SKIP = "n", "s"


def label(
    *,
    store: StoreArgument,
    user: UserOption,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Where the chats and the labels are kept, in plain text; an existing one is "
            "gone on with.",
            dir_okay=False,
            show_default=False,
        ),
    ],
    questions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Questions, one on a line; those that are labelled already are not asked again.",
            exists=True,
            dir_okay=False,
            show_default="typed in",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Label which turns of your own chats answer a question, to measure retrieval on them.

    The turns come from recall, from words and from meaning, shuffled. An empty line ends it; what
    was labelled is kept. JSON is printed at the end, the questions and turns beside it, on the
    standard error stream.
    """
    from lightmem_integrations.evaluation.labels import Labels

    console = Console(stderr=as_json)
    with open_existing(store, embeds=True) as memory:
        check_stored(memory, user)
        memory.index_pending()
        with closing(Labels(memory, existing(store), user, out)) as labels:
            for question in _questions(console, questions):
                if question in labels.asked:
                    console.print(Text(f"Labelled already: {literal(question)}", style="dim"))
                    continue
                pool = labels.pool(question)
                _show(console, question, [turn for _, turn in pool])
                choice = _choice(console, len(pool))
                if not choice:
                    break
                if choice != _SKIP:
                    places = [] if choice == _NONE else sorted(set(map(int, choice.split())))
                    labels.add(question, [pool[place - 1][0] for place in places])
            labelled = list(labels.asked)
    if as_json:
        print_json({"user_id": user, "file": out, "questions": labelled})
        return
    console.print(Text(f"{counted(len(labelled), 'question')} of {literal(user)} in {out}."))
    if labelled:
        console.print(Text(f"Measure with: lightmem eval retrieval --data {out}"))


def _questions(console: Console, file: Path | None) -> Iterator[str]:
    if file is not None:
        yield from filter(None, map(str.strip, file.read_text(encoding="utf-8").splitlines()))
        return
    while line := _line(console, "Question"):
        yield line


def _show(console: Console, question: str, turns: Sequence[Turn]) -> None:
    console.print(Text(f"\n{literal(question)}", style="bold"))
    for place, turn in enumerate(turns, start=1):
        who = literal(turn.speaker or turn.role)
        console.print(
            Text.assemble(
                (f"{place:3} ", "bold"),
                (f"{turn.time:%Y-%m-%d} {who}: ", "dim"),
                clipped(turn.text, _SHOWN),
            )
        )


def _choice(console: Console, count: int) -> str:
    """Numbers of the turns that answer, or ``_NONE``, or ``_SKIP``; empty to end."""
    prompt = f"Which answer it? Numbers, {_NONE} if nothing that was said does, {_SKIP} to skip"
    while line := _line(console, prompt).replace(",", " "):
        if line in (_NONE, _SKIP) or all(
            each.isdecimal() and 1 <= int(each) <= count for each in line.split()
        ):
            break
        console.print(f"Numbers from 1 to {count}, such as: 2 5", markup=False)
    return line


def _line(console: Console, prompt: str) -> str:
    try:
        return console.input(f"[bold]{prompt}: [/bold]").strip()
    except (EOFError, KeyboardInterrupt):
        console.print()
        return ""
