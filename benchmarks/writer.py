"""What a Writer's model brings and costs: facts, how many are right, what is refused, tokens.

A stand-in answers as a strong model would, from facts that a careful reader wrote of the
conversation; or any GGUF file does; or whoever writes the answers into files, prompt by prompt. All
go the whole way: segments, prompt, checks, integration.
"""

from __future__ import annotations

import collections
import hashlib
import json
import re
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations import (
    Completion,
    ConsolidationSettings,
    LightMem,
    ModelError,
    Settings,
)
from lightmem_integrations.consolidation.write.model_writer import ModelWriter
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.models.gguf import GGUFLanguageModel
from lightmem_integrations.models.protocols import LanguageModel, Message
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.text.sentences import split_sentences
from lightmem_integrations.text.temporal import mentions
from lightmem_integrations.text.terms import terms

_LINE = re.compile(r'(\d+) .*?: ("(?:[^"\\]|\\.)*")')
_AHEAD = re.compile(r"\b(?:plan|upcoming|will|intend|going to)\b", re.IGNORECASE)
_COPIED = ("subject", "attribute", "value", "statement", "when")
_PATIENT = Settings(consolidation=ConsolidationSettings(writer_seconds=100_000.0, max_failures=1))
_HALF = 0.5  # of an observation's content words, for a fact to say it

Observations = list[tuple[str, frozenset[str]]]
"""Annotated observations: the text, and ids of its turns."""


class StandIn:
    """Answers a Writer's prompt with a reader's facts whose turns are shown in it.

    Args:
        reference: The reader's segments, as JSON.
        conversation: The conversation that they are of.
    """

    name = "stand-in"

    def __init__(self, reference: Path, conversation: Conversation) -> None:
        self._segments = json.loads(reference.read_text("utf-8"))
        turns = [(str(turn.id), turn) for turn in conversation.turns]
        self._texts = {key: " ".join(turn.text.split()) for key, turn in turns}
        self._times = {key: turn.time for key, turn in turns if turn.time is not None}
        self._count = shipped_token_counter()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """The facts and summaries of the segments of which turns are shown."""
        del seconds, max_tokens
        prompt = "\n".join(message["content"] for message in messages)
        lines = prompt.partition("<turns>")[2].partition("</turns>")[0].splitlines()
        found = filter(None, map(_LINE.fullmatch, lines))
        numbers = {key: int(line[1]) for line in found for key in self._turn(json.loads(line[2]))}
        keys = (schema or {})["properties"]["facts"]["items"]["properties"]
        facts = [
            {key: value for key, value in self._fact(fact, numbers).items() if key in keys}
            for segment in self._segments
            for fact in segment["facts"]
            if numbers.keys() & set(fact["turns"])
        ]
        said = [each["summary"] for each in self._segments if numbers.keys() & set(each["turns"])]
        told = {"summary": " ".join(said) or "Nothing.", "keywords": [], "entities": []}
        answer = json.dumps({**told, "facts": facts}, ensure_ascii=False)
        return Completion(answer, self._count(prompt), self._count(answer))

    def _turn(self, shown: str) -> list[str]:
        """The first turn that has all sentences of what is shown of it, if there is one."""
        parts = [part.strip(" .") for part in split_sentences(shown.replace("&lt;", "<"))]
        having = (key for key, text in self._texts.items() if all(part in text for part in parts))
        return list(islice(having, 1))

    def _fact(self, fact: Mapping[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
        """A fact under the Writer's schema, its date worked out as a strong model would."""
        time = self._times[fact["turns"][0]]
        ahead = bool(_AHEAD.search(f"{fact['attribute']} {fact['statement']}"))
        dates = mentions(fact["when"], time, direction="future" if ahead else "nearest")
        since = f"{dates[0].start:%Y-%m-%d}" if dates else ""
        return {
            "kind": "plan" if ahead else "event" if since else "state",
            **{key: fact[key] for key in _COPIED if fact[key]},
            **({"since": since} if since else {}),
            "turns": [numbers[each] for each in fact["turns"] if each in numbers],
        }


class Answered:
    """Answers that stand in files: of a model without an API, or of a person in its place.

    The first prompt without an answer is written into the folder, and the run ends there: put the
    answer beside it, and run it again. Later prompts show the facts of earlier ones.

    Args:
        folder: ``PROMPT.json`` for each ``PROMPT.txt``.
    """

    name = "answered"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = shipped_token_counter()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """The answer that stands in the prompt's file."""
        del schema, max_tokens, seconds
        prompt = "\n\n".join(message["content"] for message in messages)
        digest = hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()[:12]
        answer = self._folder / f"{digest}.json"
        if not answer.exists():
            answer.with_suffix(".txt").write_text(prompt, "utf-8", "replace")
            raise ModelError(f"{answer.with_suffix('.txt')} waits for an answer in {answer.name}.")
        text = answer.read_text("utf-8")
        return Completion(text, self._count(prompt), self._count(text))


def observations_of(data: Path, sample: str, sessions: Iterable[str]) -> Observations:
    """LoCoMo's annotated observations of some sessions."""
    kept = {f"{session}_observation" for session in sessions}
    found = next(
        each for each in json.loads(data.read_text("utf-8")) if each["sample_id"] == sample
    )
    return [
        (text, frozenset([turns] if isinstance(turns, str) else turns))
        for session, speakers in found["observation"].items()
        if session in kept
        for notes in speakers.values()
        for text, turns in notes
    ]


def judged(facts: Sequence[tuple[str, frozenset[str]]], noted: Observations) -> dict[str, float]:
    """Covered, said and precision, as docs/consolidation.md defines them."""
    covered = said = 0
    for text, turns in noted:
        words = set(terms(text))
        near = [statement for statement, proof in facts if proof & turns]
        covered += bool(near)
        said += any(len(words & set(terms(each))) >= _HALF * len(words) for each in near)
    annotated = frozenset(turn for _, turns in noted for turn in turns)
    right = sum(bool(proof & annotated) for _, proof in facts)
    return {
        "covered": covered / max(len(noted), 1),
        "said": said / max(len(noted), 1),
        "precision": right / max(len(facts), 1),
    }


def measured(
    model: LanguageModel,
    options: Mapping[str, Any],
    conversation: Conversation,
    noted: Observations,
) -> dict[str, Any]:
    """One consolidation of the conversation, measured."""
    user = conversation.user_id
    with tempfile.TemporaryDirectory() as folder, LightMem(folder, settings=_PATIENT) as memory:
        for session in conversation.sessions:
            memory.add(session.turns, user_id=user, session_id=session.session_id)
        memory.index_pending()
        started = time.perf_counter()
        report = memory.consolidate(
            user_id=user, writer=ModelWriter(model, seconds=None, **options), final=True
        )
        seconds = time.perf_counter() - started
        facts = [
            (
                fact.statement,
                frozenset(
                    str(each.turn.id) for each in memory.explain(fact.id, user_id=user).evidence
                ),
                fact.doubt,
            )
            for fact in memory.facts(user_id=user, include_past=True)
        ]
    sessions = len(conversation.sessions)
    return {
        "model": model.name,
        **options,
        "sessions": sessions,
        "facts_per_100": 100 * len(facts) / len(conversation.turns),
        **judged([(text, turns) for text, turns, _ in facts], noted),
        "doubted": sum(doubt is not None for _, _, doubt in facts),
        "refused": len(report.refused),
        "reasons": collections.Counter(each.partition(": ")[0] for each in report.refused),
        "doubts": collections.Counter(doubt for _, _, doubt in facts if doubt),
        "refused_texts": report.refused,
        "doubted_texts": [f"{doubt}: {text}" for text, _, doubt in facts if doubt],
        "problems": report.problems,
        "calls": report.calls,
        "tokens_a_session": report.tokens / sessions,
        "tokens_a_turn": report.tokens / len(conversation.turns),
        "seconds_a_session": seconds / sessions,
    }


def main(
    data: Annotated[Path, typer.Option(help="LoCoMo's file.")],
    reference: Annotated[
        Path | None, typer.Option(help="A reader's facts, for the stand-in of a strong model.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="A folder with answers to the prompts; made if missing.")
    ] = None,
    model: Annotated[list[Path] | None, typer.Option(help="A GGUF file; may be repeated.")] = None,
    sample: Annotated[str, typer.Option(help="Which conversation.")] = "conv-30",
    sessions: Annotated[int, typer.Option(help="Only so many sessions; 0 for all.")] = 0,
    verify: Annotated[list[str] | None, typer.Option(help="Checks; may be repeated.")] = None,
    size: Annotated[str | None, typer.Option(help="Prompt: small or large.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of a GGUF model.")] = 1,
    *,
    thin: Annotated[bool, typer.Option(help="Leave out of the prompt what holds no fact.")] = True,
    texts: Annotated[bool, typer.Option(help="Print what was refused and doubted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a row for each model and check."""
    conversation = next(each for each in read(data) if each.user_id == sample)
    kept = conversation.sessions[: sessions or None]
    conversation = Conversation(conversation.user_id, kept, conversation.questions)
    noted = observations_of(data, sample, [session.session_id for session in kept])
    models: list[LanguageModel] = [StandIn(reference, conversation)] if reference else []
    if answers is not None:
        answers.mkdir(parents=True, exist_ok=True)
        models.append(Answered(answers))
    models += [GGUFLanguageModel(file, threads=threads) for file in model or ()]
    rows = [
        measured(each, {"size": size, "verify": check, "thin": thin}, conversation, noted)
        for each in models
        for check in verify or (None,)
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    shown = [key for key, value in rows[0].items() if isinstance(value, (str, int, float))]
    table = Table(*(key.replace("_", " ") for key in shown))
    for row in rows:
        table.add_row(
            *(f"{row[key]:.3g}" if isinstance(row[key], float) else str(row[key]) for key in shown)
        )
    console = Console(width=200)
    console.print(table)
    for row in rows:
        console.print(dict(row["reasons"]), dict(row["doubts"]), row["problems"])
        for text in (*row["refused_texts"], *row["doubted_texts"]) if texts else ():
            console.print(f"- {text}", markup=False)


if __name__ == "__main__":
    typer.run(main)
