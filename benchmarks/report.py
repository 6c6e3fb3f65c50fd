"""Measure everything that docs/evaluation.md states, and write it there.

    python benchmarks/report.py --data locomo10.json --data beam.json.gz --data realmem.json.gz

The first file is also given to the retrievers of other frameworks. Tables stand between markers in
the page, the figures beside it; nothing else in the page is touched. `--only` measures one part
anew and leaves the others as they are, `--keep` keeps embedded stores for the next run. Times are
worth something on a quiet machine only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import embedders
import nothing_known
from comparison.report import category_of, judged, signed, verdicts
from comparison.results import MEASURES, Evaluation
from comparison.run import evaluate
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.evaluation.metrics import Interval
from lightmem_integrations.evaluation.report import measures, percent, ranged, worst_first
from lightmem_integrations.evaluation.run import evaluate as evaluate_own
from peers import PEERS
from plots import save_plots

COMPARED = ("lightmem", "lightmem:plain", "lightmem:words", "lightmem:meaning")
"""Rows of every set of data; the first is what the sets are sorted by."""

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evaluation.md"
_MIB = 1024 * 1024


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def load() -> str:
    """Load of the machine: a time that was taken beside other work is worth little."""
    return f"Load of the machine when it ended: {os.getloadavg()[1]:.1f}."


def sets(data: Sequence[Path], keep: Path | None) -> dict[str, str]:
    """Every set of data, the worst first, and the kinds of question in it."""
    found = []
    for path in data:
        with progress_bars() as show:
            found.append(evaluate_own(path, COMPARED, keep=keep, on_progress=show))
    found = list(worst_first(found))
    headings = ("", "questions", "hit@1", "hit@5", "hit@10", "recall@10", "MRR", "tokens")
    return {
        "sets": table(
            headings,
            (
                (
                    f"{each.data}, {row.contender}",
                    str(each.questions),
                    *measures(row),
                    f"{row.tokens:.0f}",
                )
                for each in found
                for row in each.rows
            ),
        )
        + f"\n\n{load()}",
        "kinds": table(
            ("", "questions", "hit@10", "MRR", *(f"MRR, {name}" for name in COMPARED[1:])),
            (
                (
                    f"{each.data}: {kind}",
                    str(scores.questions),
                    percent(scores.hit_at_10.mean),
                    *(percent(row.by_category[kind].mrr.mean) for row in each.rows),
                )
                for each in found
                for kind, scores in sorted(
                    each.rows[0].by_category.items(), key=lambda item: item[1].mrr.mean
                )
            ),
        ),
    }


def unknown(data: Sequence[Path], keep: Path | None) -> dict[str, str]:
    """How well the score of a recall tells that nothing is known."""
    by_file = {path.name: nothing_known.ask_all(path, keep) for path in data}
    return {"unknown": table(nothing_known.headings(), nothing_known.rows(by_file))}


def retrieval(data: Sequence[Path], _keep: Path | None) -> dict[str, str]:
    """All contenders; also draws the figures."""
    with progress_bars() as show:
        evaluation = evaluate(data[0], baselines=PEERS, on_progress=show)
    for path in save_plots(evaluation, PAGE.parent):
        if path.suffix != ".svg":
            path.unlink()  # the page shows the SVG
    return retrieval_tables(evaluation)


def retrieval_tables(evaluation: Evaluation) -> dict[str, str]:
    """The tables of an evaluation, by the name of their place in the page."""
    rows = evaluation.rows
    kinds = tuple(rows[0].by_category)
    columns = [f"{kind} ({rows[0].by_category[kind].questions})" for kind in kinds]
    machine = ", ".join(f"{name} {version}" for name, version in evaluation.machine.items())
    return {
        "run": f"{evaluation.conversations} conversations, {evaluation.turns:,} turns, "
        f"{evaluation.questions} questions asked and {evaluation.left_out} left out. {machine}. "
        + load(),
        "ranking": table(
            ("", "hit@1", "hit@5", "hit@10", "recall@10", "MRR", "worst conversation, hit@10"),
            (
                (
                    row.contender,
                    percent(row.overall.hit_at_1),
                    percent(row.overall.hit_at_5),
                    ranged(row.overall.hit_at_10),
                    percent(row.overall.recall_at_10),
                    ranged(row.overall.mrr),
                    percent(row.by_conversation[row.worst_conversation].hit_at_10.mean),
                )
                for row in rows
            ),
        ),
        "shown": table(
            (
                "",
                *(
                    f"{each.max_tokens:,}, {'K=5' if each.limited_by == 'k' else 'any K'}"
                    for each in rows[0].curve
                ),
            ),
            (
                (
                    row.contender,
                    *(
                        f"{percent(each.overall.hit.mean)} / {percent(each.overall.recall.mean)} "
                        f"/ {each.overall.tokens:.0f}"
                        for each in row.curve
                    ),
                )
                for row in rows
            ),
        ),
        "categories": "\n\n".join(
            f"{measure}:\n\n"
            + table(
                ("", "all", *columns),
                (
                    (
                        row.contender,
                        ranged(row.measured(measure)),
                        *(ranged(row.measured(measure, kind)) for kind in kinds),
                    )
                    for row in rows
                ),
            )
            for measure in MEASURES
        ),
        "differences": "\n\n".join([*differences(evaluation), *verdicts(evaluation)]),
        "costs": table(
            ("", "tokens", "query p50, ms", "query p95, ms", "per turn, ms"),
            (
                (
                    row.contender,
                    f"{row.costs.context_tokens:.0f}",
                    f"{row.costs.query_p50_ms:.1f}",
                    f"{row.costs.query_p95_ms:.1f}",
                    f"{row.costs.add_ms:.1f}",
                )
                for row in rows
            ),
        ),
    }


def differences(evaluation: Evaluation) -> Iterable[str]:
    """A table for each judged row: its difference to the best baseline of every cell."""
    for name in judged(evaluation):
        compared = [each for each in evaluation.differences if each.contender == name]
        first = [each for each in compared if each.measure == MEASURES[0]]
        yield table(
            (name, *(category_of(each) for each in first)),
            (
                (
                    measure,
                    *(
                        f"{signed(each.difference)} ({each.baseline})"
                        for each in compared
                        if each.measure == measure
                    ),
                )
                for measure in MEASURES
            ),
        )


def run(script: str, *arguments: str) -> str:
    """Output of another benchmark, from a process of its own."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def embedding(data: Sequence[Path], _keep: Path | None) -> dict[str, str]:
    """The shipped 8-bit model against the 32-bit one."""
    found = embedders.compare(data[0])
    rows = [
        (
            f"{each['row']}, {each['measure']}",
            percent(each["int8"]),
            percent(each["fp32"]),
            signed(Interval(each["difference"], each["low"], each["high"])),
        )
        for each in found["rows"]
    ]
    cosine = (
        f"Cosine similarity of the two models' vectors over {found['texts']:,} turns: mean "
        f"{found['mean_cosine']:.4f}, least {found['least_cosine']:.4f}."
    )
    return {"embedding": f"{cosine}\n\n" + table(("", "int8", "fp32", "difference"), rows)}


def writing(data: Sequence[Path], _keep: Path | None) -> dict[str, str]:
    """Memory and disk for 10,000 turns."""
    # In a process of its own: the peak of this one's memory would be that of all parts.
    found = json.loads(run("write_path.py", "--json", "--data", str(data[0])))
    rows = [
        (f"on disk: {key.partition(' ')[2] or 'all'}", f"{value / _MIB:.1f} MiB")
        for key, value in found.items()
        if key.startswith("bytes") and value
    ]
    rows += [
        ("peak memory of the process, warmed up", f"{found['memory_mib_warm']:.0f} MiB"),
        ("peak memory, 10,000 turns added and indexed", f"{found['memory_mib_indexed']:.0f} MiB"),
        ("peak memory, and asked 200 questions", f"{found['memory_mib_asked']:.0f} MiB"),
        ("turns embedded and indexed", f"{found['indexed_per_second']:.0f} a second"),
    ]
    parts = [(part, f"{size / _MIB:.1f} MiB") for part, size in found["parts"].items()]
    return {
        "writing": f"{table(('', ''), rows)}\n\n{load()}",
        "bytes": table(("on disk per 10,000 turns", ""), parts),
    }


PARTS: dict[str, Callable[[Sequence[Path], Path | None], dict[str, str]]] = {
    "sets": sets,
    "unknown": unknown,
    "retrieval": retrieval,
    "embedding": embedding,
    "writing": writing,
}


def put(page: str, name: str, text: str) -> str:
    """The page with this text between the markers of that name.

    Raises:
        ValueError: The page has no such markers.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"The page has no single pair of markers for {name!r}.")
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"


def main(
    *,
    data: Annotated[
        list[Path],
        typer.Option(
            help="Conversations with questions; may be given several times.",
            exists=True,
            dir_okay=False,
        ),
    ],
    keep: Annotated[Path | None, typer.Option(help="Where embedded stores stay.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(PARTS)}; may be repeated.")
    ] = None,
) -> None:
    """Write the measured parts of docs/evaluation.md anew."""
    if others := set(only or ()) - set(PARTS):
        raise typer.BadParameter(f"{', '.join(others)} is none of {', '.join(PARTS)}")
    for part in only or PARTS:
        measured: dict[str, Any] = PARTS[part](data, keep)
        page = PAGE.read_text(encoding="utf-8")
        for name, text in measured.items():
            page = put(page, name, text)
        PAGE.write_text(page, encoding="utf-8")
        print(f"{part}: written to {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    typer.run(main)
