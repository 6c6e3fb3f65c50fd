"""Index terms of a text: the same for memories and for questions.

Words are what stands between blanks, where a script has blanks. Chinese, Japanese, Korean, Thai and
their neighbours are cut into overlapping pairs of characters, which find any word in any text
without a dictionary (Nie, Gao, Zhang and Zhou 2000, "On the use of words and n-grams for Chinese
information retrieval").
"""

from __future__ import annotations

import functools
import itertools
import re
import threading
import unicodedata
from array import array
from collections.abc import Iterable, Iterator

from lightmem_integrations.text.function_words import (
    FUNCTION_CHARACTERS,
    FUNCTION_PHRASES,
    FUNCTION_WORDS,
)
from lightmem_integrations.text.stems import stem_by_script

# Function words only. Words of time ("last", "first", "before"), of quantity and of negation
# stay: a question about memory may turn on them, and their idf keeps them cheap.
STOP_WORDS: frozenset[str] = frozenset(
    """
    a about am an and any are aren't as at be because been being but by can can't could couldn't
    did didn't do does doesn't doing don't each for from had hadn't has hasn't have haven't having
    he he'd he'll he's her here here's hers herself him himself his how how's i i'd i'll i'm i've
    if in into is isn't it it'd it'll it's its itself just let let's me might mine must my myself
    of off oh on or our ours ourselves out own shall she she'd she'll she's should shouldn't so
    some such than that that's the their theirs them themselves then there there's these they
    they'd they'll they're they've this those through to too up us very was wasn't we we'd we'll
    we're we've were weren't what what's when when's where where's which while who who's whom
    whose why why's will with would wouldn't you you'd you'll you're you've your yours yourself
    yourselves
    """.split()  # noqa: SIM905 - a list of literals would be ten times as long
)

VERSION = "6"
"""Version of what `turn_terms`, `terms` and `guidance_of` make of a text; a ledger keeps it."""

# A run of letters and digits, with apostrophes inside ("o'clock", "don't") kept whole. The
# underscore is a separator, so that snake_case names are found by their parts.
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_BEYOND_LATIN = "\u0370"  # what is not, follows
_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
# A guess: the different words of a few long chats.
_CACHE_WORDS = 50_000

# Scripts that write no blanks between words, and Hangul, whose blanks leave particles on the words.
_IDEOGRAPHS = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_EAST_ASIAN = _IDEOGRAPHS + "\u3041-\u309f\u30a0-\u30fa\u30fc-\u30ff\u1100-\u11ff\uac00-\ud7a3"
_SOUTH_EAST_ASIAN = (
    "\u0e00-\u0e4f\u0e80-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u1a20-\u1a7f"
)
# Full- and half-width forms, ligatures, Arabic presentation forms, mathematical letters.
_COMPATIBLE = re.compile("[\ufb00-\ufdff\ufe70-\ufeff\uff00-\uffef\U0001d400-\U0001d7ff]+")
# What is not seen, or need not be written: soft hyphens, joiners, direction marks, variation
# selectors; vowel points of Hebrew and Arabic, the Arabic stroke that widens words.
_OPTIONAL = re.compile(
    "[\u00ad\u034f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0670"
    "\u06d6-\u06dc\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]+"
)


# "Combining grapheme joiner": parts marks for sorting, and is left out afterwards.
_JOINER = "\u034f"
_MARKS_AT_ONCE = 30  # of the "stream-safe text format", Unicode Standard Annex 15


class _Local(threading.local):
    """One word cache per thread."""

    def __init__(self) -> None:
        self.cache: dict[str, str] = dict.fromkeys(STOP_WORDS, "")


_local = _Local()


def terms(text: str) -> list[str]:
    """Index terms of a text, in order and with repetitions.

    Lower-cased words without English function words, Snowball-stemmed, a possessive "'s" cut.
    Words of other languages in Latin script pass through the English stemmer mostly as they are,
    and `inflections` adds the stems of their own; those of other scripts have the stemmer of their
    script. Where there are no blanks between words, overlapping pairs of characters stand for them.
    Spellings that look alike are one: composed and decomposed letters, full-width and plain ones.

    Args:
        text: Anything a person wrote; a memory or a question.

    Returns:
        The terms; empty for a text of function words only.
    """
    if text.isascii():
        return [stem for word in _WORD.findall(text.lower()) if (stem := _stem(word))]
    plain = _normalised(text)
    found: list[str] = []
    for run in _runs().finditer(plain):
        word = run.group()
        if run.lastgroup is None:
            found += [stem] if word not in FUNCTION_WORDS and (stem := _stem(word)) else []
        else:
            pieces = _PIECES[run.lastgroup]
            for part in FUNCTION_PHRASES.split(word):
                found += pieces(part)
    return found


def latin_words(text: str) -> list[str]:
    """Lower-cased words of a text in Latin script, in order, as `terms` cuts them."""
    if text.isascii():
        return _WORD.findall(text.lower())
    runs = _runs().finditer(_normalised(text))
    return [run.group() for run in runs if run.lastgroup is None and run.group()[0] < _BEYOND_LATIN]


def hashed(found: Iterable[str]) -> bytes:
    """Terms as numbers of eight bytes each, which hold in this process only.

    A memory's terms are so compared with a question's many at once, and take less room.
    """
    return array("q", map(hash, found)).tobytes()


def runs_on(text: str) -> bool:
    """True if the text is of a script that writes no blanks between words."""
    return not text.isascii() and bool(re.search(rf"[{_EAST_ASIAN}{_SOUTH_EAST_ASIAN}]", text))


def _stem(word: str) -> str:
    local = _local
    cache = local.cache
    stem = cache.get(word)
    if stem is None:
        bare = word[:-2] if word.endswith("'s") else word
        stem = "" if bare in STOP_WORDS else stem_by_script(bare)
        if len(cache) >= _CACHE_WORDS:
            # Bounded and rebuilt from nothing: simpler than an LRU, and rarely reached.
            cache.clear()
            cache.update(dict.fromkeys(STOP_WORDS, ""))
        cache[word] = stem
    return stem


def _normalised(text: str) -> str:
    text = _COMPATIBLE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    # Python sorts the marks of a letter in quadratic time: minutes, for a letter with 100,000.
    text = _many_marks().sub(f"\\g<0>{_JOINER}", text)
    text = unicodedata.normalize("NFC", text).casefold().translate(_CURLY)
    # Case folding leaves a dot on the i of Turkish capitals.
    return _OPTIONAL.sub("", unicodedata.normalize("NFC", text).replace("i\u0307", "i"))


@functools.cache
def _many_marks() -> re.Pattern[str]:
    moved = "".join(filter(unicodedata.combining, map(chr, range(0x300, 0x10000))))
    # Beyond, all from the first mark to the last: each by itself would make every scan slow.
    return re.compile(f"[{moved}\U000101fd-\U0001e94a]{{{_MARKS_AT_ONCE}}}")


@functools.cache
def _runs() -> re.Pattern[str]:
    """Words, in groups by how they are cut: marks belong to the letter before them."""
    marks = _marks()
    word = rf"[^\W_{_EAST_ASIAN}{_SOUTH_EAST_ASIAN}]"
    letters = rf"{word}(?:{word}|[{marks}])*"
    return re.compile(
        rf"(?P<east>[{_EAST_ASIAN}]+)"
        rf"|(?P<south_east>[{_SOUTH_EAST_ASIAN}]+)"
        rf"|{letters}(?:'{letters})*"
    )


def _marks() -> str:
    """Combining marks of living scripts, as ranges of a character class."""
    blocks = (range(0x300, 0x1D00), range(0x1DC0, 0x1E00), range(0x20D0, 0x2100),
              range(0xA66F, 0xAC00), range(0xFE20, 0xFE30))  # fmt: skip
    return "".join(
        chr(code) for block in blocks for code in block if unicodedata.category(chr(code))[0] == "M"
    )


def _east_asian(run: str) -> Iterator[str]:
    """Pairs of neighbouring characters, and single ideographs, which may be words."""
    alone = len(run) == 1
    for character, following in itertools.zip_longest(run, run[1:], fillvalue=""):
        means_nothing = character in FUNCTION_CHARACTERS
        if not means_nothing and (character >= "\u3400" or alone):
            yield character
        if following and not (means_nothing and following in FUNCTION_CHARACTERS):
            yield character + following


def _south_east_asian(run: str) -> Iterator[str]:
    """Pairs of neighbouring letters, each with its marks."""
    letters = _letters_with_marks().findall(run)
    if len(letters) == 1:
        yield run
    for first, second in itertools.pairwise(letters):
        yield first + second


@functools.cache
def _letters_with_marks() -> re.Pattern[str]:
    return re.compile(rf".[{_marks()}]*", re.DOTALL)


_PIECES = {"east": _east_asian, "south_east": _south_east_asian}
