"""How often "nothing is known" comes back where nothing is, and what hits that costs elsewhere.

    python benchmarks/nothing_known.py --data FILE [FILE ...] [--fit]

Files are of LoCoMo's form, also with `role` and `asked_at`, plain or gzipped. Each question with
evidence is asked of its own conversation and, under the names of the speakers there, of the next
one in the file, which knows nothing of it. Questions that the data calls unanswerable (LoCoMo's
category 5, BEAM's abstention, no evidence) are asked too: they are about what was talked about.

`--fit` fits the Platt scaling of `recall/scores.py` to the first file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lightmem_integrations import LightMem, Settings, Turn

THRESHOLDS = (0.1, 0.3, 0.5)
NOISE = 0.8  # share of the questions about another conversation to be held back
_MOST = 90_000  # characters of a turn: the store takes 100,000


@dataclass(frozen=True)
class Asked:
    """One question: the best score and evidence that came back, and whether the turns did."""

    kind: str  # own, foreign, unanswerable
    score: float
    evidence: float
    hit: bool


def sessions(sample: dict) -> list[tuple[str, list[Turn]]]:
    """The sessions of a conversation, oldest first."""
    talk = sample["conversation"]
    numbers = sorted(int(m[1]) for key in talk if (m := re.fullmatch(r"session_(\d+)", key)))
    found = []
    for number in numbers:
        start = dt.datetime.strptime(
            talk[f"session_{number}_date_time"], "%I:%M %p on %d %B, %Y"
        ).replace(tzinfo=dt.timezone.utc)
        turns = []
        for position, turn in enumerate(talk[f"session_{number}"]):
            caption = turn.get("blip_caption")
            text = turn["text"] + (f" [shares image: {caption}]" if caption else "")
            role = "user" if turn["speaker"] == talk["speaker_a"] else "assistant"
            turns.append(
                Turn(
                    id=turn["dia_id"],
                    role=turn.get("role", role),
                    speaker=None if "role" in turn else turn["speaker"],
                    time=start + dt.timedelta(seconds=position),
                    text=text[:_MOST],
                )
            )
        found.append((f"session_{number}", [turn for turn in turns if turn.text.strip()]))
    return found


def renamed(question: str, own: dict, other: dict) -> str:
    """The question under the names of another conversation's speakers."""
    for name in ("speaker_a", "speaker_b"):
        question = re.sub(rf"\b{re.escape(own[name])}\b", other[name], question)
    return question


def ask_all(samples: list[dict]) -> list[Asked]:
    """Every question of a file, of its own conversation and of the next one."""
    asked = []
    settings = Settings(background_indexing=False, embed_seconds=60.0)
    with tempfile.TemporaryDirectory() as folder, LightMem(folder, settings=settings) as memory:
        times = {}
        for sample in samples:
            for session_id, turns in sessions(sample):
                memory.add(turns, user_id=sample["sample_id"], session_id=session_id)
                times |= {(sample["sample_id"], turn.id): turn.time for turn in turns}
            memory.index_pending()
        memory.warm_up()

        def ask(kind: str, text: str, user_id: str, evidence: set[str], until: object) -> None:
            found = memory.recall(
                text, user_id=user_id, max_tokens=100_000, until=until, strict=True
            )
            parts = [hit.parts["evidence"] for hit in found.hits]
            hit = any(turn.id in evidence for hit in found.hits for turn in hit.turns)
            asked.append(Asked(kind, found.score, max(parts, default=0.0), hit))

        for sample, following in zip(samples, samples[1:] + samples[:1], strict=True):
            user_id, talk = sample["sample_id"], sample["conversation"]
            for entry in sample["qa"]:
                text = entry["question"]
                until = times.get((user_id, entry.get("asked_at")))
                ids = {name for each in entry["evidence"] for name in re.findall(r"D\d+:\d+", each)}
                if entry["category"] in (5, "abstention") or not ids:
                    ask("unanswerable", text, user_id, set(), until)
                    continue
                ask("own", text, user_id, ids, until)
                elsewhere = renamed(text, talk, following["conversation"])
                ask("foreign", elsewhere, following["sample_id"], set(), None)
    return asked


def auroc(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """Chance that one of the first is above one of the second; a tie counts half."""
    below = np.searchsorted(np.sort(lower), higher, "left")
    not_above = np.searchsorted(np.sort(lower), higher, "right")
    return float((below + not_above).mean() / 2 / len(lower))


def fit(asked: list[Asked]) -> tuple[float, float]:
    """Slope and middle of the logistic that tells own questions from foreign ones by evidence."""
    judged = [each for each in asked if each.kind != "unanswerable"]
    evidence = np.array([each.evidence for each in judged])
    known = np.array([each.kind == "own" for each in judged])

    def loss(line: NDArray[np.float64]) -> float:
        odds = line[0] * evidence + line[1]
        return float((np.logaddexp(0, odds) - known * odds).mean())

    slope, start = minimize(loss, [1.0, 0.0], method="BFGS").x
    return slope, -start / slope


def main() -> None:
    """Ask, print the table, and with --fit the scaling."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--fit", action="store_true", help="fit the scaling to the first file")
    arguments = parser.parse_args()
    by_file = {}
    for path in arguments.data:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            by_file[path.name] = ask_all(json.load(file))
    cuts = "".join(f" below {cut} |" for cut in THRESHOLDS)
    print(f"| data | AUROC |{cuts} hits lost with {NOISE:.0%} held back |")
    print("| --- | ---: |" + " ---: |" * len(THRESHOLDS) + " ---: |")
    for name, asked in by_file.items():
        own, foreign, unanswerable = (
            np.array([each.score for each in asked if each.kind == kind and wanted(each)])
            for kind, wanted in (
                ("own", lambda each: each.hit),
                ("foreign", lambda _: True),
                ("unanswerable", lambda _: True),
            )
        )
        cells = [
            " / ".join(f"{(scores < cut).mean():.1%}" for scores in (foreign, unanswerable, own))
            for cut in THRESHOLDS
        ]
        lost = (own < np.quantile(foreign, NOISE)).mean()
        print(f"| {name} | {auroc(own, foreign):.3f} | {' | '.join(cells)} | {lost:.1%} |")
        print(f"<!-- {len(own)} own with a hit, {len(foreign)} foreign, {len(unanswerable)} -->")
    if arguments.fit:
        slope, middle = fit(next(iter(by_file.values())))
        print(f"slope {slope:.1f}, middle {middle:.2f}")


if __name__ == "__main__":
    main()
