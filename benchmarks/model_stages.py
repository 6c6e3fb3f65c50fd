"""What a model on the online path brings, and what it costs: re-ranking, hypothetical queries.

Every row asks the same questions of the same store, one after the other, with another stage
switched on. Ten hits are asked for and the re-ranker sees those ten, which is what it sees by
default (K = 5, 2K candidates): it changes hit@1, hit@5 and MRR, never hit@10. The time budget is
lifted, so that a slow model is judged by its answers; what it would have cost stands beside them.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations import CrossEncoderReranker, LightMem, Settings, SLMReranker
from lightmem_integrations.evaluation.conversations import Conversation, Question, read
from lightmem_integrations.models.gguf import GGUFLanguageModel

_K = 10
_NO_LIMIT = 3_600.0
_RESAMPLES = 2_000

Asked = tuple[Conversation, Question]


@dataclass(frozen=True)
class Stage:
    """Arguments of LightMem that one row switches on."""

    name: str
    queries: int = 0
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """Ranks and costs of the questions of one row, in the order in which they were asked."""

    stage: str
    ranks: list[int | None]
    cpu_ms: list[float]
    failed: int

    def numbers(self, without: Row) -> dict[str, Any]:
        """Means over the questions, and how many of them the stage moved up and down."""
        pairs = zip(_reciprocal(without.ranks), _reciprocal(self.ranks), strict=True)
        gained = [after - before for before, after in pairs]
        low, high = _interval(gained)
        return {
            "stage": self.stage,
            **{f"hit@{k}": _hit(self.ranks, k) for k in (1, 5, _K)},
            "mrr": float(np.mean(_reciprocal(self.ranks))),
            "mrr_gain": float(np.mean(gained)),
            "mrr_gain_95": [low, high],
            "better": sum(each > 0 for each in gained),
            "worse": sum(each < 0 for each in gained),
            "failed": self.failed,
            "cpu_ms_p50": float(np.median(self.cpu_ms)),
            "cpu_ms_mean": float(np.mean(self.cpu_ms)),
        }


def fill(folder: Path, conversations: Sequence[Conversation]) -> None:
    """Store and index the conversations, each as a user of its own."""
    # In one go: the default model's vectors differ a little with the batch they are made in.
    with LightMem(folder, settings=Settings(background_indexing=False)) as memory:
        for each in conversations:
            for session in each.sessions:
                memory.add(session.turns, user_id=each.user_id, session_id=session.session_id)
        memory.index_pending()


def ask(folder: Path, stage: Stage, asked: Sequence[Asked]) -> Row:
    """Ask every question with a stage switched on; the first one twice, and timed only then."""
    settings = Settings(
        k=_K, rerank_factor=1, model_seconds=_NO_LIMIT, hypothetical_queries=stage.queries
    )
    ranks: list[int | None] = []
    spent: list[float] = []
    failed = 0
    with LightMem(folder, settings=settings, **stage.options) as memory:
        memory.warm_up()
        memory.recall("What was said?", user_id=asked[0][0].user_id)
        for conversation, question in asked:
            start = time.process_time()
            found = memory.recall(question.text, user_id=conversation.user_id)
            spent.append((time.process_time() - start) * 1_000)
            failed += bool(found.degraded)
            ranks.append(_rank([hit.source.turn_ids[0] for hit in found.hits], question))
    return Row(stage.name, ranks, spent, failed)


def stages(models: Sequence[Path], encoders: Sequence[str], queries: int) -> Iterator[Stage]:
    """The rows of the table: nothing, then every model in every place."""
    yield Stage("without a model")
    for name in encoders:
        yield Stage(f"{name}: re-rank", options={"reranker": CrossEncoderReranker(name)})
    for path in models:
        model = GGUFLanguageModel(path, threads=1)
        yield Stage(f"{path.stem}: re-rank", options={"reranker": SLMReranker(model)})
        yield Stage(f"{path.stem}: {queries} queries", queries, {"slm": model})


def main(
    data: Annotated[Path, typer.Option(help="A LoCoMo file, or one like examples/demo's.")],
    gguf: Annotated[list[Path] | None, typer.Option(help="A model file; may be repeated.")] = None,
    cross_encoder: Annotated[
        list[str] | None, typer.Option(help="Name or folder of a cross-encoder; may be repeated.")
    ] = None,
    sample: Annotated[int, typer.Option(help="Questions, drawn at random with seed 0.")] = 60,
    queries: Annotated[int, typer.Option(help="Hypothetical queries for each question.")] = 2,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hits and CPU time of every optional model stage, beside a recall without a model."""
    conversations = read(data)
    every = [(each, question) for each in conversations for question in each.questions]
    asked = random.Random(0).sample(every, min(sample, len(every)))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), conversations)
        for stage in stages(gguf or [], cross_encoder or [], queries):
            rows.append(ask(Path(folder), stage, asked))
            Console(stderr=True).print(f"{stage.name}: done", markup=False)
    numbers = [row.numbers(rows[0]) for row in rows]
    if as_json:
        print(json.dumps({"questions": len(asked), "rows": numbers}, indent=2))
        return
    _show(numbers, len(asked))


def _show(numbers: Sequence[dict[str, Any]], questions: int) -> None:
    table = Table(title=f"{questions} questions; k = {_K}; CPU time of one thread")
    columns = ("stage", "hit@1", "hit@5", f"hit@{_K}", "MRR", "gain in MRR (95 %)")
    for column in (*columns, "better/worse", "failed", "CPU-ms p50"):
        table.add_column(column)
    for each in numbers:
        low, high = each["mrr_gain_95"]
        table.add_row(
            each["stage"],
            *(f"{each[name]:.1%}" for name in ("hit@1", "hit@5", f"hit@{_K}")),
            f"{each['mrr']:.3f}",
            f"{each['mrr_gain']:+.3f} ({low:+.3f} to {high:+.3f})",
            f"{each['better']}/{each['worse']}",
            str(each["failed"]),
            f"{each['cpu_ms_p50']:.0f}",
        )
    Console(width=140).print(table)


def _rank(ids: Sequence[str], question: Question) -> int | None:
    return next((i for i, each in enumerate(ids, start=1) if each in question.evidence), None)


def _hit(ranks: Sequence[int | None], k: int) -> float:
    return float(np.mean([rank is not None and rank <= k for rank in ranks]))


def _reciprocal(ranks: Sequence[int | None]) -> list[float]:
    return [0.0 if rank is None else 1.0 / rank for rank in ranks]


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Bootstrap interval of a mean over questions."""
    drawn = np.random.default_rng(0).choice(values, (_RESAMPLES, len(values)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    typer.run(main)
