"""Asks every question of every contender and measures what they find, and at what cost."""

from __future__ import annotations

import functools
import importlib.resources
import json
import os
import platform
import random
import re
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np

from lightmem_integrations.errors import (
    InvalidRequestError,
    MissingExtraError,
    ModelUnavailableError,
)
from lightmem_integrations.evaluation import passes
from lightmem_integrations.evaluation.contenders import (
    OWN,
    PLAIN,
    STAGES,
    Baseline,
    Contender,
    chosen,
    is_own,
)
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.evaluation.differences import Difference, Values, differences
from lightmem_integrations.evaluation.metrics import (
    Ranking,
    Scores,
    hit,
    reciprocal_rank,
    scores,
)
from lightmem_integrations.evaluation.passes import Curve, PassProgress
from lightmem_integrations.evaluation.results import (
    HEADLINE_BUDGET,
    MEASURES,
    Costs,
    Evaluation,
    Row,
    Skipped,
)
from lightmem_integrations.evaluation.stages import Writer
from lightmem_integrations.models.token_counter import shipped_token_counter

_PACKAGES = (
    "lightmem-integrations",
    "chromadb",
    "onnxruntime",
    "rank-bm25",
    "langchain-chroma",
    "langgraph",
    "llama-index-core",
)


def evaluate(
    data: Path,
    contenders: Sequence[str] | None = None,
    *,
    extra: Mapping[str, Callable[[Path], Contender]] | None = None,
    baselines: Mapping[str, Callable[[Path], Baseline]] | None = None,
    sample: int | None = None,
    seed: int = 0,
    on_progress: Callable[[PassProgress], None] | None = None,
) -> Evaluation:
    """Give every contender the same turns and the same questions.

    Each runs by itself, after a first question for each user that is not timed. This library's
    rows read one store; the baselines keep the turns in their own. Times are those of this
    machine, in this run.

    Args:
        data: A file that ``conversations.read`` understands.
        contenders: Names of ``STAGES`` and of the baselines; ``None`` for all.
        extra: More rows of this library, by name: made with the folder of the shared store. They
            come after its other rows and before the baselines.
        baselines: Retrievers of other libraries by name, each made with a folder for its files.
            Without any, this library's rows are compared with the better of its ``PLAIN`` ones.
        sample: Ask only so many questions, drawn at random; the memories stay whole.
        seed: Which questions are drawn.
        on_progress: Called after every turn and every question.

    Raises:
        InvalidRequestError: If the file cannot be used, a name is unknown, or ``sample`` is
            not positive.
    """
    others = baselines or {}
    names = chosen(contenders, (*STAGES, *others))
    own = {name: STAGES[name] for name in names if name in STAGES} | dict(extra or {})
    whole = read(data)
    conversations = whole if sample is None else sampled(whole, sample, seed)
    tell = on_progress or (lambda _: None)
    measured: list[tuple[Row, Values]] = []
    skipped: list[Skipped] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Path(folder) / OWN
        store.mkdir()
        if own:
            with closing(Writer(store)) as writer:
                adding = passes.add(OWN, writer, conversations, tell)
        for name, open_row in own.items():
            try:
                row = open_row(store)
            except (MissingExtraError, ModelUnavailableError) as error:
                skipped.append(Skipped(name, str(error)))
                continue
            with closing(row):
                measured.append(_measured(name, row, conversations, adding, tell))
        for name in (name for name in names if name in others):
            try:
                baseline = others[name](Path(folder))
            except MissingExtraError as error:
                skipped.append(Skipped(name, str(error)))
                continue
            with closing(baseline):
                adding = passes.add(name, baseline, conversations, tell)
                measured.append(_measured(name, baseline, conversations, adding, tell))
    questions = [question for each in conversations for question in each.questions]
    return Evaluation(
        data=data.name,
        conversations=len(conversations),
        turns=sum(len(each.turns) for each in conversations),
        questions=len(questions),
        sampled_from=None if sample is None else sum(len(each.questions) for each in whole),
        seed=None if sample is None else seed,
        left_out=sum(each.left_out for each in conversations),
        fitted_on=fitted_on(conversations),
        rows=tuple(row for row, _ in measured),
        differences=_compared(measured, [question.category for question in questions]),
        skipped=tuple(skipped),
        machine=_machine(),
    )


def sampled(
    conversations: Sequence[Conversation], count: int, seed: int
) -> tuple[Conversation, ...]:
    """The conversations with so many of their questions, drawn at random; turns stay as they are.

    Raises:
        InvalidRequestError: If ``count`` is not positive.
    """
    if count < 1:
        raise InvalidRequestError(f"sample is {count}; it must be a whole number of at least 1.")
    every = [(i, j) for i, each in enumerate(conversations) for j in range(len(each.questions))]
    # No secret is made of it: the same seed must draw the same questions.
    drawn = set(random.Random(seed).sample(every, min(count, len(every))))  # noqa: S311
    return tuple(
        replace(
            each,
            questions=tuple(q for j, q in enumerate(each.questions) if (i, j) in drawn),
        )
        for i, each in enumerate(conversations)
    )


def fitted_on(conversations: Sequence[Conversation]) -> tuple[str, ...]:
    """Those of the conversations that the shipped weights say they were fitted on."""
    file = importlib.resources.files("lightmem_integrations.recall.select") / "weights.json"
    made = str(json.loads(file.read_text(encoding="utf-8")).get("made", ""))
    return tuple(
        each.user_id
        for each in conversations
        # A whole name: "conv-4" is not meant by "conv-41".
        if re.search(rf"(?<![\w-]){re.escape(each.user_id)}(?![\w-])", made)
    )


def _measured(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    adding: tuple[float, list[float]],
    tell: Callable[[PassProgress], None],
) -> tuple[Row, Values]:
    add_ms, calls = adding
    count_tokens = shipped_token_counter()
    # Timed before the rankings are taken, so that no question was heard before.
    tokens, times = passes.timed(name, contender, conversations, count_tokens, tell)
    rankings = passes.rank_all(name, contender, conversations, tell)
    # The same lines are counted again and again, and here nothing is timed.
    curve = passes.curve(
        name, contender, conversations, functools.lru_cache(maxsize=None)(count_tokens), tell
    )
    p50, p95 = np.percentile(times, [50, 95])
    row = Row(
        contender=name,
        about=contender.about,
        overall=scores(rankings),
        by_category=_grouped((ranking.category, ranking) for ranking in rankings),
        by_conversation=_grouped((ranking.conversation, ranking) for ranking in rankings),
        curve=curve.points,
        costs=Costs(
            context_tokens=statistics.fmean(tokens),
            query_p50_ms=float(p50),
            query_p95_ms=float(p95),
            add_ms=add_ms,
            add_call_p50_ms=statistics.median(calls),
        ),
    )
    return row, _values(rankings, curve)


def _compared(
    measured: Sequence[tuple[Row, Values]], categories: Sequence[str]
) -> tuple[Difference, ...]:
    values = {row.contender: by_measure for row, by_measure in measured}
    theirs = {name for name in values if not is_own(name)} or {*PLAIN}
    return differences(
        {name: values[name] for name in values if name not in theirs},
        {name: values[name] for name in values if name in theirs},
        categories,
    )


def _values(rankings: Sequence[Ranking], curve: Curve) -> Values:
    """The headline measures, question by question."""
    values = (
        [hit(ranking.ranked, ranking.evidence, 10) for ranking in rankings],
        [reciprocal_rank(ranking.ranked, ranking.evidence) for ranking in rankings],
        [each.recall for each in curve.sights[HEADLINE_BUDGET, "tokens"]],
    )
    return dict(zip(MEASURES, values, strict=True))


def _grouped(rankings: Iterable[tuple[str, Ranking]]) -> dict[str, Scores]:
    groups: dict[str, list[Ranking]] = defaultdict(list)
    for key, ranking in rankings:
        groups[key].append(ranking)
    return {key: scores(group) for key, group in groups.items()}


def _machine() -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
    }
    installed = {each.name: each.version for each in metadata.distributions()}
    return found | {name: installed[name] for name in _PACKAGES if name in installed}
