"""Index terms of turns and questions in many languages: inflected forms find each other.

A turn in a language of Latin script other than English holds, beside the terms that every text has,
the stems of its own language, marked with it, and the mark: "katzen", "de:katz", "de:". A question
is looked up by its terms and by what its words would be in each language of the memory. So what is
found by the very word stays found whatever language anything is taken for, and the terms of English
are those of English alone: in a memory without other languages nothing changes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

from lightmem_integrations.text.language import language_of
from lightmem_integrations.text.latin_function_words import LANGUAGES, WORDS_OF
from lightmem_integrations.text.stems import stem_in, without_elision
from lightmem_integrations.text.terms import STOP_WORDS, latin_words, terms

MARKS: Mapping[str, str] = {f"{language}:": language for language in LANGUAGES}
"""Languages by the term that their turns have for it."""

_LONGEST = 40  # letters of a word; a guess, beyond any that is inflected
_NUMBER = re.compile(r"\d")


def turn_terms(text: str) -> list[str]:
    """Index terms of a turn: those of `terms`, and the stems of its own language.

    Args:
        text: Anything a person wrote. Its terms depend on nothing else.
    """
    words = latin_words(text)
    language = language_of(words, STOP_WORDS)
    if language is None:
        return terms(text)
    function_words = WORDS_OF[language]
    inflected = [stem for word in words if (stem := _inflected(language, word))] + [f"{language}:"]
    # They are many, and what is said does not hang on them; English has none in its terms either.
    return [term for term in terms(text) if term not in function_words] + inflected


def question_terms(text: str, languages: Sequence[str] = LANGUAGES) -> dict[str, tuple[str, ...]]:
    """Index terms of a question, each with all forms that a turn may have it in.

    Args:
        text: The question.
        languages: Those of the turns, besides English.

    Returns:
        Forms by term, in the order of the question; the term itself is the first of them.
    """
    words = latin_words(text)
    language = language_of(words, STOP_WORDS)
    function_words = WORDS_OF[language] if language else frozenset[str]()
    found: dict[str, dict[str, None]] = {
        term: {term: None} for term in terms(text) if term not in function_words
    }
    for word in words if languages else ():
        for term in terms(word):
            if term in found:
                forms = (_inflected(each, word) for each in languages)
                found[term].update(dict.fromkeys(filter(None, forms)))
    return {term: tuple(forms) for term, forms in found.items()}


def present(forms: Mapping[str, Sequence[str]], counts: Mapping[str, int]) -> dict[str, int]:
    """In how many turns a term occurs in the commonest of its forms; terms that do not, left out.

    Args:
        forms: What `question_terms` returned.
        counts: Turns by form.
    """
    most = {term: max(counts.get(form, 0) for form in each) for term, each in forms.items()}
    return {term: count for term, count in most.items() if count}


@functools.lru_cache(maxsize=20_000)  # a guess: the different words of a few long chats
def _inflected(language: str, word: str) -> str:
    """The marked stem of a word, empty for a function word and for what is not inflected."""
    if len(word) > _LONGEST or _NUMBER.search(word) or word in WORDS_OF[language]:
        return ""
    bare = without_elision(word) if language in ("fr", "it") else word
    return "" if bare in WORDS_OF[language] else f"{language}:{stem_in(language, bare)}"
