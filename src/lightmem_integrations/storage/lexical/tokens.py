"""Tokens of the words' index: digests of a word together with its user.

So a posting list belongs to one user by construction, a word's frequency is this user's own, and
the index holds no readable word.
"""

from __future__ import annotations

import hashlib


def token_of(user: int, term: str) -> str:
    """The token of a term in the turns of a user, given by its row: 16 hexadecimal digits."""
    return hashlib.blake2b(f"{user} {term}".encode(), digest_size=8).hexdigest()
