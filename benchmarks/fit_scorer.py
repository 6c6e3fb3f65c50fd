"""Fit the weights of the scorer and print what each part of it is worth.

    python benchmarks/fit_scorer.py --data ../shared/data/locomo-dev.json [--write]

Each conversation is ranked by weights that were fitted on the others (leave one out). The
candidates are those that the online path sees: the lexical and the dense top and the turns next to
them, with more neighbours as context. `--write` fits once more on all conversations and writes
`weights.json`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lightmem_integrations.models.onnx import OnnxEmbedder
from lightmem_integrations.models.token_vectors import compact, ignored_tokens
from lightmem_integrations.recall.candidates import (
    REACH,
    SPREAD,
    Candidates,
    EmbeddedQuery,
    QueryTerms,
)
from lightmem_integrations.recall.select import scorer
from lightmem_integrations.recall.select.features import FEATURES, features
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.turn_reads import Turns
from lightmem_integrations.text.bm25 import inverse_frequency
from lightmem_integrations.text.temporal import time_window
from lightmem_integrations.text.terms import terms

# `lexical` is only for the order without fitted weights: beside `lexical_window` it weighs nothing.
# `evidence` is for comparing questions.
UNFITTED = ("lexical", "evidence")
LATE = ("maxsim", "maxsim_context", "reply")
AGAINST = ("question",)
# Held below what the fit would give (2.7 and 4.1), for 0.002 of MRR: the questions of LoCoMo name
# the speaker and the day more reliably than people do.
AT_MOST = {"speaker": 2.0, "in_time": 3.0}
RIDGE = 0.001
METRICS = ("hit@1", "hit@5", "hit@10", "recall@10", "MRR")


@dataclass(frozen=True)
class Question:
    """One question with the features of its candidates and what the metrics need."""

    category: int
    evidence: int
    relevant: NDArray[np.bool_]
    table: NDArray[np.float32]


def read(sample: dict) -> tuple[Turns, dict[str, int]]:
    """Turns of a LoCoMo conversation, embedded, and their places by `dia_id`."""
    conversation = sample["conversation"]
    numbers = sorted(
        int(m[1]) for key in conversation if (m := re.fullmatch(r"session_(\d+)", key))
    )
    embedder = OnnxEmbedder()
    ignored = ignored_tokens(embedder.vocabulary())
    places: dict[str, int] = {}
    raw = []
    for number in numbers:
        said = dt.datetime.strptime(
            conversation[f"session_{number}_date_time"], "%I:%M %p on %d %B, %Y"
        ).replace(tzinfo=dt.timezone.utc)
        for position, turn in enumerate(conversation[f"session_{number}"]):
            caption = turn.get("blip_caption")
            text = turn["text"] + (f" [shares image: {caption}]" if caption else "")
            places[turn["dia_id"]] = len(raw)
            raw.append((number, position, turn["speaker"], text, said.timestamp()))
    encodings = embedder.encode([f"{speaker}: {text}" for _, _, speaker, text, _ in raw])
    turns = Turns(
        rows=np.arange(len(raw)),
        sessions=np.array([each[0] for each in raw]),
        positions=np.array([each[1] for each in raw]),
        said_at=np.array([each[4] for each in raw]),
        searchable=np.ones(len(raw), np.bool_),
        roles=["user"] * len(raw),
        speakers=[each[2] for each in raw],
        texts=[each[3] for each in raw],
        terms=[" ".join(terms(each[3])) for each in raw],
        vectors=np.stack([each.vector for each in encodings]),
        embedded=np.ones(len(raw), np.bool_),
        tokens=[
            each.tobytes() for each in compact([(e.tokens, e.ids) for e in encodings], ignored)
        ],
    )
    return turns, places


def candidates_of(turns: Turns, query: EmbeddedQuery, weighed: QueryTerms, size: int) -> Candidates:
    """The candidates of the online path: `size` turns by words and `size` by meaning."""
    idf = weighed.idf
    held = [set(text.split()) for text in turns.terms]
    shared = np.array([sum(idf[term] for term in idf if term in words) for words in held])
    dense = turns.vectors @ query.vector
    newest_first = -turns.rows
    by_words = np.lexsort((newest_first, -shared))[:size]
    found = {int(i) for i in by_words if shared[i] > 0}
    found |= {int(i) for i in np.argsort(-dense, kind="stable")[:size]}
    chosen = nearby(turns, found, SPREAD)
    wanted = sorted(nearby(turns, chosen, REACH))
    places = np.array([place for place, i in enumerate(wanted) if i in chosen], dtype=np.int64)
    taken = turns.take(np.array(wanted))
    return Candidates(taken, places, taken.searchable, weighed)


def nearby(turns: Turns, places: set[int], steps: int) -> set[int]:
    """The places with those up to so many steps away in the same session."""
    return {
        near
        for i in places
        for near in range(max(0, i - steps), min(len(turns), i + steps + 1))
        if turns.sessions[near] == turns.sessions[i]
    }


def prepare(sample: dict, size: int, clock: list[float]) -> list[Question]:
    """Questions of categories 1 to 4 with known evidence, with the features of their pools."""
    turns, places = read(sample)
    seen = Counter(term for each in turns.terms for term in set(each.split()))
    average = float(np.mean([len(each.split()) for each in turns.terms]))
    speakers = set(turns.speakers)
    now = dt.datetime.fromtimestamp(turns.said_at[-1], dt.timezone.utc)
    embedder = OnnxEmbedder()
    found = []
    for entry in sample["qa"]:
        ids = {name for each in entry["evidence"] for name in re.findall(r"D\d+:\d+", each)}
        evidence = {places[name] for name in ids if name in places}
        if entry["category"] == 5 or not evidence:
            continue
        text = entry["question"]
        encoding = embedder.encode([text])[0]
        wanted = list(dict.fromkeys(terms(text)))
        named = frozenset(s for s in speakers if re.search(rf"\b{re.escape(s)}\b", text, re.I))
        idf = {term: inverse_frequency(seen[term], len(turns)) for term in wanted}
        since, until = time_window(text, now)
        plan = Plan(queries=(text,), speakers=named, since=since, until=until)
        query = EmbeddedQuery(text, encoding.vector, encoding)
        candidates = candidates_of(turns, query, QueryTerms(wanted, idf, average), size)
        start = time.perf_counter()
        table = features(plan, query, candidates)
        clock.append(time.perf_counter() - start)
        relevant = np.isin(candidates.turns.rows[candidates.chosen], list(evidence))
        found.append(Question(entry["category"], len(evidence), relevant, table))
    return found


def fit(questions: list[Question], names: tuple[str, ...]) -> NDArray[np.float32]:
    """Weights that make evidence most probable (softmax over the pool), each of its right sign."""
    columns = [FEATURES.index(name) for name in names]
    known = [q for q in questions if q.relevant.any()]
    sizes = [len(q.table) for q in known]
    table = np.concatenate([q.table[:, columns] for q in known]).astype(np.float64)
    target = np.concatenate([q.relevant / q.relevant.sum() for q in known])
    starts = np.cumsum([0, *sizes[:-1]])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = table @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        raised = np.exp(scores)
        share = raised / np.repeat(np.add.reduceat(raised, starts), sizes)
        value = -(target @ np.log(share + 1e-12)) / len(known) + RIDGE * weights @ weights
        return value, table.T @ (share - target) / len(known) + 2 * RIDGE * weights

    bounds = [(None, 0) if name in AGAINST else (0, AT_MOST.get(name)) for name in names]
    best = minimize(loss, np.zeros(len(names)), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = np.zeros(len(FEATURES), dtype=np.float32)
    weights[columns] = best
    return weights


def measure(question: Question, scores: NDArray[np.float32]) -> tuple[float, ...]:
    """The metrics of one question, in the order of METRICS."""
    relevant = question.relevant[np.argsort(-scores, kind="stable")]
    first = int(relevant.argmax()) + 1 if relevant.any() else 10_000
    return (
        float(first <= 1),
        float(first <= 5),
        float(first <= 10),
        relevant[:10].sum() / question.evidence,
        1 / first if first <= 20 else 0.0,
    )


def report(name: str, folds: list[list[Question]], scored: list[list[NDArray[np.float32]]]) -> None:
    """Print a variant's metrics: every fold, the mean over questions, the worst fold."""
    values = [
        np.array([measure(q, s) for q, s in zip(fold, scores, strict=True)])
        for fold, scores in zip(folds, scored, strict=True)
    ]
    rows = [("fold " + str(i + 1), each.mean(0)) for i, each in enumerate(values)]
    every = np.concatenate(values)
    rows += [("mean", every.mean(0)), ("worst", np.min([row for _, row in rows], axis=0))]
    if name == "full scorer":
        category = np.array([q.category for fold in folds for q in fold])
        rows += [(f"category {c}", every[category == c].mean(0)) for c in (1, 2, 3, 4)]
    for label, row in rows:
        print(f"{name:22} {label:11}" + "".join(f"{value:10.3f}" for value in row))


def main() -> None:
    """Fit, print, and with --write store the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="locomo-dev.json")
    parser.add_argument("--pool", type=int, default=48, help="turns found by words and by meaning")
    parser.add_argument("--write", action="store_true", help="write recall/select/weights.json")
    arguments = parser.parse_args()
    samples = json.loads(arguments.data.read_text(encoding="utf-8"))
    clock: list[float] = []
    folds = [prepare(sample, arguments.pool, clock) for sample in samples]
    questions = [q for fold in folds for q in fold]
    reached = np.mean([q.relevant.any() for q in questions])
    sizes = np.mean([len(q.table) for q in questions])
    print(f"{len(questions)} questions, {sizes:.0f} candidates, evidence among them: {reached:.3f}")
    print(
        f"features: p50 {np.median(clock) * 1e3:.2f} ms, p95 {np.quantile(clock, 0.95) * 1e3:.2f}"
    )
    print(" " * 34 + "".join(f"{metric:>10}" for metric in METRICS))
    for name, column in (("dense only", "dense"), ("BM25 only", "lexical")):
        place = FEATURES.index(column)
        report(name, folds, [[q.table[:, place] for q in fold] for fold in folds])
    plain = [[scorer.plain_fusion(q.table) for q in fold] for fold in folds]
    report("plain fusion", folds, plain)
    full = tuple(name for name in FEATURES if name not in UNFITTED)
    without = tuple(name for name in full if name not in LATE)
    fitted = {}
    for label, names in (("scorer without MaxSim", without), ("full scorer", full)):
        scored = []
        for held in range(len(folds)):
            weights = fit([q for i, f in enumerate(folds) if i != held for q in f], names)
            scored.append([q.table @ weights for q in folds[held]])
        report(label, folds, scored)
        weights = fit(questions, names)
        key = "full" if names == full else "without_tokens"
        fitted[key] = {name: round(float(weights[FEATURES.index(name)]), 3) for name in names}
        print("   ", fitted[key])
    if arguments.write:
        made = {
            "data": f"{arguments.data.name}, LoCoMo (CC BY-NC 4.0): "
            f"{', '.join(s['sample_id'] for s in samples)}; "
            f"{len(questions)} questions of categories 1-4",
            "date": dt.datetime.now(dt.timezone.utc).date().isoformat(),
            "command": " ".join(["python", *sys.argv]),
        }
        target = Path(scorer.__file__).with_name("weights.json")
        target.write_text(json.dumps({"made": made, **fitted}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
