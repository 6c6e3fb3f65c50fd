"""What thinning saves of a Writer's prompts, and what it loses: by data set, beside no thinning.

Needs no model: prompts are counted with the project's token counter, an upper estimate, with as
many known facts as a Writer is shown. Lost are evidence turns that are left out; words of answers
(of questions, where a set has no answers) that stood in the evidence turns and are not shown; and
reference facts whose turns are left out or whose values lack a word. Names of speakers do not
count, as they stand in front of every turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations.consolidation.write.model_writer import ModelWriter
from lightmem_integrations.consolidation.write.thin import thinned
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.knowledge.drafts import KnownFact, WriterTurn
from lightmem_integrations.models.protocols import Completion
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.text.terms import terms

_TURNS = 30  # of a segment at most: as long as LoCoMo's sessions are
_BEFORE, _KNOWN = 3, 16  # turns and facts that a Writer is shown besides, as in episode.py
_LONGEST = 2_000  # characters of a turn that a prompt shows without thinning
_MUCH = 0.2  # share of an answer's words from which it counts as cut: a guess


class Counting:
    """A language model that finds nothing, and counts what it is asked."""

    name = "counting"

    def __init__(self) -> None:
        self.tokens = 0

    def complete(self, messages: Any, *, schema: Any, **_: Any) -> Completion:
        """An empty answer of the schema's form."""
        self.tokens += sum(shipped_token_counter()(each["content"]) for each in messages)
        empty = {name: [] for name in schema["properties"]}
        return Completion(json.dumps({**empty, "summary": "Nothing."}))


@dataclass
class Lost:
    """How much of how much is no longer shown."""

    lost: int = 0
    of: int = 0

    def add(self, lost: int, of: int = 1) -> None:
        """Count more."""
        self.lost, self.of = self.lost + lost, self.of + of

    def __str__(self) -> str:
        return f"{self.lost:,} of {self.of:,} ({self.lost / max(self.of, 1):.1%})"


def segments(turns: Sequence[Turn]) -> Iterator[list[WriterTurn]]:
    """The turns of a session as a Writer reads them; the row is the place in the session."""
    read_as = [
        WriterTurn(at, turn.role, turn.speaker or turn.role, turn.text, turn.time, 0, at)
        for at, turn in enumerate(turns)
        if turn.time is not None
    ]
    for start in range(0, len(read_as), _TURNS):
        yield read_as[start : start + _TURNS]


def shown(turns: Sequence[Turn], *, thin: bool) -> dict[str, str]:
    """What prompts show of a session's turns, by their ids."""
    texts = {}
    for segment in segments(turns):
        whole = [(place, turn.text[:_LONGEST]) for place, turn in enumerate(segment)]
        for place, text in thinned(segment) if thin else whole:
            texts[str(turns[segment[place].row].id)] = text
    return texts


def words(*texts: str) -> set[str]:
    """Stems of texts."""
    return {stem for text in texts for stem in terms(text)}


def prompt_tokens(
    conversations: Sequence[Conversation], known: Sequence[KnownFact], *, thin: bool
) -> float:
    """Tokens of all prompts, for each turn."""
    model, turns = Counting(), 0
    writer = ModelWriter(model, size="large", thin=thin)
    for conversation in conversations:
        for session in conversation.sessions:
            for number, segment in enumerate(segments(session.turns)):
                begin = (_KNOWN * number) % max(len(known) - _KNOWN, 1)
                before = segment[:_BEFORE] if number else ()
                writer.write(segment, before=before, known=known[begin : begin + _KNOWN])
                turns += len(segment)
    return model.tokens / turns


def evidence_lost(conversations: Sequence[Conversation], *, thin: bool) -> list[Lost]:
    """Evidence turns, words of answers, and answers."""
    turns, said, answers = Lost(), Lost(), Lost()
    for conversation in conversations:
        texts: dict[str, str] = {}
        for session in conversation.sessions:
            texts |= shown(session.turns, thin=thin)
        full = {str(turn.id): turn.text for turn in conversation.turns}
        speakers = words(*{turn.speaker or turn.role for turn in conversation.turns})
        for question in conversation.questions:
            there = words(question.answer or question.text) - speakers
            there &= words(*(full[each] for each in question.evidence))
            missing = there - words(*(texts.get(each, "") for each in question.evidence))
            turns.add(len(question.evidence - set(texts)), len(question.evidence))
            said.add(len(missing), len(there))
            answers.add(len(missing) > _MUCH * len(there), int(bool(there)))
    return [turns, said, answers]


def facts_lost(reference: Sequence[Any], conversation: Conversation, *, thin: bool) -> Lost:
    """Reference facts that can no longer be read off what is shown."""
    by_id = {str(turn.id): turn for turn in conversation.turns}
    speakers = words(*{turn.speaker or turn.role for turn in conversation.turns})
    lost = Lost()
    for part in reference:
        texts = shown([by_id[each] for each in part["turns"]], thin=thin)
        for fact in part["facts"]:
            there = words(fact["value"], fact["when"]) - speakers
            there &= words(*(by_id[each].text for each in fact["turns"]))
            missing = there - words(*(texts.get(each, "") for each in fact["turns"]))
            lost.add(bool(missing) or not any(each in texts for each in fact["turns"]))
    return lost


def main(
    data: Annotated[list[Path], typer.Argument(help="Conversations, as `lightmem eval` reads.")],
    reference: Annotated[Path, typer.Option(help="Reference facts of one of them.")],
    of: Annotated[str, typer.Option(help="Which conversation those are of.")] = "conv-30",
) -> None:
    """Print a row for each data set with and without thinning."""
    parts = json.loads(reference.read_text("utf-8"))
    table = Table("data", "prompt tokens a turn", "saved", "evidence turns left out")
    for name in ("words of answers cut", "answers cut by a fifth", "reference facts lost"):
        table.add_column(name)
    for path in data:
        conversations = read(path)
        turn = conversations[0].turns[0]
        known = [
            KnownFact(
                subject=fact["subject"], attribute=fact["attribute"], value=fact["value"],
                statement=fact["statement"], kind="state", since=turn.time, until=None,
            )
            for part in parts
            for fact in part["facts"]
        ]  # fmt: skip
        chosen = [each for each in conversations if each.user_id == of]
        whole = 0.0
        for thin in (False, True):
            tokens = prompt_tokens(conversations, known, thin=thin)
            whole = whole or tokens
            lost = [str(each) for each in evidence_lost(conversations, thin=thin)]
            facts = str(facts_lost(parts, chosen[0], thin=thin)) if chosen else ""
            label = f"{path.name}{', thinned' if thin else ''}"
            table.add_row(label, f"{tokens:.0f}", f"{1 - tokens / whole:.1%}", *lost, facts)
    console = Console()
    console.width = max(console.width, 140)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
