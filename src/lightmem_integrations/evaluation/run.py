"""Every question asked of every row: what is found, what is shown, and how long it takes."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.evaluation.filled_store import fill
from lightmem_integrations.evaluation.metrics import (
    DEPTH,
    Ranking,
    Scores,
    distinct,
    interval,
    scores,
)
from lightmem_integrations.evaluation.results import Evaluation, Row
from lightmem_integrations.evaluation.stages import STAGES, Retriever

WARM_UP = "Is there anything that I should know?"
"""First question to each user's memory, whose time does not count."""

Tell = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much."""


def evaluate(
    data: Path,
    names: Sequence[str] | None = None,
    *,
    sample: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    on_progress: Tell = lambda *_: None,
) -> Evaluation:
    """Ask every row the same questions, over one store that holds all turns.

    Each runs by itself, after a first question for each user that is not timed. Times are those of
    this machine, in this run.

    Args:
        data: A file that ``conversations.read`` understands.
        names: Names of ``STAGES``; ``None`` for all.
        sample: Ask only so many questions, drawn at random; the memories stay whole.
        seed: Which questions are drawn.
        keep: Folder in which the store stays, to be taken again in a later run.
        on_progress: Called after every session that was stored and every question that was asked.

    Raises:
        InvalidRequestError: If the file cannot be used, a name is unknown, or ``sample`` is
            not positive.
    """
    wanted = chosen(names, tuple(STAGES))
    whole = read(data)
    conversations = whole if sample is None else sampled(whole, sample, seed)
    turns = sum(len(each.turns) for each in conversations)
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        fill(
            folder,
            conversations,
            keep=keep,
            on_progress=lambda done: on_progress("storing turns", done, turns),
        )
        for row in wanted:
            with closing(STAGES[row](folder)) as retriever:
                rows.append(_measured(row, retriever, conversations, on_progress))
    return Evaluation(
        data=data.name,
        conversations=len(conversations),
        turns=turns,
        questions=count_questions(conversations),
        sampled_from=None if sample is None else count_questions(whole),
        seed=None if sample is None else seed,
        left_out=sum(each.left_out for each in conversations),
        rows=tuple(rows),
    )


def chosen(names: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The names asked for, checked; all that are known for ``None``.

    Raises:
        InvalidRequestError: If a name is not known, or none is given.
    """
    if names is None:
        return tuple(known)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InvalidRequestError(
            f"No contender is called {', '.join(map(repr, unknown)) or 'nothing'}; "
            f"known are {', '.join(known)}."
        )
    return distinct(names)


def count_questions(conversations: Iterable[Conversation]) -> int:
    """Number of questions of all conversations."""
    return sum(len(each.questions) for each in conversations)


def sampled(
    conversations: Sequence[Conversation], count: int, seed: int
) -> tuple[Conversation, ...]:
    """The conversations with so many of their questions, drawn at random; turns stay as they are.

    Raises:
        InvalidRequestError: If ``count`` is not positive.
    """
    every = _places(conversations, count)
    # No secret is made of it: the same seed must draw the same questions.
    drawn = random.Random(seed).sample(every, min(count, len(every)))  # noqa: S311
    return _only(conversations, set(drawn))


def spread(
    conversations: Sequence[Conversation], count: int, seed: int
) -> tuple[Conversation, ...]:
    """As ``sampled``, but spread over categories, and then over conversations.

    Raises:
        InvalidRequestError: If ``count`` is not positive.
    """
    every = _places(conversations, count)
    left = random.Random(seed).sample(every, len(every))  # noqa: S311
    taken: Counter[object] = Counter()
    drawn: set[tuple[int, int]] = set()

    def groups(place: tuple[int, int]) -> tuple[object, ...]:
        conversation, number = place
        category = conversations[conversation].questions[number].category
        return category, (category, conversation), conversation

    while left and len(drawn) < count:
        rarest = min(left, key=lambda place: [taken[group] for group in groups(place)])
        taken.update(groups(rarest))
        left.remove(rarest)
        drawn.add(rarest)
    return _only(conversations, drawn)


def _places(conversations: Sequence[Conversation], count: int) -> list[tuple[int, int]]:
    """Every question, by its conversation and its place there."""
    if count < 1:
        raise InvalidRequestError(f"sample is {count}; it must be a whole number of at least 1.")
    return [(i, j) for i, each in enumerate(conversations) for j in range(len(each.questions))]


def _only(
    conversations: Sequence[Conversation], drawn: Set[tuple[int, int]]
) -> tuple[Conversation, ...]:
    return tuple(
        replace(
            each,
            questions=tuple(q for j, q in enumerate(each.questions) if (i, j) in drawn),
        )
        for i, each in enumerate(conversations)
    )


def grouped(rankings: Iterable[tuple[str, Ranking]]) -> dict[str, Scores]:
    """Scores of the rankings that have one key, by key."""
    groups: dict[str, list[Ranking]] = defaultdict(list)
    for key, ranking in rankings:
        groups[key].append(ranking)
    return {key: scores(group) for key, group in groups.items()}


def _measured(
    name: str, retriever: Retriever, conversations: Sequence[Conversation], tell: Tell
) -> Row:
    for conversation in conversations:
        retriever.packed(conversation.user_id, WARM_UP)
    total = count_questions(conversations)
    times: list[float] = []
    tokens: list[int] = []
    shares: list[float] = []
    rankings: list[Ranking] = []
    for conversation in conversations:
        user_id = conversation.user_id
        for question in conversation.questions:
            # Timed before the ranking is taken, so that the question was not heard before.
            start = time.perf_counter()
            context = retriever.packed(user_id, question.text, until=question.until)
            times.append((time.perf_counter() - start) * 1_000)
            tokens.append(context.tokens)
            shares.append(context.share(question.evidence))
            found = retriever.rank(user_id, question.text, DEPTH, question.until)
            ranked = distinct(found)[:DEPTH]
            rankings.append(Ranking(user_id, question.category, question.evidence, ranked))
            tell(f"{name}: asking", len(rankings), total)
    p50, p95 = np.percentile(times, [50, 95])
    return Row(
        contender=name,
        about=retriever.about,
        overall=scores(rankings),
        by_category=grouped((ranking.category, ranking) for ranking in rankings),
        shown=interval(shares),
        tokens=statistics.fmean(tokens),
        p50_ms=float(p50),
        p95_ms=float(p95),
    )
