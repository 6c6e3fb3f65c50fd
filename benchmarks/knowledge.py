"""What facts are worth: ranking and text without facts, and with those of an excellent writer.

    python benchmarks/knowledge.py --data locomo-dev.json --facts reference-facts-conv-30.json

The facts were written by hand, as an excellent model would write them: a list of segments, each
with its ``turns`` and its ``facts`` (subject, attribute, value, statement, and the ids of the turns
that prove it). They stand in for a model through a Writer that answers from the file. Or a folder
holds the answers to the Writer's prompts (`benchmarks/writer.py --answers`). One conversation is
asked, the one that the facts are of. *In one line*: the share of questions of whose
answer all content words stand in one line of the text.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.consolidation.write.model_writer import ModelWriter
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.evaluation.metrics import DEPTH, distinct, hit, reciprocal_rank
from lightmem_integrations.evaluation.shown import of_recall
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft, WriterTurn
from lightmem_integrations.text.terms import terms
from writer import Answered

BUDGETS = (1_000, 560)  # the default, and what five hits alone take of it


class Reference:
    """A Writer that answers from a file: every fact with the first turn that proves it.

    Args:
        conversation: Whose turns it will be given.
        facts: The facts of all segments of the file.
    """

    name = "reference"

    def __init__(self, conversation: Conversation, facts: Sequence[dict[str, Any]]) -> None:
        self._ids = {(each.speaker, each.text): each.id for each in conversation.turns}
        self._facts = facts

    def write(self, turns: Sequence[WriterTurn]) -> EpisodeDraft:
        """The facts that begin in these turns, as far as these turns prove them."""
        place = {self._ids.get((turn.speaker, turn.text)): n for n, turn in enumerate(turns)}
        drafts = []
        for fact in self._facts:
            proof = tuple(place[turn] for turn in fact["turns"] if turn in place)
            if fact["turns"][0] in place:
                drafts.append(
                    FactDraft(
                        subject=fact["subject"], attribute=fact["attribute"], value=fact["value"],
                        statement=fact["statement"], evidence=proof, confidence=0.9,
                    )
                )  # fmt: skip
        return EpisodeDraft(
            summary=" ".join(turn.text for turn in turns)[:500], facts=tuple(drafts)
        )


@dataclass(frozen=True, slots=True)
class Worth:
    """What one state of a memory gives to who asks it, means over all questions."""

    facts: int
    hit_at_1: float
    hit_at_10: float
    mrr: float
    by_budget: dict[int, tuple[float, float, float]]
    milliseconds: float


def in_one_line(answer: str, text: str) -> bool:
    """Whether all content words of an answer stand in one line of a text."""
    wanted = set(terms(answer))
    return bool(wanted) and any(wanted <= set(terms(line)) for line in text.splitlines())


def worth(memory: LightMem, conversation: Conversation) -> Worth:
    """Ask all questions, for the ranking and once for each budget."""
    user, asked = conversation.user_id, conversation.questions
    rankings: list[tuple[Sequence[str], Set[str]]] = []
    for question in asked:
        found = memory.recall(question.text, user_id=user, k=DEPTH, max_tokens=20_000, strict=True)
        ranked = [turn.id or "" for each in found.hits for turn in each.turns]
        rankings.append((distinct(ranked), question.evidence))
    by_budget, times = {}, []
    for budget in BUDGETS:
        lines, shown, tokens = [], [], []
        for question in asked:
            found = memory.recall(question.text, user_id=user, max_tokens=budget, strict=True)
            lines.append(in_one_line(question.answer, found.text))
            shown.append(of_recall(found).share(question.evidence))
            tokens.append(found.tokens)
            times.append(found.milliseconds["total"])
        means = statistics.mean(lines), statistics.mean(shown), statistics.mean(tokens)
        by_budget[budget] = means
    return Worth(
        facts=len(memory.facts(user_id=user)),
        hit_at_1=statistics.mean(hit(*each, 1) for each in rankings),
        hit_at_10=statistics.mean(hit(*each, 10) for each in rankings),
        mrr=statistics.mean(reciprocal_rank(*each) for each in rankings),
        by_budget=by_budget,
        milliseconds=statistics.median(times),
    )


def _beginning(conversation: Conversation, sessions: int) -> Conversation:
    """The first sessions, with the questions that they answer."""
    kept = replace(conversation, sessions=conversation.sessions[:sessions])
    there = {turn.id for turn in kept.turns}
    return replace(kept, questions=tuple(q for q in kept.questions if q.evidence <= there))


def _of(facts: Path, conversation: Conversation) -> Reference:
    segments = json.loads(facts.read_text(encoding="utf-8"))
    return Reference(conversation, [fact for segment in segments for fact in segment["facts"]])


def main(
    *,
    data: Annotated[Path, typer.Option(exists=True, help="LoCoMo's file, or one in its form.")],
    facts: Annotated[Path, typer.Option(exists=True, help="The facts of it, or a folder.")],
    conversation: Annotated[str, typer.Option(help="Which one.")] = "conv-30",
    sessions: Annotated[int, typer.Option(help="Only so many sessions; 0 for all.")] = 0,
) -> None:
    """Compare recalls of one conversation without facts and with those of a file or folder."""
    (asked,) = (each for each in read(data) if each.user_id == conversation)
    asked = _beginning(asked, sessions or len(asked.sessions))
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = Settings(background_indexing=False)
        writer = ModelWriter(Answered(facts), thin=True) if facts.is_dir() else _of(facts, asked)
        with LightMem(Path(folder) / "store", settings=settings, writer=writer) as memory:
            for session in asked.sessions:
                memory.add(session.turns, user_id=asked.user_id, session_id=session.session_id)
            memory.index_pending()
            memory.warm_up()
            rows.append(("none", worth(memory, asked)))
            report = memory.consolidate(final=True)
            if report.problems:
                raise typer.BadParameter("; ".join(report.problems))
            rows.append((facts.name, worth(memory, asked)))
    table = Table(title=f"{conversation}, {len(asked.questions)} questions")
    for heading in ("facts", "kept", "hit@1", "hit@10", "MRR", "ms"):
        table.add_column(heading, justify="right")
    for budget in BUDGETS:
        for heading in ("in one line", "evidence", "tokens"):
            table.add_column(f"{heading}, {budget:,}", justify="right")
    for name, each in rows:
        figures = [f"{share:.3f}" for share in (each.hit_at_1, each.hit_at_10, each.mrr)]
        for line, shown, tokens in each.by_budget.values():
            figures += [f"{line:.3f}", f"{shown:.3f}", f"{tokens:.0f}"]
        table.add_row(name, str(each.facts), *figures[:3], f"{each.milliseconds:.1f}", *figures[3:])
    Console(width=140).print(table)


if __name__ == "__main__":
    typer.run(main)
