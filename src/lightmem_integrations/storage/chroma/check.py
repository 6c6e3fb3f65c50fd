"""Health check of an embedded Chroma folder, in a process of its own.

A damaged folder can crash or hang whoever opens it; that must cost nothing but a child process.
Run as a module, this reads ``{collection: [least, most]}`` from standard input and prints
``healthy`` if each collection holds a count within its bounds and a sample of its items is found
by their own vectors.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lightmem_integrations.arrays import Vectors
from lightmem_integrations.storage.chroma.collection import named_so
from lightmem_integrations.storage.chroma.generations import open_folder

# All over the collection: a file that was cut short lacks the middle, while the latest items are
# still in Chroma's write buffer. Guesses, held by the damage that tests/crash does to files.
_PLACES = 64
_SAMPLE = 4  # items read at each place
_WIDE = 40  # results of one wider search
_SAME = 1e-3  # cosine distance of an item to its own vector, with room for rounding; a guess


def healthy_by_child(folder: Path, bounds: Mapping[str, list[int]], seconds: float) -> bool:
    """Check a folder in a child process; ``False`` also if that crashed or hung.

    Args:
        folder: An embedded Chroma folder that nobody has open.
        bounds: The least and the most items that each collection must hold.
        seconds: How long the child may take.
    """
    if not folder.exists():
        return not any(least for least, _ in bounds.values())
    command = [sys.executable, "-m", "lightmem_integrations.storage.chroma.check", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, in our own interpreter
            command,
            input=json.dumps(bounds).encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0 and done.stdout.strip().endswith(b"healthy")


def within(counts: Mapping[str, int], bounds: Mapping[str, list[int]]) -> bool:
    """Check that each collection holds between its least and its most, and no other anything."""
    inside = all(least <= counts.get(name, 0) <= most for name, (least, most) in bounds.items())
    return inside and not any(count for name, count in counts.items() if name not in bounds)


def healthy(folder: Path, bounds: dict[str, list[int]]) -> bool:
    """Check that a folder holds what it should. May crash or hang: that is an answer too."""
    client = open_folder(folder)
    counts = {each.name: each.count() for each in client.list_collections()}
    if not within(counts, bounds):
        return False
    for name in bounds:
        count = counts.get(name, 0)
        if not count:
            continue
        collection = client.get_collection(name, embedding_function=None)
        if not named_so(collection):
            return False
        some: Vectors | None = None
        for offset in sorted({(count - 1) * place // _PLACES for place in range(_PLACES + 1)}):
            found = collection.get(limit=_SAMPLE, offset=offset, include=["embeddings"])
            vectors = np.asarray(found["embeddings"], np.float32)
            # What an embedder has no vector for is stored as zeros, and is near to nothing.
            vectors = vectors[vectors.any(axis=1)]
            if not len(vectors):
                continue
            some = vectors[:1]
            nearest = collection.query(query_embeddings=vectors, n_results=1, include=["distances"])
            distances = nearest["distances"] or []
            if len(distances) != len(vectors):
                return False
            if any(not row or abs(row[0]) > _SAME for row in distances):
                return False
        if some is None:
            continue
        wide = collection.query(
            query_embeddings=some, n_results=min(count, _WIDE), include=["distances"]
        )
        if len(wide["ids"][0]) < min(count, _WIDE):
            return False
    return True


if __name__ == "__main__":
    if healthy(Path(sys.argv[1]), json.load(sys.stdin)):
        sys.stdout.write("healthy\n")
