"""A re-ranking model on the best of what the Selector chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.errors import ModelError, ModelOutputError
from lightmem_integrations.models.protocols import Reranker
from lightmem_integrations.recall.select import Scored


def rerank(
    reranker: Reranker, query: str, scored: Sequence[Scored], candidates: int
) -> list[Scored]:
    """Order the first candidates anew, by the sum of both z-scores; the rest stay behind them.

    The sum, since a model that was trained on web search alone often misjudges small talk.

    Args:
        reranker: Scores texts against a question.
        query: The question.
        scored: Candidates, best first.
        candidates: How many of them the model sees.

    Raises:
        ModelError: The model failed or returned something unusable.
    """
    head, tail = list(scored[:candidates]), list(scored[candidates:])
    if not head:
        return tail
    texts = [
        f"{each.turn.speaker}: {each.turn.text}" if each.turn.speaker else each.turn.text
        for each in head
    ]
    try:
        given = np.asarray(reranker.score(query, texts), np.float32)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"The re-ranker failed: {error}") from error
    if given.shape != (len(head),) or not np.isfinite(given).all():
        raise ModelOutputError(
            f"The re-ranker returned scores of shape {given.shape} for {len(head)} texts; one "
            "finite number for each is needed."
        )
    total = _z(np.array([each.score for each in head], np.float32)) + _z(given)
    # Above everything that the model did not see, in the same scale as before.
    floor = tail[0].score if tail else 0.0
    total += floor - float(total.min()) + 1e-3
    best = [
        replace(each, score=float(score), parts={**each.parts, "reranker": float(own)})
        for each, score, own in zip(head, total, given, strict=True)
    ]
    return sorted(best, key=lambda each: -each.score) + tail


def _z(values: NDArray[np.float32]) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = (values - values.mean()) / max(float(values.std()), 1e-6)
    return scores
