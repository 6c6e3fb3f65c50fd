"""A re-ranking model on the best of what the Selector chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.engine.deadline import Deadline
from lightmem_integrations.errors import LightMemError, ModelError, ModelOutputError
from lightmem_integrations.models.protocols import Reranker
from lightmem_integrations.models.rerankers import BoundedReranker
from lightmem_integrations.recall.select.features import z_scores
from lightmem_integrations.recall.select.select import Scored


def rerank(
    reranker: Reranker,
    query: str,
    scored: Sequence[Scored],
    texts: Sequence[str],
    budget: Deadline,
) -> list[Scored]:
    """Order what the Selector chose anew, by the sum of both z-scores.

    The sum, since a model that was trained on web search alone often misjudges small talk.

    Args:
        reranker: Scores texts against a question.
        query: The question.
        scored: What the Selector chose, best first.
        texts: Their texts, in the same order.
        budget: How long the model may take.

    Raises:
        ModelError: The model failed, returned something unusable, or was late.
    """
    if len(scored) <= 1:
        return list(scored)
    given = budget.run(lambda left: _scores(reranker, query, texts, left))
    if given.shape != (len(scored),) or not np.isfinite(given).all():
        raise ModelOutputError(
            f"The re-ranker returned scores of shape {given.shape} for {len(scored)} texts; one "
            "finite number for each is needed."
        )
    total = z_scores(np.array([each.score for each in scored], np.float32)) + z_scores(given)
    best = [
        replace(each, score=float(score), parts={**each.parts, "reranker": float(own)})
        for each, score, own in zip(scored, total, given, strict=True)
    ]
    return sorted(best, key=lambda each: -each.score)


def _scores(
    reranker: Reranker, query: str, texts: Sequence[str], seconds: float
) -> NDArray[np.float32]:
    try:
        if isinstance(reranker, BoundedReranker):
            return np.asarray(reranker.score_within(query, texts, seconds), np.float32)
        return np.asarray(reranker.score(query, texts), np.float32)
    except LightMemError:
        raise
    except Exception as error:
        raise ModelError(f"The re-ranker failed: {error}") from error
