"""Recall by another checkout of the library, such as the commit before, over the same turns.

A process of its own imports the library from there, fills a store, and answers a question a line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


class OtherCheckout:
    """The other process; its time for a question includes the way there and back, some 0.1 ms.

    Args:
        checkout: Root of the other checkout.
        folder: Where its store goes.
        counts: Turns of the heavy user, turns of all others together, number of others.
        embedder: As in `latency.py`.
    """

    def __init__(
        self, checkout: Path, folder: Path, counts: tuple[int, int, int], embedder: str
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this very file
            [sys.executable, __file__, str(folder), *map(str, counts), embedder],
            env=os.environ | {"PYTHONPATH": str(checkout.absolute() / "src")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ask("Are you there?")  # answered once the store is filled

    def ask(self, question: str) -> None:
        """Recall with default arguments."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both were asked for")
        print(question, file=self._process.stdin, flush=True)
        if not self._process.stdout.readline():
            raise RuntimeError("The other checkout's process ended; its error stands above.")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _answer(folder: str, own: str, others: str, users: str, embedder: str) -> None:
    from latency import HEAVY, filled

    with filled(Path(folder), (int(own), int(others), int(users)), embedder) as memory:
        for line in sys.stdin:
            found = memory.recall(line, user_id=HEAVY, strict=True)
            print(len(found.hits), flush=True)


if __name__ == "__main__":
    _answer(*sys.argv[1:])
