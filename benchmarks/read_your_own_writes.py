"""Read your own writes across processes: what one adds, another one finds at once.

One process adds turns, each to one of some users. As soon as an add has returned, this process asks
for it by a word that stands in it, and by one that does not but means the same. Counts what was not
found, and the milliseconds of add and recall.

    python benchmarks/read_your_own_writes.py postgresql+psycopg://user@host/db --adds 10000
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import quantiles

from lightmem_integrations import LightMem
from lightmem_integrations.arrays import Vectors
from lightmem_integrations.testing import HashEmbedder

ADDER = """
import sys, time
sys.path.insert(0, sys.argv[3])
from read_your_own_writes import Meaning
from lightmem_integrations import LightMem, Turn

with LightMem(sys.argv[1], embedder=Meaning()) as memory:
    for number in range(int(sys.argv[2])):
        sys.stdin.readline()
        began = time.perf_counter()
        memory.add(
            Turn(role="user", text=f"I saw heron{number} at the lake.", id=f"t{number}"),
            user_id=f"user{number % 50}",
        )
        print(1000 * (time.perf_counter() - began), flush=True)
"""


class Meaning(HashEmbedder):
    """Gives a heron and an egret of one number the same vector.

    In 4,096 dimensions none of a user's herons have one vector; in the default's 128, some have.
    """

    def __init__(self) -> None:
        super().__init__(4096)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of turns."""
        return super().embed_documents([text.replace("egret", "heron") for text in texts])

    def embed_query(self, text: str) -> Vectors:
        """Vector of a question."""
        return super().embed_query(text.replace("egret", "heron"))


def measured(url: str, adds: int) -> dict[str, float]:
    """Adds that were not found by word and by meaning, and milliseconds of adds and recalls."""
    folder = __file__.rpartition("/")[0] or "."
    adder = subprocess.Popen(  # noqa: S603 - this program
        [sys.executable, "-c", ADDER, url, str(adds), folder],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    missed = {"word": 0, "meaning": 0}
    adding, asking = [], []
    with LightMem(url, embedder=Meaning()) as memory:
        for number in range(adds):
            print(number, file=adder.stdin, flush=True)
            adding.append(float(adder.stdout.readline()))
            birds = [("heron", "word"), ("egret", "meaning")]
            # Who is asked first embeds the turn: by turns.
            for bird, kind in birds[:: 1 if number % 2 else -1]:
                began = time.perf_counter()
                found = memory.recall(f"{bird}{number}", user_id=f"user{number % 50}", k=3)
                asking.append(1000 * (time.perf_counter() - began))
                said = {turn.id for hit in found.hits for turn in hit.turns}
                missed[kind] += f"t{number}" not in said
    adder.stdin.close()
    adder.wait(60)
    figures = {f"missed by {kind}": count for kind, count in missed.items()}
    for name, values in (("add", adding), ("recall", asking)):
        steps = quantiles(values, n=100)
        figures |= {f"{name} p50 ms": round(steps[49], 2), f"{name} p95 ms": round(steps[94], 2)}
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--adds", type=int, default=10_000)
    arguments = parser.parse_args()
    for name, value in measured(arguments.url, arguments.adds).items():
        print(f"{name:20} {value:,}")
