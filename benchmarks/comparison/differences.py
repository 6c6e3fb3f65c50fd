"""This library's rows against the best baseline, question by question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.evaluation.metrics import Interval, interval

Values = Mapping[str, Sequence[float]]
"""One value for each question, by measure."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Paired difference between one row and the best baseline, by the bootstrap.

    Attributes:
        contender: The row.
        measure: ``hit@10``, ``MRR`` or ``recall at 1,000 tokens``.
        category: The kind of question; ``None`` for all questions.
        questions: How many questions.
        baseline: The baseline with the highest mean there, chosen anew for each measure and
            category: no single one has to be that good everywhere.
        difference: Mean difference, with its 95 % interval over questions.
    """

    contender: str
    measure: str
    category: str | None
    questions: int
    baseline: str
    difference: Interval


def differences(
    own: Mapping[str, Values], baselines: Mapping[str, Values], categories: Sequence[str]
) -> tuple[Difference, ...]:
    """Every row of ours against the best baseline, for each measure, over all and by category.

    Args:
        own: Values of our rows, by name; the same questions in the same order everywhere.
        baselines: Values of the baselines, by name. With none there is nothing to compare.
        categories: The kind of each question.
    """
    if not baselines:
        return ()
    kinds = np.array(categories)
    groups: list[tuple[str | None, NDArray[np.bool_]]] = [(None, np.ones(len(kinds), np.bool_))]
    groups += [(kind, kinds == kind) for kind in dict.fromkeys(categories)]
    found = []
    for name, measured in own.items():
        for measure, values in measured.items():
            for category, inside in groups:
                theirs = {one: _part(each[measure], inside) for one, each in baselines.items()}
                best = max(theirs, key=lambda one: float(theirs[one].mean()))
                paired = _part(values, inside) - theirs[best]
                found.append(
                    Difference(name, measure, category, len(paired), best, interval(paired))
                )
    return tuple(found)


def _part(values: Sequence[float], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)[inside]
