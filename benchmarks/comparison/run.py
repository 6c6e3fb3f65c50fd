"""Asks every question of every contender and measures what they find, and at what cost."""

from __future__ import annotations

import functools
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from importlib import metadata
from pathlib import Path

import numpy as np

from comparison import passes
from comparison.contenders import Contender, Writer, is_own
from comparison.differences import Difference, Values, differences
from comparison.passes import Curve
from comparison.results import (
    HEADLINE_BUDGET,
    MEASURES,
    Costs,
    Evaluation,
    Row,
    Skipped,
)
from lightmem_integrations.errors import (
    MissingExtraError,
    ModelUnavailableError,
)
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.evaluation.metrics import (
    Ranking,
    hit,
    reciprocal_rank,
    scores,
)
from lightmem_integrations.evaluation.peers import Baseline
from lightmem_integrations.evaluation.run import (
    Tell,
    chosen,
    count_questions,
    grouped,
    sampled,
)
from lightmem_integrations.evaluation.stages import OWN, PLAIN, STAGES
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
    on_progress: Tell = lambda *_: None,
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
    measured: list[tuple[Row, Values]] = []
    skipped: list[Skipped] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Path(folder) / OWN
        store.mkdir()
        if own:
            with closing(Writer(store)) as writer:
                adding = passes.add(OWN, writer, conversations, on_progress)
        for name, open_row in own.items():
            try:
                row = open_row(store)
            except (MissingExtraError, ModelUnavailableError) as error:
                skipped.append(Skipped(name, str(error)))
                continue
            with closing(row):
                measured.append(_measured(name, row, conversations, adding, on_progress))
        for name in (name for name in names if name in others):
            try:
                baseline = others[name](Path(folder))
            except MissingExtraError as error:
                skipped.append(Skipped(name, str(error)))
                continue
            with closing(baseline):
                adding = passes.add(name, baseline, conversations, on_progress)
                measured.append(_measured(name, baseline, conversations, adding, on_progress))
    questions = [question for each in conversations for question in each.questions]
    return Evaluation(
        data=data.name,
        conversations=len(conversations),
        turns=sum(len(each.turns) for each in conversations),
        questions=len(questions),
        sampled_from=None if sample is None else count_questions(whole),
        seed=None if sample is None else seed,
        left_out=sum(each.left_out for each in conversations),
        rows=tuple(row for row, _ in measured),
        differences=_compared(measured, [question.category for question in questions]),
        skipped=tuple(skipped),
        machine=_machine(),
    )


def _measured(
    name: str,
    contender: Contender,
    conversations: Sequence[Conversation],
    adding: tuple[float, list[float]],
    tell: Tell,
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
        by_category=grouped((ranking.category, ranking) for ranking in rankings),
        by_conversation=grouped((ranking.conversation, ranking) for ranking in rankings),
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


def _machine() -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
    }
    installed = {each.name: each.version for each in metadata.distributions()}
    return found | {name: installed[name] for name in _PACKAGES if name in installed}
