"""Short forms and nicknames by which a question means a speaker of this user's memory.

The evidence is cheap and this user's own: the names of the speakers, and the few turns that hold
the name in question, found through its posting list. No turn is read for a question in which every
capitalised word is a known name or a word of every day.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.turn_reads import texts_with_others
from lightmem_integrations.storage.users import User
from lightmem_integrations.text.calendar_names import MONTHS, WEEKDAYS
from lightmem_integrations.text.terms import STOP_WORDS, terms

_NAME = re.compile(r"[^\W\d_]+")
_SHORTEST = 2  # letters of a short form; a guess
# Words that are capitalised without being a name, beside the stop words.
_NO_NAMES = frozenset(
    (
        *MONTHS,
        *WEEKDAYS,
        *("tell", "give", "name", "list", "please", "describe", "explain", "yes", "no", "ok"),
    )
)
# Guesses: the newest turns with the name that are read, the turns that must agree on whom a
# nickname means, and the unknown names looked up for one question.
_TURNS_READ = 32
_LEAST_VOTES = 2
_MOST_WORDS = 4
_GREETINGS = r"(?i:hi|hey|hello|hiya|thanks|thank you|bye|dear|good morning|good night)"


def with_full_names(connection: Connection, user: User, query: str, speakers: Sequence[str]) -> str:
    """The question with short forms and nicknames of this user's speakers written out.

    So the whole search benefits: friends call each other by the short form, so that turns which
    hold it are mostly not by the person meant.

    Args:
        connection: A read transaction on the ledger.
        user: Whose memory.
        query: The question.
        speakers: Who speaks in this user's memory.
    """
    full: dict[str, str] = {}
    for word in unknown_names(query, speakers)[:_MOST_WORDS]:
        name = _meant(word, speakers, said_with(connection, user, word))
        if name is not None:
            full[word] = _NAME.findall(name)[0]
    if not full:
        return query
    return _NAME.sub(lambda found: full.get(found[0], found[0]), query)


def unknown_names(query: str, speakers: Sequence[str]) -> list[str]:
    """Capitalised words of a question that are part of no speaker's name and may be a name."""
    known = {part for speaker in speakers for part in _NAME.findall(speaker.casefold())}
    return [
        word
        for word in dict.fromkeys(_NAME.findall(query))
        if word[0].isupper()
        and len(word) >= _SHORTEST
        and (plain := word.casefold()) not in known
        and plain not in STOP_WORDS
        and plain not in _NO_NAMES
    ]


def begun_by(word: str, speakers: Sequence[str]) -> str | None:
    """The one speaker whose first name begins with the word; ``None`` if there are several."""
    found = [
        speaker
        for speaker in speakers
        if (parts := _NAME.findall(speaker)) and parts[0].casefold().startswith(word.casefold())
    ]
    return found[0] if len(found) == 1 else None


def said_with(connection: Connection, user: User, word: str) -> list[tuple[str, frozenset[str]]]:
    """The newest turns of this user with the word, and who else speaks just before and after.

    The index knows no capitals; the turns are asked for the word as it is spelled.
    """
    stems = terms(word)
    rows = lexical.postings(connection, user.row, stems[0]) if len(stems) == 1 else None
    if rows is None or not len(rows):
        return []
    spelled = re.compile(rf"\b{re.escape(word)}\b")
    said = texts_with_others(connection, user, rows[-_TURNS_READ:].tolist())
    return [(text, others) for text, others in said if spelled.search(text)]


def _meant(
    word: str, speakers: Sequence[str], said: Sequence[tuple[str, frozenset[str]]]
) -> str | None:
    """The speaker whom others address by the word.

    The beginning of a speaker's name needs one turn that does so, or that the word never occurs:
    else it may be a third person's name. Any other word needs that most turns do so which hold it.
    """
    begun = begun_by(word, speakers)
    if begun is not None:
        calls = _vocative(word, first=True)
        addressed = any(begun in others and calls.search(text) for text, others in said)
        return begun if addressed or not said else None
    calls = _vocative(word, first=False)
    votes = Counter(
        next(iter(others)) for text, others in said if len(others) == 1 and calls.search(text)
    )
    if not votes:
        return None
    name, most = votes.most_common(1)[0]
    enough = most >= _LEAST_VOTES and 2 * most > len(said)
    return name if enough and name in speakers and _NAME.search(name) else None


def _vocative(word: str, *, first: bool) -> re.Pattern[str]:
    """A pattern for places where a text addresses somebody by the word: greeted, or set off.

    Args:
        word: The name, spelled as in the question.
        first: Count it at the start of a sentence too, where "Cool, ..." stands as well.
    """
    start = r"|^|[.!?]\s+" if first else ""
    return re.compile(rf"(?:,\s*|\b{_GREETINGS},?\s+{start}){re.escape(word)}\s*(?:[,!?.;]|$)")
