"""How much of what a user asks for once and for all stands in the profile, and what recall finds.

    python benchmarks/profiles.py --data FILE [--data FILE ...] [--keep DIR]

Of questions whose category names an instruction or a preference (BEAM's ``instruction_following``
and ``preference_following``): the share of which an evidence turn stands in the profile, made
without a model, beside the share of which one is among the first ten that recall finds. The rules
for what is guidance were made in view of the chats at odd places of a file alone; those at even
places judge them.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.evaluation.filled_store import STORE, fill

ABOUT = ("instruction", "preference")
FIRST = 10


Rows = dict[tuple[str, str], list[tuple[bool, bool]]]
"""Of each question, by half and category: whether the profile and recall hold its evidence."""


def judge(memory: LightMem, chat: Conversation, half: str, tokens: int, rows: Rows) -> int:
    """Judge the questions of one chat; returns the size of its profile in tokens."""
    profile = memory.profile(user_id=chat.user_id, max_tokens=tokens)
    held = {turn for line in profile.lines for turn in line.turn_ids}
    for question in chat.questions:
        if any(about in question.category for about in ABOUT):
            hits = memory.recall(question.text, user_id=chat.user_id, k=FIRST).hits
            found = {turn for hit in hits for turn in hit.source.turn_ids}
            evidence = question.evidence
            rows[half, question.category].append((bool(evidence & held), bool(evidence & found)))
    return profile.tokens


def judge_all(path: Path, keep: Path | None, tokens: int, rows: Rows) -> list[int]:
    """Judge the chats of a file; returns the sizes of their profiles."""
    chats = read(path)
    turns = sum(len(chat.turns) for chat in chats)
    settings = Settings(background_indexing=False, embed_seconds=60.0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with progress_bars() as show:
            fill(
                Path(folder), chats, keep=keep,
                on_progress=lambda done: show(f"{path.name}: storing turns", done, turns),
            )  # fmt: skip
        with LightMem(Path(folder) / STORE, settings=settings) as memory:
            return [
                judge(memory, chat, "looked at" if place % 2 else "held back", tokens, rows)
                for place, chat in enumerate(chats, start=1)
            ]


def main(
    *,
    data: Annotated[list[Path], typer.Option(help="Conversations with such questions.")],
    tokens: Annotated[int, typer.Option(help="Size of the profile.")] = 300,
    keep: Annotated[Path | None, typer.Option(help="Where filled stores stay.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure what a profile holds of instructions and preferences."""
    rows: Rows = defaultdict(list)
    sizes = [size for path in data for size in judge_all(path, keep, tokens, rows)]
    shares = [
        {
            "chats": half, "category": category, "questions": len(judged),
            "profile": sum(held for held, _ in judged) / len(judged),
            f"recall@{FIRST}": sum(found for _, found in judged) / len(judged),
        }
        for (half, category), judged in sorted(rows.items())
    ]  # fmt: skip
    if as_json:
        print(json.dumps({"shares": shares, "tokens": sizes}))
        return
    table = Table(title=f"Evidence held by a profile of {tokens} tokens", title_justify="left")
    for name in ("chats", "category", "questions", "profile", f"recall's first {FIRST}"):
        table.add_column(name)
    for share in shares:
        *names, profile, found = share.values()
        table.add_row(*map(str, names), f"{profile:.2f}", f"{found:.2f}")
    table.caption = f"Tokens of the profiles: {min(sizes)} to {max(sizes)}"
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
