"""Rows with models that one brings along: cross-encoders and small language models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from comparison.contenders import Contender
from lightmem_integrations.evaluation.metrics import DEPTH
from lightmem_integrations.evaluation.stages import OWN, OwnMemory
from lightmem_integrations.settings import Settings

# Longer than any model should take: what it is worth is measured, and how long it takes beside it.
# In use, a model that exceeds its time is left out.
_PATIENT = 600.0
_QUERIES = 2  # a guess


class WithModel(OwnMemory):
    """A recall with one model more, asked for few results: it reads twice as many.

    Attributes:
        most: The largest k that it is asked for.
    """

    most = DEPTH


def model_rows(
    rerankers: Sequence[str] = (), slms: Sequence[Path] = ()
) -> Mapping[str, Callable[[Path], Contender]]:
    """Rows for ``run.evaluate(extra=...)``, by name: a default recall with one model more.

    Such a row is asked for at most 20 results, since a model that re-ranks reads twice as many.

    Args:
        rerankers: Names or folders of cross-encoders.
        slms: Files of small language models (GGUF). Each gives two rows: one in which it points
            at the best candidates, and one in which it writes two hypothetical queries.
    """
    rows: dict[str, Callable[[Path], Contender]] = {}
    for name in rerankers:
        rows[f"{OWN}:{Path(name).name}"] = _with_cross_encoder(name)
    for file in slms:
        rows[f"{OWN}:{file.stem} points"] = _with_pointers(file)
        rows[f"{OWN}:{file.stem} queries"] = _with_queries(file)
    return rows


def _with_cross_encoder(name: str) -> Callable[[Path], Contender]:
    def make(folder: Path) -> Contender:
        from lightmem_integrations.models.rerankers import CrossEncoderReranker

        return WithModel(
            folder,
            Settings(model_seconds=_PATIENT),
            f"A default recall, re-ranked by the cross-encoder {name}.",
            reranker=CrossEncoderReranker(name),
        )

    return make


def _with_pointers(file: Path) -> Callable[[Path], Contender]:
    def make(folder: Path) -> Contender:
        from lightmem_integrations.models.rerankers import SLMReranker

        return WithModel(
            folder,
            Settings(model_seconds=_PATIENT),
            f"A default recall, in which {file.name} points at the best candidates.",
            reranker=SLMReranker(str(file)),
        )

    return make


def _with_queries(file: Path) -> Callable[[Path], Contender]:
    def make(folder: Path) -> Contender:
        return WithModel(
            folder,
            Settings(model_seconds=_PATIENT, hypothetical_queries=_QUERIES),
            f"A default recall, for which {file.name} writes {_QUERIES} hypothetical queries.",
            slm=str(file),
        )

    return make
