"""The parts of a hit's score in words, and what each of them counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lightmem_integrations.records.conversation import Hit

NAMES: Final = {
    "dense": "meaning",
    "dense_of_length": "meaning, beside turns as long",
    "dense_window": "meaning, with its neighbours",
    "lexical": "words",
    "lexical_of_length": "words, beside turns as long",
    "lexical_window": "words, with its neighbours",
    "maxsim": "word by word",
    "maxsim_of_length": "word by word, beside turns as long",
    "maxsim_context": "word by word, with its neighbours",
    "reply": "answers a question like this",
    "speaker": "said by somebody named",
    "in_time": "said in the time asked for",
    "answers": "holds what is asked for",
    "length": "length",
    "question": "is a question itself",
    "user_turn": "said by the user",
    "opening": "opens its session",
    "session": "its session fits",
    "standing": "an instruction that stands",
    "preference": "a preference",
    "evidence": "evidence, of which the score is made",
    "statement": "meaning of the statement",
    "fact": "proves a fact that fits",
    "reranker": "the re-ranker's score",
    "version": "which version of a thing it tells",
}
"""What each part is called where it is shown."""

_UNWEIGHED = frozenset({"evidence", "fact", "reranker", "version"})


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a hit's score.

    Attributes:
        name: In the words of a reader.
        value: As in ``Hit.parts``.
        counts: What it adds to the sum by which turns are ordered, or takes from it; ``None`` where
            it is no part of that sum.
    """

    name: str
    value: float
    counts: float | None


def parts_of(hit: Hit) -> list[Part]:
    """The parts of a hit: those that count most first, then those that are in no sum."""
    parts = [
        Part(
            NAMES.get(name, name), value, value * hit.weights[name] if name in hit.weights else None
        )
        for name, value in hit.parts.items()
        if value and (name in hit.weights or name in _UNWEIGHED or not hit.weights)
    ]
    return sorted(parts, key=lambda part: -abs(part.counts or 0.0))


def ranks_of(hit: Hit) -> str:
    """How the coarse search found a hit, in words."""
    if hit.tier == "ltm" and not hit.weights:
        return "a fact"
    found = [f"#{rank} by {by}" for by, rank in hit.ranks.items()]
    return ", ".join(found) or "beside one that was found"
