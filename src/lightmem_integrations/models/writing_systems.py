"""The scripts that an embedder knows, by its vocabulary: in others its vectors are mostly noise."""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable

from lightmem_integrations.models.protocols import Embedder

# Of 30,522 pieces, the vocabulary of English BERT has 488 of Chinese characters, fewer of any other
# script but the Latin one; a model that was taught a script has thousands.
_FEWEST_PIECES = 1_000
_BYTE_LEVEL = "\u0120"  # how byte-level BPE writes a blank: its pieces do not show their script

_known: dict[str, frozenset[str] | None] = {}
_counting = threading.Lock()


def reads(embedder: Embedder, text: str) -> bool:
    """False if most letters of the text are of scripts that the embedder was not taught.

    An embedder that does not show its vocabulary is believed to know every script.
    """
    if text.isascii():
        return True
    letters = _scripts(text)
    known = None if set(letters) <= {"LATIN"} else _known_scripts(embedder)
    return known is None or 2 * sum(letters[script] for script in known) >= letters.total()


def _known_scripts(embedder: Embedder) -> frozenset[str] | None:
    """The scripts that the vocabulary has many pieces of; ``None`` if it does not tell."""
    vocabulary = getattr(embedder, "vocabulary", None)
    if vocabulary is None:
        return None
    with _counting:
        if embedder.name not in _known:
            pieces = vocabulary()
            byte_level = any(piece.startswith(_BYTE_LEVEL) for piece in pieces)
            counts = _scripts(piece[-1:] for piece in pieces)
            many = frozenset(script for script, n in counts.items() if n >= _FEWEST_PIECES)
            _known[embedder.name] = None if byte_level else many
        return _known[embedder.name]


def _scripts(characters: Iterable[str]) -> Counter[str]:
    """Letters by script, which is the first word of a letter's name in Unicode."""
    return Counter(
        unicodedata.name(character, "?").split()[0]
        for character in characters
        if character.isalpha()
    )
