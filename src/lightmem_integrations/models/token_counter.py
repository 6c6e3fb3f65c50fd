"""The default token counter: an upper estimate for any chat model's tokenizer, and cheap.

Ordinary prose is counted in WordPiece, of which it takes about as many pieces as of other models'
tokens. On anything else a vocabulary of English words fails (30,000 hexadecimal digits are one
unknown word), so each text is also estimated by what its characters cost at worst, and the larger
of the two counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from numbers import Real
from typing import cast

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.models.onnx import tokenizer_in
from lightmem_integrations.safety import typed_repr

MOST_CHARACTERS = 8
"""Characters that count as one token at most; twice what English takes, a guess."""

# The numbers below were set by hand: on 70 odd texts (hexadecimal, Base64, tables, code, logs,
# blanks, emoji, 30 languages) no count is under 0.87 of the largest of six tokenizers', two of
# OpenAI's, two of Mistral's, Qwen's and MiniLM's.
_SHARE = 0.88  # of the worst case, which no tokenizer reaches everywhere
_LONGEST_KEPT = 40  # characters of a word whose count is kept in memory
_LONGEST_WORD = 40  # letters that are counted as one word; what is longer is cut
_SHORT = 3  # letters beside digits or other capitals that are no word
_OF_CAPITALS = 0.5  # tokens of a capital in a word of capitals
_OF_NOISE = 0.9  # the same among digits and small letters
_PLAIN = re.compile(r"[A-Za-z]?[a-z]*[.,;:!?)]?")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|[0-9]+|[\x00-\x7f]|[^\x00-\x7f]+")
_OPAQUE = re.compile(r"[a-z][A-Z0-9]|[A-Z][0-9]|[0-9][A-Za-z]")  # cut within what looks a word
_BLANKS = re.compile(r" ?[^\S ]\s*|  +")
_SPACES = re.compile(r" +")
_LONG_RUN = 16  # blanks that some tokenizers have one token for
# Tokens of a character by its script or kind, the dearest first; others by their bytes.
_BY_SCRIPT = (
    (1.0, re.compile(r"[\u00a0-\u024f\u1e00-\u1eff]")),
    (1.3, re.compile(
        r"[\u0370-\u06ff\u0900-\u0b7f\u0e00-\u0eff\u2000-\u206f\u3000-\u30ff"
        r"\uac00-\ud7a3\uff00-\uffef]"
    )),
    (1.6, re.compile(r"[\u0b80-\u0dff\u3400-\u9fff]")),
)  # fmt: skip
_BOTH = 1 << 32  # two counts in one integer: a sum of both for the price of one


def checked_count(number: object) -> int:
    """What a token counter gave.

    Raises:
        InvalidRequestError: It is no number.
    """
    if not isinstance(number, Real):
        raise InvalidRequestError(
            f"count_tokens gave {typed_repr(number)}. It gives how many "
            "tokens a text has, such as lambda text: len(tokenizer.encode(text))."
        )
    return cast("int", number)


@lru_cache(maxsize=1)
def shipped_token_counter() -> Callable[[str], int]:
    """A function that counts tokens of a text, rather too many than too few."""
    tokenizer = tokenizer_in()  # that it cuts long texts does not matter: words are short

    def pieces(word: str) -> int:
        return len(tokenizer.encode(word, add_special_tokens=False).ids)

    kept = lru_cache(maxsize=50_000)(lambda word: _counts(word, pieces))

    def count(text: str) -> int:
        # No tokenizer looks past a blank here, and people use the same words again and again.
        words = text.split()
        if max(map(len, words), default=0) <= _LONGEST_KEPT:
            both = sum(map(kept, words))
        else:
            both = sum(
                kept(word) if len(word) <= _LONGEST_KEPT else _counts(word, pieces)
                for word in words
            )
        worst = both % _BOTH / 10 + sum(map(_of_blanks, _BLANKS.findall(text)))
        return max(both // _BOTH, math.ceil(_SHARE * worst), math.ceil(len(text) / MOST_CHARACTERS))

    return count


def _of_blanks(run: str) -> int:
    """Tokens of blanks, at worst: one for each but for runs of the same blank."""
    spaces = _SPACES.findall(run)
    return len(run) - sum(len(found) - 1 - len(found) // _LONG_RUN for found in spaces)


def _counts(word: str, pieces: Callable[[str], int]) -> int:
    """WordPieces of a word, and tenths of tokens at worst, as one integer."""
    if len(word) <= _LONGEST_WORD:
        found = pieces(word)
        if _PLAIN.fullmatch(word):
            return found * _BOTH + 10 * found
    else:
        found = 0
    worst = 1.0 if word[0].isdigit() or not word[0].isascii() else 0.0
    opaque = _OPAQUE.search(word) is not None
    worst += sum(_at_worst(part, pieces, opaque=opaque) for part in _PARTS.findall(word))
    return found * _BOTH + math.ceil(10 * max(worst, found))


def _at_worst(part: str, pieces: Callable[[str], int], *, opaque: bool) -> float:
    if not part.isascii():
        return sum(map(_of_character, part))
    if not part.isalpha() or (opaque and len(part) <= _SHORT):
        return len(part)
    if part.isupper():
        return max(1.0, (_OF_NOISE if opaque else _OF_CAPITALS) * len(part))
    return sum(
        pieces(part[start : start + _LONGEST_WORD]) for start in range(0, len(part), _LONGEST_WORD)
    )


@lru_cache(maxsize=10_000)
def _of_character(character: str) -> float:
    for tokens, script in _BY_SCRIPT:
        if script.match(character):
            return tokens
    return len(character.encode("utf-8", "replace"))


def check_token_counter(given: object) -> None:
    """Refuse what counts no tokens.

    Raises:
        InvalidRequestError: It cannot be called.
    """
    if given is not None and not callable(given):
        raise InvalidRequestError(
            f"count_tokens is {typed_repr(given)}. Pass a function from "
            "a text to its number of tokens."
        )
