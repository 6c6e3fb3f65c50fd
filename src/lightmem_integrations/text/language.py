"""The language of a text in Latin script, told by its function words; English when unsure.

A chat's turns are short, and what statistics over letters tell of five words is often wrong; the
function words of five words are few, but rarely of two languages.
"""

from __future__ import annotations

from collections.abc import Sequence

from lightmem_integrations.text.latin_function_words import (
    ENGLISH_HINTS,
    LANGUAGES,
    NAME_PARTS,
    WORDS_OF,
)
from lightmem_integrations.text.stems import elision_of

_READ = 400  # words of a text that are looked at; a guess
# What a function word counts: all of it, and less where names hold it too. A text needs as much as
# one of the former or two of the latter; twice as much beside words of English. Guesses.
_SURE, _IN_NAMES = 2, 1


def language_of(words: Sequence[str], english: frozenset[str]) -> str | None:
    """The language of a text, one of `LANGUAGES`; ``None`` for English, and when unsure.

    Args:
        words: Its lower-cased words.
        english: The function words of English.
    """
    scores: dict[str, int] = {}
    read = set(words[:_READ])
    told = _LANGUAGES_OF.keys() & {*read, *filter(None, map(elision_of, read))}
    for word in told:
        worth = _IN_NAMES if word in NAME_PARTS else _SURE
        for language in _LANGUAGES_OF[word]:
            scores[language] = scores.get(language, 0) + worth
    if not scores:
        return None
    of_english = {word for word in read if word in english or word in ENGLISH_HINTS}
    best = max(LANGUAGES, key=lambda language: scores.get(language, 0))
    only_english = len(of_english - WORDS_OF[best])
    # What both have tells nothing.
    own = scores[best] - sum(
        _IN_NAMES if word in NAME_PARTS else _SURE for word in of_english & WORDS_OF[best]
    )
    least = _SURE if not only_english else 2 * _SURE
    return best if own >= least and own > _SURE * only_english else None


def _by_word() -> dict[str, tuple[str, ...]]:
    words = set().union(*WORDS_OF.values())
    return {word: tuple(each for each in LANGUAGES if word in WORDS_OF[each]) for word in words}


_LANGUAGES_OF = _by_word()
