"""Token vectors of memories, compacted once at write time for late interaction.

Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late
Interaction over BERT", SIGIR 2020.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.text.terms import STOP_WORDS

DIMENSIONS = 128
"""Length of a compact token vector, in bytes as in dimensions; that of ColBERT."""

# int8 steps per unit. A unit vector of 128 dimensions has entries around 0.09; those beyond 0.5
# are vanishingly rare and are clipped, so that no scale need be stored with each vector.
STEPS = 254.0

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


def ignored_tokens(vocabulary: Mapping[str, int]) -> NDArray[np.bool_]:
    """Mask of the token ids without content: specials, punctuation, stop words.

    Args:
        vocabulary: Token to id, as `tokenizers.Tokenizer.get_vocab()` gives it (WordPiece).

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
        )
    return ignored


def compact(
    memories: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]],
    ignored: NDArray[np.bool_],
) -> list[NDArray[np.int8]]:
    """Token vectors of memories in the form that is stored, of each different token the first.

    All at once, since many small matrix products cost many times what a large one does.

    Args:
        memories: Of each, the model's last hidden states, shape (tokens, width), padding cut off,
            and the token ids, shape (tokens,).
        ignored: What `ignored_tokens` returned for the same tokenizer.

    Returns:
        Of each, int8 of shape (different content tokens, DIMENSIONS); empty for one like "?!".
    """
    kept = [vectors[_first_of_each(ids, ignored)] for vectors, ids in memories]
    if not kept:
        return []
    rotated = rotate(np.concatenate(kept))
    stored: NDArray[np.int8] = np.clip(np.rint(rotated * STEPS), -127, 127).astype(np.int8)
    ends = np.cumsum([len(each) for each in kept])[:-1]
    return list(np.split(stored, ends))


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
