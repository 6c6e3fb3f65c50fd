"""Two figures of an evaluation: recall against tokens, and quality against time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from comparison.contenders import is_own
from comparison.results import HEADLINE_BUDGET, Evaluation, Row
from lightmem_integrations.evaluation.stages import OWN

# Okabe and Ito's colours, told apart with any colour vision: warm for baselines, cold for ours,
# and each with a marker of its own.
_OURS = ("#56B4E9", "#009E73", "#7F7F7F", "#CC79A7", "#0072B2")
_THEIRS = ("#D55E00", "#E69F00", "#A6761D", "#000000")
_OUR_MARKERS = ("v", "^", "s", "D", "o")
_THEIR_MARKERS = ("X", "P", "*", "h")
_INK = "#333333"
_FONT = 9
_DOTS_PER_INCH = 110
_PANEL_POINTS = 230


def save_plots(evaluation: Evaluation, folder: Path) -> tuple[Path, ...]:
    """Write both figures as SVG and PNG.

    Args:
        evaluation: What ``run.evaluate`` returned, with at least one row.
        folder: Where they go; made if need be. Files of the same name are replaced.

    Returns:
        The files: ``recall-by-tokens`` and ``quality-by-time``, each ``.svg`` and ``.png``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    # Text stays text and ids stay the same, so that a file changes only where a figure does.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": OWN, "font.size": _FONT}):
        for name, draw, height in (
            ("recall-by-tokens", _recall_by_tokens, 4.6),
            ("quality-by-time", _quality_by_time, 7.6),
        ):
            figure = Figure(figsize=(8.4, height), layout="constrained")
            draw(figure, evaluation)
            for ending in ("svg", "png"):
                path = folder / f"{name}.{ending}"
                undated = {"Date": None} if ending == "svg" else {}
                figure.savefig(path, dpi=_DOTS_PER_INCH, metadata=undated)
                written.append(path)
    return tuple(written)


@dataclass(frozen=True, slots=True)
class _Look:
    colour: str
    marker: str
    width: float


def _looks(rows: Sequence[Row]) -> dict[str, _Look]:
    found = {}
    for ours in (True, False):
        # The last of ours, the default, always looks the same.
        colours, markers = (_OURS, _OUR_MARKERS) if ours else (_THEIRS, _THEIR_MARKERS)
        names = [row.contender for row in rows if is_own(row.contender) == ours]
        for place, name in enumerate(each for each in names if each != OWN):
            i = place % (len(colours) - ours)
            found[name] = _Look(colours[i], markers[i], 1.4)
    found[OWN] = _Look(_OURS[-1], _OUR_MARKERS[-1], 2.4)
    return found


def _recall_by_tokens(figure: Figure, evaluation: Evaluation) -> None:
    axes = figure.add_subplot()
    looks = _looks(evaluation.rows)
    ends = []
    for row in evaluation.rows:
        look = looks[row.contender]
        many = [each for each in row.curve if each.limited_by == "tokens"]
        across = [each.overall.tokens for each in many]
        up = [100 * each.overall.recall.mean for each in many]
        axes.plot(
            across, up, color=look.colour, marker=look.marker, linewidth=look.width, markersize=6
        )
        few = next(
            each
            for each in row.curve
            if each.limited_by == "k" and each.max_tokens == HEADLINE_BUDGET
        )
        axes.plot(
            [few.overall.tokens],
            [100 * few.overall.recall.mean],
            color=look.colour,
            marker=look.marker,
            markerfacecolor="white",
            markersize=6,
            linestyle="none",
        )
        ends.append((row.contender, across[-1], up[-1], look.colour))
    axes.set_xlabel("tokens of the context (mean)")
    axes.set_ylabel("share of the evidence shown, %")
    _title(
        axes,
        f"Evidence shown at equal tokens: {_questions(evaluation)}",
        "Filled: as many results as the budget of 400, 1,000 or 2,000 tokens holds. "
        "Hollow: 5 results.",
    )
    _bare(axes)
    _name_points(axes, ends)


def _quality_by_time(figure: Figure, evaluation: Evaluation) -> None:
    looks = _looks(evaluation.rows)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes, measure in ((upper, "hit@10"), (lower, "MRR")):
        ends = []
        for row in evaluation.rows:
            look = looks[row.contender]
            value = row.measured(measure)
            middle, late = row.costs.query_p50_ms, row.costs.query_p95_ms
            axes.errorbar(
                [middle],
                [100 * value.mean],
                yerr=[[100 * (value.mean - value.low)], [100 * (value.high - value.mean)]],
                xerr=[[0], [late - middle]],
                color=look.colour,
                marker=look.marker,
                markersize=7,
                elinewidth=0.9,
            )
            ends.append((row.contender, late, 100 * value.mean, look.colour))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_ylabel(f"{measure}, %")
        _bare(axes)
        _name_points(axes, ends)
    lower.set_xlabel("milliseconds per query (logarithmic)")
    _title(
        upper,
        f"Quality and time: {_questions(evaluation)}",
        "Marker: median time; whisker to the right: 95th percentile; upright: 95 % interval.",
    )


def _questions(evaluation: Evaluation) -> str:
    return f"{evaluation.data}, {evaluation.questions} questions"


def _title(axes: Axes, title: str, explained: str) -> None:
    axes.set_title(f"{title}\n", loc="left", fontsize=_FONT + 2, color=_INK, parse_math=False)
    axes.annotate(
        explained,
        (0, 1),
        (0, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=_FONT - 1,
        color=_INK,
    )


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#E5E5E5", linewidth=0.6)
    axes.set_axisbelow(True)


def _name_points(axes: Axes, ends: Sequence[tuple[str, float, float, str]]) -> None:
    """Names beside the axes, in the order of their points and far enough apart to be read."""
    low, high = axes.get_ylim()
    # In the units of the axes; a panel is about so many points high.
    apart = (_FONT + 3) / _PANEL_POINTS * (high - low)
    ordered = sorted(ends, key=lambda each: each[2])
    heights: list[float] = []
    for _, _, y, _ in ordered:
        heights.append(max(y, heights[-1] + apart) if heights else y)
    top = high
    for i in reversed(range(len(heights))):
        heights[i] = min(heights[i], top)
        top = heights[i] - apart
    for (name, x, y, colour), wanted in zip(ordered, heights, strict=True):
        axes.annotate(
            name,
            (x, y),
            (1.03, (wanted - low) / (high - low)),
            textcoords="axes fraction",
            va="center",
            color=colour,
            fontweight="bold" if name == OWN else "normal",
            parse_math=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.5,
                "alpha": 0.6,
                "relpos": (0, 0.5),
                "shrinkA": 1,
            },
        )
    axes.set_ylim(low, high)
