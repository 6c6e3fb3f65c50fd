"""The Selector for anybody's texts: the same features and weights, without a conversation.

What a turn draws from those around it is drawn from the text alone here, and what only a
conversation has (who speaks, when, in reply to what, how short the small talk is) counts nothing.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lightmem_integrations.arrays import Vectors, objects
from lightmem_integrations.engine.deadline import DaemonPool, Deadline
from lightmem_integrations.errors import InvalidRequestError, LightMemError, ModelError
from lightmem_integrations.models.embedders import (
    DocumentEncoder,
    Encoded,
    as_embedder,
    encoded_query,
)
from lightmem_integrations.models.protocols import Embedder, TokenCounter
from lightmem_integrations.models.rerankers import as_reranker
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.models.writing_systems import reads
from lightmem_integrations.recall.candidates import (
    Candidates,
    EmbeddedQuery,
    QueryTerms,
    ScoredTurn,
)
from lightmem_integrations.recall.plan.question import essence
from lightmem_integrations.recall.rerank import rerank
from lightmem_integrations.recall.scores import relevance
from lightmem_integrations.recall.select.selector import rank_candidates
from lightmem_integrations.records.conversation import Plan
from lightmem_integrations.storage.turn_reads import Turns
from lightmem_integrations.text.bm25 import inverse_frequency
from lightmem_integrations.text.inflections import present, question_terms, turn_terms
from lightmem_integrations.text.terms import hashed

logger = logging.getLogger(__name__)

_CONVERSATION_ONLY = ("length", "question", "opening", "session")
_READ = 100_000  # characters of a text that are scored: as many as a turn may have
# Characters of a text that are embedded while somebody waits: about what MiniLM reads at once.
_EMBEDDED = 1_200
_CHUNK = 32  # texts embedded between two looks at the clock; a guess
_workers = DaemonPool()


@dataclass(frozen=True, slots=True)
class RankedText:
    """A text by its place among those given.

    Attributes:
        place: Its index.
        score: Relevance, from 0 to 1, as of a `Hit`; ``None`` if it was not scored.
        parts: What the score is made of, by feature name.
    """

    place: int
    score: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RankedTexts:
    """Texts in the order of their rank.

    Attributes:
        texts: Best first; then those that were not scored, in the order in which they were given.
        degraded: What did not work as it should, in words. Empty when all is well.
    """

    texts: tuple[RankedText, ...]
    degraded: tuple[str, ...] = ()


def rank_texts(
    query: str,
    texts: Sequence[str],
    *,
    embedder: object | None = None,
    reranker: object | None = None,
    k: int | None = None,
    max_candidates: int | None = None,
    max_tokens: int | None = None,
    timeout: float | None = None,
    count_tokens: TokenCounter | None = None,
    strict: bool = False,
) -> RankedTexts:
    """Order texts by how well they answer a question, as recall orders turns.

    Dense similarity, BM25 over the given texts, and late interaction where the embedder gives
    token vectors, weighed by the weights that the package ships; then, where one is given, a
    re-ranking model. What fails costs quality, never the texts: if the embedder fails, words alone
    decide; if the re-ranker fails, the Selector does; if time is up, the given order stays.

    Args:
        query: The question.
        texts: Any texts, in an order worth falling back to.
        embedder: Whatever ``LightMem(embedder=...)`` takes; by default the shipped model.
        reranker: Whatever ``LightMem(reranker=...)`` takes.
        k: How many to return; by default all.
        max_candidates: How many of the first texts to score; by default all.
        max_tokens: Size of what is returned, in tokens. A text that does not fit makes room for a
            smaller one behind it.
        timeout: How long all of it may take, in seconds; by default as long as it takes.
        count_tokens: Counts tokens; by default an upper estimate for any model.
        strict: Raise instead of degrading.

    Returns:
        The ranking. Which texts are returned depends on the budgets, never on a failure alone.

    Raises:
        InvalidRequestError: A budget is not a positive number.
        SettingsError: ``embedder`` or ``reranker`` is none.
        LightMemError: With ``strict``: what failed.
    """
    for name, value in (("k", k), ("max_candidates", max_candidates), ("max_tokens", max_tokens)):
        if value is not None and (isinstance(value, bool) or value < 1):
            raise InvalidRequestError(f"{name} is {value!r}; it must be at least 1.")
    if timeout is not None and not timeout > 0:
        raise InvalidRequestError(f"timeout is {timeout!r}; it must be more than 0 seconds.")
    model, scorer = as_embedder(embedder), as_reranker(reranker)
    deadline = Deadline(math.inf if timeout is None else timeout, _workers, "timeout=")
    degraded: list[str] = []

    def note(what: str, error: LightMemError) -> None:
        if strict:
            raise error
        logger.warning("%s: %s", what, error)
        degraded.append(f"{what}: {error}")

    places = [i for i, text in enumerate(texts[:max_candidates]) if text.strip()]
    chosen = [texts[i][:_READ] for i in places]
    query = essence(query)
    best: list[ScoredTurn] = []
    if chosen and query:
        try:
            best, failure = deadline.run(lambda: _select(query, chosen, model, deadline.left))
        except LightMemError as error:
            note("the given order was kept", error)
        else:
            if failure is not None:
                note("ranked by words only", failure)
            if scorer is not None:
                try:
                    in_order = [chosen[scored.place] for scored in best]
                    best = rerank(scorer, query, best, in_order, deadline)
                except LightMemError as error:
                    note("the re-ranker was left out", error)
    scores = relevance([scored.parts["evidence"] for scored in best])
    ranked = [
        RankedText(places[scored.place], score, scored.parts)
        for scored, score in zip(best, scores, strict=True)
    ]
    ranked_places = {text.place for text in ranked}
    ranked += [RankedText(i) for i in range(len(texts)) if i not in ranked_places]
    if max_tokens is not None:
        ranked = _within(ranked, texts, max_tokens, count_tokens or shipped_token_counter())
    return RankedTexts(tuple(ranked[:k]), tuple(degraded))


def _select(
    query: str, texts: Sequence[str], embedder: Embedder, seconds: float
) -> tuple[list[ScoredTurn], LightMemError | None]:
    """The texts by the shipped weights, best first; and why only words decided, if so."""
    deadline = time.monotonic() + seconds
    failure: LightMemError | None = None
    embedded = EmbeddedQuery(query)
    vectors = np.zeros((len(texts), 0), np.float32)
    tokens: list[bytes | None] = [None] * len(texts)
    try:
        vector, encoding = encoded_query(embedder, query)
        vectors, tokens = _embedded(embedder, texts, deadline)
        if vectors.shape[1] != len(vector):
            raise ModelError(f"The embedder {embedder.name!r} gives vectors of two lengths.")
        embedded = EmbeddedQuery(query, vector, encoding, reads(embedder, query))
    except LightMemError as error:
        failure = error
        vectors = np.zeros((len(texts), 0), np.float32)
    candidates = _as_candidates(query, texts, vectors, tokens)
    plan = Plan(queries=(query,))
    ranked = rank_candidates(plan, embedded, candidates, ignored=_CONVERSATION_ONLY)
    return list(ranked), failure


def _as_candidates(
    query: str, texts: Sequence[str], vectors: Vectors, tokens: Sequence[bytes | None]
) -> Candidates:
    """The texts as turns with a session each, so that no text is another's context."""
    words = [turn_terms(text) for text in texts]
    forms = question_terms(query)
    counts = present(forms, Counter(term for held in words for term in set(held)))
    idf = {term: inverse_frequency(counts.get(term, 0), len(texts)) for term in forms}
    places = np.arange(len(texts))
    turns = Turns(
        rows=-places,  # of equals the Selector prefers the higher row: here what was given first
        sessions=places,
        positions=np.ones(len(texts), np.int64),
        said_at=np.zeros(len(texts)),
        searchable=np.ones(len(texts), np.bool_),
        roles=np.full(len(texts), "user", np.object_),
        speakers=np.full(len(texts), "", np.object_),
        texts=objects(texts),
        terms=objects([hashed(held) for held in words]),
        vectors=vectors,
        embedded=np.full(len(texts), vectors.shape[1] > 0),
        tokens=objects(tokens),
        guidance=np.zeros(len(texts), np.int8),
        importance=np.zeros(len(texts), np.float32),
        pinned=np.zeros(len(texts), np.bool_),
        cues=np.full(len(texts), None, np.object_),
    )
    average = sum(map(len, words)) / len(texts)
    weighed = QueryTerms(list(forms), idf, average, forms=forms)
    return Candidates(turns, places, turns.searchable, weighed)


def _embedded(embedder: Embedder, texts: Sequence[str], deadline: float) -> Encoded:
    """Normalised vectors of the texts, and their compact token vectors where there are any."""
    vectors: list[Vectors] = []
    tokens: list[bytes | None] = []
    encode = DocumentEncoder(embedder)
    for start in range(0, len(texts), _CHUNK):
        if time.monotonic() > deadline:  # nobody waits any more
            raise ModelError("time was up before all texts were embedded")
        part = [text[:_EMBEDDED] for text in texts[start : start + _CHUNK]]
        encoded, compacted = encode(part)
        vectors.append(encoded)
        tokens += compacted
    return np.concatenate(vectors), tokens


def _within(
    ranked: Sequence[RankedText], texts: Sequence[str], room: int, count_tokens: TokenCounter
) -> list[RankedText]:
    kept = []
    for text in ranked:
        cost = count_tokens(texts[text.place])
        if cost <= room:
            kept.append(text)
            room -= cost
    return kept
