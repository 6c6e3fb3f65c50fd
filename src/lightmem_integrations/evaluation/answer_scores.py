"""Scores of answers, without a judge: token F1, a letter among four, points of a rubric."""

from __future__ import annotations

import random
import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
import Stemmer

from lightmem_integrations.evaluation.conversations import Conversation, Question
from lightmem_integrations.text.terms import terms

LETTERS = "ABCD"

_LETTER = re.compile(rf"\b[{LETTERS}]\b")
_ARTICLES = re.compile(r"\b(?:a|an|the|and)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# BEAM's points begin so; the words say nothing of what must be known.
_FOR_A_JUDGE = re.compile(r"LLM response should \w+: ")


def token_f1(answer: str, right: str, category: str) -> float:
    """Token F1 as LoCoMo's own evaluation has it, from 0 to 1.

    Words are lower-cased and Porter-stemmed, without punctuation, articles and "and". A multi-hop
    answer is a list, divided by commas: the mean over its parts of the best F1 that a part of the
    given answer has. Of an open-domain one, what stands before the first semicolon counts.

    Args:
        answer: The answer given.
        right: The right one.
        category: What kind of question it is, by ``conversations.LOCOMO_CATEGORIES``.
    """
    if category == "multi-hop":
        given = answer.split(",")
        return float(np.mean([max(_f1(part, of) for part in given) for of in right.split(",")]))
    return _f1(answer, right.split(";", maxsplit=1)[0] if category == "open-domain" else right)


def _f1(answer: str, right: str) -> float:
    given, wanted = _stems(answer), _stems(right)
    common = (given & wanted).total()
    return 2 * common / (given.total() + wanted.total()) if common else 0.0


def _stems(text: str) -> Counter[str]:
    # Punctuation is taken out and not parted at: "well-known" is one word there.
    words = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()
    # NLTK's Porter, which LoCoMo takes, leaves words of two letters; else "is" would be "I".
    stem = Stemmer.Stemmer("porter").stemWord
    return Counter(stem(word) if len(word) > 2 else word for word in words)  # noqa: PLR2004


def options(question: Question, conversation: Conversation, seed: int) -> tuple[str, ...]:
    """The right answer, if there is one, among three wrong ones, shuffled; empty if too few.

    The wrong ones are the answers to other questions about the same conversation, of the same
    category while there are any.

    Args:
        question: What is asked.
        conversation: With all its questions.
        seed: Which are drawn, and their order.
    """
    if not question.answer:
        return ()
    # No secret is made of it: the same seed must draw the same, whatever else is asked.
    draw = random.Random(f"{seed} {question.text}")  # noqa: S311
    others = draw.sample(conversation.questions, len(conversation.questions))
    others.sort(key=lambda other: other.category != question.category)
    answers = dict.fromkeys(other.answer for other in others if other.answer)
    stems = _stems(question.answer)
    wrong = [each for each in answers if _stems(each) != stems][: len(LETTERS) - 1]
    if len(wrong) < len(LETTERS) - 1:
        return ()
    return tuple(draw.sample([question.answer, *wrong], len(LETTERS)))


def chosen_option(answer: str, given: Sequence[str]) -> str | None:
    """The option whose letter the answer names first; ``None`` if it names none."""
    letter = _LETTER.search(answer)
    return given[LETTERS.index(letter.group())] if letter else None


def nuggets_held(rubric: Sequence[str], context: str) -> float:
    """Mean share of the content words of a rubric's points that a context holds, from 0 to 1.

    What a reader of that context could say at best, without a judge: words that only the answer
    would bring ("first", "in total") count as missing.

    Args:
        rubric: The points, at least one.
        context: What the reader is given.
    """
    held = set(terms(context))
    points = [set(terms(_FOR_A_JUDGE.sub("", point))) for point in rubric]
    return float(np.mean([len(point & held) / len(point) for point in points if point] or [0.0]))
