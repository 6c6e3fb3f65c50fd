"""Re-ranking: a model reads the best of the Selection and orders them anew.

The kinds of re-rankers are in `models/rerankers.py`; whatever one gives, it is used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.engine.deadline import Deadline
from lightmem_integrations.errors import LightMemError, ModelError, ModelOutputError
from lightmem_integrations.models.protocols import BoundedReranker, Reranker
from lightmem_integrations.recall.candidates import ScoredTurn
from lightmem_integrations.recall.scores import with_floors, z_scores


def rerank(
    reranker: Reranker,
    query: str,
    best: Sequence[ScoredTurn],
    texts: Sequence[str],
    deadline: Deadline,
    importance: NDArray[np.float32] | None = None,
) -> list[ScoredTurn]:
    """Order the chosen ones anew, by the sum of the Selector's and the model's z-scores.

    The sum, since a model that was trained on web search alone often misjudges small talk.

    Args:
        reranker: Scores texts against a question.
        query: The question.
        best: The chosen ones, best first.
        texts: Their texts, in the same order.
        deadline: How long the model may take.
        importance: How much each of them counts at least, from 0 to 1.

    Raises:
        ModelError: The model failed, returned something unusable, or was late.
    """
    if len(best) <= 1:
        return list(best)
    judged = deadline.run(lambda: _judge(reranker, query, texts, deadline.left))
    if judged.shape != (len(best),) or not np.isfinite(judged).all():
        raise ModelOutputError(
            f"The re-ranker returned scores of shape {judged.shape} for {len(best)} texts; one "
            "finite number for each is needed."
        )
    total = z_scores(np.array([scored.score for scored in best], np.float32)) + z_scores(judged)
    if importance is not None:
        total = with_floors(total, importance)
    reranked = [
        replace(scored, score=float(both), parts={**scored.parts, "reranker": float(own)})
        for scored, both, own in zip(best, total, judged, strict=True)
    ]
    return sorted(reranked, key=lambda scored: -scored.score)


def _judge(
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
