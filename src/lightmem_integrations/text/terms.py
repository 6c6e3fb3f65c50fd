"""Index terms of a text: the same for memories and for questions."""

from __future__ import annotations

import re
import threading

import Stemmer

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

# A run of letters and digits, with apostrophes inside ("o'clock", "don't") kept whole. The
# underscore is a separator, so that snake_case names are found by their parts.
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
# A guess: the different words of a few long chats.
_CACHE_WORDS = 50_000


class _Local(threading.local):
    """One stemmer and one word cache per thread: PyStemmer objects are not thread-safe."""

    def __init__(self) -> None:
        self.stemmer = Stemmer.Stemmer("english")
        self.cache: dict[str, str] = dict.fromkeys(STOP_WORDS, "")


_local = _Local()


def terms(text: str) -> list[str]:
    """Index terms of a text, in order and with repetitions.

    Lower-cased words without English function words, Snowball-stemmed, a possessive "'s" cut.
    Words of other languages pass through the stemmer mostly as they are.

    Args:
        text: Anything a person wrote; a memory or a question.

    Returns:
        The terms; empty for a text of function words only.
    """
    local = _local
    cache = local.cache
    found: list[str] = []
    for word in _WORD.findall(text.lower().translate(_CURLY)):
        stem = cache.get(word)
        if stem is None:
            bare = word[:-2] if word.endswith("'s") else word
            stem = "" if bare in STOP_WORDS else local.stemmer.stemWord(bare)
            if len(cache) >= _CACHE_WORDS:
                # Bounded and rebuilt from nothing: simpler than an LRU, and rarely reached.
                cache.clear()
                cache.update(dict.fromkeys(STOP_WORDS, ""))
            cache[word] = stem
        if stem:
            found.append(stem)
    return found
