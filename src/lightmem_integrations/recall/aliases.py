"""Short forms and nicknames by which a question means a speaker of this user's memory.

Two kinds of evidence, both cheap and both of this one user: the names of the speakers, and those
few turns in which somebody is addressed by the name in question. No turn is read for a question
in which every capitalised word is a known name or a word of every day.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, select

from lightmem_integrations.recall.terms import STOP_WORDS, terms
from lightmem_integrations.storage.lexical import LexicalIndex
from lightmem_integrations.storage.schema import turns
from lightmem_integrations.storage.turns import User

_NAME = re.compile(r"[^\W\d_]+")
_SHORTEST = 2
# Words that are capitalised without being a name, beside the stop words.
_NO_NAMES = frozenset(
    """
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday
    tell give name list please describe explain yes no ok
    """.split()  # noqa: SIM905 - a list of literals would be four times as long
)
# A nickname stands in few turns of those in which it is used to address somebody.
_TURNS_READ = 32
_LEAST_VOTES = 2
_LEAST_SHARE = 0.75
_MOST_WORDS = 4
_GREETINGS = r"(?:hi|hey|hello|hiya|thanks|thank you|bye|congrats|dear|morning|night|oh|wow)"


def with_full_names(
    connection: Connection,
    lexical: LexicalIndex,
    user: User,
    query: str,
    speakers: Sequence[str],
) -> str:
    """The question with short forms and nicknames of this user's speakers written out.

    So the whole search benefits: friends call each other by the short form, so that turns which
    hold it are mostly not by the person meant.

    Args:
        connection: A read transaction on the ledger.
        lexical: The ledger's full-text index.
        user: Whose memory.
        query: The question.
        speakers: Who speaks in this user's memory.
    """
    full: dict[str, str] = {}
    for word in unknown_names(query, speakers)[:_MOST_WORDS]:
        name = extended(word, speakers) or addressed(connection, lexical, user, word, speakers)
        if name is not None:
            full[word] = name
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


def extended(word: str, speakers: Sequence[str]) -> str | None:
    """The first name of the one speaker whose name begins with the word; ``None`` if several do."""
    firsts = [found[0] for speaker in speakers if (found := _NAME.findall(speaker))]
    begun = {first for first in firsts if first.casefold().startswith(word.casefold())}
    return begun.pop() if len(begun) == 1 and firsts.count(next(iter(begun))) == 1 else None


def addressed(
    connection: Connection,
    lexical: LexicalIndex,
    user: User,
    word: str,
    speakers: Sequence[str],
) -> str | None:
    """The speaker whom others address by this word, if it is always, or nearly so, the same one.

    Who is addressed is who speaks just before or after.
    """
    stems = terms(word)
    if len(stems) != 1:
        return None
    newest = lexical.postings(connection, user.row, stems[0])[-_TURNS_READ:].tolist()
    if len(newest) < _LEAST_VOTES:
        return None
    near = turns.alias("near")
    found = connection.execute(
        select(turns.c.id, turns.c.text, near.c.speaker)
        .join(
            near,
            and_(
                near.c.session == turns.c.session,
                func.abs(near.c.position - turns.c.position) == 1,
                near.c.speaker != turns.c.speaker,
            ),
        )
        .where(turns.c.id.in_(newest), turns.c.user == user.row)
        .distinct()
    ).all()
    calls = _vocative(word)
    votes = Counter(
        row.speaker for row in found if row.speaker in speakers and calls.search(row.text)
    )
    if not votes:
        return None
    name, most = votes.most_common(1)[0]
    enough = most >= _LEAST_VOTES and most >= _LEAST_SHARE * sum(votes.values())
    first = _NAME.findall(name)[:1]
    return first[0] if enough and first else None


def _vocative(word: str) -> re.Pattern[str]:
    """Finds where a text addresses somebody by the word: set off by punctuation, or greeted."""
    return re.compile(
        rf"(?:^|[,.!?;]\s*|\b{_GREETINGS},?\s+){re.escape(word)}\s*(?:[,!?.;]|$)", re.IGNORECASE
    )
