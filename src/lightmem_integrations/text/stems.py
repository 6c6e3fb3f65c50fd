"""Snowball stems of words, by script or by language: what their inflected forms share."""

from __future__ import annotations

import re
import threading

import Stemmer

_ALGORITHMS = {
    "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese",
    "nl": "dutch", "da": "danish", "no": "norwegian", "sv": "swedish", "fi": "finnish",
    "pl": "polish", "tr": "turkish",
}  # fmt: skip
# Scripts that tell the language well enough. What other languages write in the same script has
# letters of its own, mostly, and a word with one of them is left as it is.
_SCRIPTS: tuple[tuple[re.Pattern[str], str, frozenset[str]], ...] = (
    (re.compile("[\u0400-\u045f]+"), "russian", frozenset("іїєґўђјљњћџѓќѕ")),
    (re.compile("[\u0370-\u03ff]+"), "greek", frozenset()),
    (re.compile("[\u0621-\u06d3]+"), "arabic", frozenset("پچژگکیےہھٹڈڑں")),
    (re.compile("[\u0900-\u097f]+"), "hindi", frozenset("ळ")),
    (re.compile("[\u0b80-\u0bff]+"), "tamil", frozenset()),
    (re.compile("[\u0530-\u058f]+"), "armenian", frozenset()),
)
_ELIDED = re.compile(
    r"(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|un|dell|nell|all|dall|sull|quell|quest)'(?=\w)"
)
_ELIDING = frozenset(("fr", "it"))
# Chats leave these accents out.
_PLAIN = str.maketrans("àâáãäèéêëìíîïòóôõöùúûüç", "aaaaaeeeeiiiiooooouuuuc")
_CARELESS = frozenset(("fr", "it", "es", "pt"))


class _Stemmers(threading.local):
    """Those of one thread: PyStemmer objects are not thread-safe."""

    def __init__(self) -> None:
        self.made: dict[str, Stemmer.Stemmer] = {}

    def of(self, algorithm: str) -> Stemmer.Stemmer:
        if algorithm not in self.made:
            self.made[algorithm] = Stemmer.Stemmer(algorithm)
        return self.made[algorithm]


_stemmers = _Stemmers()


def stem_by_script(word: str) -> str:
    """The stem of a lower-cased word: by its script, of English where no script tells a language.

    Russian, Greek, Arabic, Hindi, Tamil and Armenian are told by theirs.
    """
    algorithm = "english"
    if not word.isascii():
        for letters, known, foreign in _SCRIPTS:
            if letters.fullmatch(word):
                algorithm = known if foreign.isdisjoint(word) else "english"
                break
    stem: str = _stemmers.of(algorithm).stemWord(word)
    return stem


def stem_in(language: str, word: str) -> str:
    """The stem of a lower-cased word in a language of Latin script.

    Args:
        language: One of `latin_function_words.LANGUAGES`.
        word: The word; what French and Italian elide before it is cut.
    """
    if language in _ELIDING:
        word = without_elision(word)
    stem: str = _stemmers.of(_ALGORITHMS[language]).stemWord(word)
    return stem.translate(_PLAIN) if language in _CARELESS else stem


def elision_of(word: str) -> str | None:
    """What is elided before a word, with its apostrophe: "l'"; ``None`` if nothing is."""
    elided = _ELIDED.match(word) if "'" in word else None
    return elided[0] if elided else None


def without_elision(word: str) -> str:
    """The word without an article or pronoun that is elided before it: "l'eau"."""
    elided = _ELIDED.match(word)
    return word[elided.end() :] if elided else word
