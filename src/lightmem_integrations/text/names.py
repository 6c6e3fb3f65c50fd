"""Keys under which names are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence

NOBODY = frozenset(
    {
        "", "he", "she", "they", "we", "it", "you", "this", "that", "somebody", "someone",
        "i", "me", "him", "her", "us", "them", "these", "those", "something", "anybody", "anyone",
    }
)  # fmt: skip
"""Subjects, in lower case, that do not say whom or what a statement is about."""

_BLANKS = re.compile(r"\s+")


def name_key(name: str) -> str:
    """The key of a name: without case, spacing, and a possessive at its end."""
    plain = _BLANKS.sub(" ", name.replace("\u2019", "'")).strip().casefold()
    return plain.removesuffix("'s").strip(" .,;:!?\"'") or plain


def entity_keys(subject: str, entities: Sequence[str]) -> list[str]:
    """Keys of the names that a fact mentions, each once."""
    return list(dict.fromkeys(key for each in (subject, *entities) if (key := name_key(each))))
