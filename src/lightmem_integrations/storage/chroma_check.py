"""Looks into an embedded Chroma folder, in a process of its own.

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

from lightmem_integrations.storage.chroma_places import open_folder

_SAMPLE = 20
_SAME = 1e-3


def healthy_by_child(folder: Path, bounds: Mapping[str, list[int]], seconds: float) -> bool:
    """Whether a child process found the folder healthy; ``False`` if it crashed or hung.

    Args:
        folder: An embedded Chroma folder that nobody has open.
        bounds: The least and the most items that each collection must hold.
        seconds: How long the child may take.
    """
    if not folder.exists():
        return not any(least for least, _ in bounds.values())
    command = [sys.executable, "-m", "lightmem_integrations.storage.chroma_check", str(folder)]
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


def healthy(folder: Path, bounds: dict[str, list[int]]) -> bool:
    """Whether the folder holds what it should. May crash or hang: that is an answer too."""
    client = open_folder(folder)
    counts = {each.name: each.count() for each in client.list_collections()}
    if any(count for name, count in counts.items() if name not in bounds):
        return False
    for name, (least, most) in bounds.items():
        count = counts.get(name, 0)
        if not least <= count <= most:
            return False
        if not count:
            continue
        collection = client.get_collection(name, embedding_function=None)
        for offset in {0, max(0, count - _SAMPLE)}:
            found = collection.get(limit=_SAMPLE, offset=offset, include=["embeddings"])
            vectors = np.asarray(found["embeddings"], np.float32)
            nearest = collection.query(query_embeddings=vectors, n_results=1, include=["distances"])
            distances = nearest["distances"] or []
            if len(distances) != len(found["ids"]):
                return False
            if any(not row or abs(row[0]) > _SAME for row in distances):
                return False
        wide = collection.query(
            query_embeddings=vectors[:1], n_results=min(count, 2 * _SAMPLE), include=["distances"]
        )
        if len(wide["ids"][0]) < min(count, 2 * _SAMPLE):
            return False
    return True


if __name__ == "__main__":
    if healthy(Path(sys.argv[1]), json.load(sys.stdin)):
        sys.stdout.write("healthy\n")
