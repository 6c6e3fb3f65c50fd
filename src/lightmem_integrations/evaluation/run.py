"""Runs the contenders over a file of conversations: what they find, and at what cost."""

from __future__ import annotations

import importlib.resources
import json
import os
import platform
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np

from lightmem_integrations.errors import MissingExtraError
from lightmem_integrations.evaluation.contenders import CONTENDERS, Contender, chosen
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.evaluation.metrics import DEPTH, Outcome, Scores, distinct, scores
from lightmem_integrations.evaluation.results import Costs, Evaluation, Row, Skipped
from lightmem_integrations.models.onnx import shipped_token_counter
from lightmem_integrations.models.protocols import TokenCounter

_PACKAGES = (
    "lightmem-integrations",
    "chromadb",
    "onnxruntime",
    "rank-bm25",
    "langchain-chroma",
    "langgraph",
    "llama-index-core",
)
_WARM_UP = "Is there anything that I should know?"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        contender: Who is being measured.
        stage: What is being done with it.
        done: Turns added or questions asked in this stage.
        total: How many there are.
    """

    contender: str
    stage: Literal["adding", "timing", "ranking"]
    done: int
    total: int


def evaluate(
    data: Path,
    contenders: Sequence[str] | None = None,
    *,
    on_progress: Callable[[Progress], None] | None = None,
) -> Evaluation:
    """Give every contender the same turns and the same questions.

    Each runs by itself, in a temporary folder, after a first question for each user that is not
    timed. Times are those of this machine, in this run.

    Args:
        data: A file that ``conversations.read`` understands.
        contenders: Names from ``CONTENDERS``; ``None`` for all.
        on_progress: Called after every turn and every question.

    Raises:
        InvalidRequestError: If the file cannot be used or a name is unknown.
    """
    names = chosen(contenders)
    conversations = read(data)
    tell = on_progress or (lambda _: None)
    rows: list[Row] = []
    skipped: list[Skipped] = []
    count_tokens = shipped_token_counter()
    for name in names:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            try:
                contender = CONTENDERS[name](Path(folder))
            except MissingExtraError as error:
                skipped.append(Skipped(name, str(error)))
                continue
            try:
                rows.append(_row(name, contender, conversations, count_tokens, tell))
            finally:
                contender.close()
    return Evaluation(
        data=data.name,
        conversations=len(conversations),
        turns=sum(len(each.turns) for each in conversations),
        questions=sum(len(each.questions) for each in conversations),
        left_out=sum(each.left_out for each in conversations),
        fitted_on=fitted_on(conversations),
        rows=tuple(rows),
        skipped=tuple(skipped),
        machine=_machine(),
    )


def fitted_on(conversations: Sequence[Conversation]) -> tuple[str, ...]:
    """Those of the conversations that the shipped weights say they were fitted on."""
    file = importlib.resources.files("lightmem_integrations.recall") / "weights.json"
    made = str(json.loads(file.read_text(encoding="utf-8")).get("made", ""))
    return tuple(
        each.user_id
        for each in conversations
        # A whole name: "conv-4" is not meant by "conv-41".
        if re.search(rf"(?<![\w-]){re.escape(each.user_id)}(?![\w-])", made)
    )


def _row(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    count_tokens: TokenCounter,
    tell: Callable[[Progress], None],
) -> Row:
    add_ms, calls = _add(name, contender, conversations, tell)
    # Timed before the rankings are taken, so that no question was heard before.
    tokens, times = _time(name, contender, conversations, count_tokens, tell)
    outcomes = rankings(name, contender, conversations, tell)
    p50, p95 = np.percentile(times, [50, 95])
    return Row(
        contender=name,
        about=contender.about,
        overall=scores(outcomes),
        by_category=_grouped((each.category, each) for each in outcomes),
        by_conversation=_grouped((each.conversation, each) for each in outcomes),
        costs=Costs(
            context_tokens=statistics.fmean(tokens),
            query_p50_ms=float(p50),
            query_p95_ms=float(p95),
            add_ms=add_ms,
            add_call_p50_ms=statistics.median(calls),
        ),
    )


def _add(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    tell: Callable[[Progress], None],
) -> tuple[float, list[float]]:
    """Milliseconds per turn until all is found, and of each call."""
    total = sum(len(each.turns) for each in conversations)
    calls: list[float] = []
    for conversation in conversations:
        for session in conversation.sessions:
            for turn in session.turns:
                start = time.perf_counter()
                contender.add(conversation.user_id, session.session_id, turn)
                calls.append(_milliseconds_since(start))
                tell(Progress(name, "adding", len(calls), total))
    start = time.perf_counter()
    contender.finish()
    return (sum(calls) + _milliseconds_since(start)) / total, calls


def _time(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    count_tokens: TokenCounter,
    tell: Callable[[Progress], None],
) -> tuple[list[int], list[float]]:
    """Tokens and milliseconds of each question's context."""
    for conversation in conversations:
        contender.context(conversation.user_id, _WARM_UP)
    total = sum(len(each.questions) for each in conversations)
    tokens: list[int] = []
    times: list[float] = []
    for conversation in conversations:
        for question in conversation.questions:
            start = time.perf_counter()
            context = contender.context(conversation.user_id, question.text)
            times.append(_milliseconds_since(start))
            tokens.append(count_tokens(context))
            tell(Progress(name, "timing", len(times), total))
    return tokens, times


def rankings(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    tell: Callable[[Progress], None] = lambda _: None,
) -> list[Outcome]:
    """What the contender, which holds the turns already, returns for every question."""
    total = sum(len(each.questions) for each in conversations)
    outcomes: list[Outcome] = []
    for conversation in conversations:
        for question in conversation.questions:
            ranked = distinct(contender.rank(conversation.user_id, question.text, DEPTH))
            outcomes.append(
                Outcome(conversation.user_id, question.category, question.evidence, ranked[:DEPTH])
            )
            tell(Progress(name, "ranking", len(outcomes), total))
    return outcomes


def _grouped(outcomes: Iterable[tuple[str, Outcome]]) -> dict[str, Scores]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for key, outcome in outcomes:
        groups[key].append(outcome)
    return {key: scores(group) for key, group in groups.items()}


def _milliseconds_since(start: float) -> float:
    return (time.perf_counter() - start) * 1_000


def _machine() -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
    }
    installed = {each.name: each.version for each in metadata.distributions()}
    return found | {name: installed[name] for name in _PACKAGES if name in installed}
