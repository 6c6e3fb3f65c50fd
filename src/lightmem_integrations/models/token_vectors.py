"""Token vectors of memories, compacted once at write time for late interaction.

Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late
Interaction over BERT", SIGIR 2020.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.text.date_terms import is_of_date
from lightmem_integrations.text.terms import STOP_WORDS

DIMENSIONS = 128
"""Length of a compact token vector; that of ColBERT."""

# Distance of the 16 levels, in standard deviations: the one that loses least of a normal variable
# (Max, "Quantizing for Minimum Distortion", IRE Transactions on Information Theory, 1960). So are
# the entries of a rotated unit vector, 1 / sqrt(DIMENSIONS) wide, and no scale need be stored.
_STEP = 0.3352 / DIMENSIONS**0.5
_LEVELS = 16

_FORM = b"\x04"
"""First byte of what is stored, so that its length is odd: two numbers follow in each byte. What
earlier versions stored has no such byte, and a number in each: its value times 254."""
_EARLIER_STEP = 1 / 254.0

# Multiplications of the largest product that OpenBLAS leaves to one thread (its interface/gemm.c).
_BLOCK = 65_536 * 4

# Any number would do; stored vectors hold it for ever.
_SEED = 1_729

# Remains of "don't", "it's", "we'll" once the tokenizer has split off the apostrophe.
_CLITICS = frozenset({"s", "t", "d", "m", "re", "ve", "ll", "don", "didn", "doesn", "isn", "wasn"})

_SPECIAL = frozenset({"[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"})


@functools.cache
def projection(width: int) -> NDArray[np.float32]:
    """Orthonormal columns that take token vectors to `DIMENSIONS`, the same on every machine.

    Args:
        width: Length of the embedder's token vectors; 384 for MiniLM.

    Returns:
        float32 of shape (width, DIMENSIONS); the last columns are zero for narrower embedders.
    """
    # RandomState, not default_rng: NumPy freezes only the legacy stream across its versions, and
    # vectors stored years ago must meet the same rotation.
    normal = np.random.RandomState(_SEED).standard_normal((width, min(width, DIMENSIONS)))
    columns, triangle = np.linalg.qr(normal)
    # QR is unique only up to the sign of each column; LAPACKs differ in it.
    rotation = np.zeros((width, DIMENSIONS), np.float32)
    rotation[:, : columns.shape[1]] = columns * np.sign(np.diag(triangle))
    rotation.flags.writeable = False
    return rotation


def ignored_tokens(vocabulary: Mapping[str, int], *, dates: bool = True) -> NDArray[np.bool_]:
    """Mask of the token ids without content: specials, punctuation, stop words.

    Args:
        vocabulary: Token to id, as `tokenizers.Tokenizer.get_vocab()` gives it (WordPiece).
        dates: Whether numbers and names of months and days have content.

    Returns:
        bool of shape (largest id + 1,), true for the ids to drop.
    """
    ignored = np.zeros(max(vocabulary.values()) + 1, dtype=np.bool_)
    for token, index in vocabulary.items():
        bare = token.removeprefix("##")
        ignored[index] = (
            token in _SPECIAL
            or token in STOP_WORDS
            or token in _CLITICS
            or not any(character.isalnum() for character in bare)
            or (not dates and is_of_date(bare))
        )
    return ignored


def compact(
    memories: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]],
    ignored: NDArray[np.bool_],
) -> list[bytes]:
    """Token vectors of memories in the form that is stored, of each different token the first.

    All at once, since many small matrix products cost many times what a large one does.

    Args:
        memories: Of each, the model's last hidden states, shape (tokens, width), padding cut off,
            and the token ids, shape (tokens,).
        ignored: What `ignored_tokens` returned for the same tokenizer.

    Returns:
        Of each the bytes that `products` reads; none for a memory such as "?!".
    """
    kept = [vectors[_first_of_each(ids, ignored)] for vectors, ids in memories]
    if not kept:
        return []
    rotated = rotate(np.concatenate(kept))
    levels = np.clip(np.floor(rotated / _STEP) + _LEVELS // 2, 0, _LEVELS - 1).astype(np.uint8)
    pairs = levels[:, : DIMENSIONS // 2] | levels[:, DIMENSIONS // 2 :] << 4
    ends = np.cumsum([len(each) for each in kept])[:-1]
    return [_FORM + each.tobytes() if len(each) else b"" for each in np.split(pairs, ends)]


def of_earlier_form(stored: bytes) -> bool:
    """True of what earlier versions stored."""
    return len(stored) % 2 == 0


def joined(stored: Sequence[bytes]) -> bytes:
    """Token vectors of several texts as those of one, all stored in today's form."""
    tokens = b"".join(each[1:] for each in stored)
    return _FORM + tokens if tokens else b""


def products(
    stored: Sequence[bytes], query: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[int]]:
    """Inner products of all tokens of memories, stored in the same form, and those of a question.

    In blocks that stay in the cache, and so small that OpenBLAS starts no thread: measured at two
    cores with unpacked tokens, 12,000 and 8 of a question took 0.6 ms, and 9 ms as one product,
    whose threads then go on spinning. Packed ones are compared by their halves: 600 memories of 20
    took 1.1 ms with all that `maxsim` does, and 1.9 unpacked first.

    Args:
        stored: What `compact` made of each memory, none of it empty.
        query: Shape (query tokens, DIMENSIONS).

    Returns:
        float32 of shape (tokens, query tokens); how many tokens each memory has.
    """
    size = max(_BLOCK // query.size, 1)
    if of_earlier_form(stored[0]):
        tokens = np.frombuffer(b"".join(stored), np.int8).reshape(-1, DIMENSIONS)
        found = np.empty((len(tokens), len(query)), np.float32)
        for at in range(0, len(tokens), size):
            block = tokens[at : at + size].astype(np.float32)
            np.matmul(block, query.T * np.float32(_EARLIER_STEP), out=found[at : at + size])
        return found, [len(each) // DIMENSIONS for each in stored]
    half = DIMENSIONS // 2
    pairs = np.frombuffer(b"".join([each[1:] for each in stored]), np.uint8).reshape(-1, half)
    scaled = query * np.float32(_STEP)
    found = np.empty((len(pairs), len(query)), np.float32)
    for at in range(0, len(pairs), size):
        both, part = pairs[at : at + size], found[at : at + size]
        np.matmul((both & _LEVELS - 1).astype(np.float32), scaled[:, :half].T, out=part)
        part += (both >> 4).astype(np.float32) @ scaled[:, half:].T
    found -= np.float32((_LEVELS - 1) / 2) * scaled.sum(axis=1)  # levels lie around 0
    return found, [len(each) // half for each in stored]


def _first_of_each(ids: NDArray[np.int64], ignored: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of the content tokens, each where it comes first: repetitions find nothing more."""
    _, first = np.unique(ids, return_index=True)
    return np.sort(first[~ignored[ids[first]]])


def rotate(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Projected and normalised rows."""
    rotated = vectors.astype(np.float32, copy=False) @ projection(vectors.shape[1])
    lengths = np.linalg.norm(rotated, axis=1, keepdims=True)
    unit: NDArray[np.float32] = rotated / np.maximum(lengths, np.float32(1e-9))
    return unit
