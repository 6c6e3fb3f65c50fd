"""Milliseconds of each view of the page: a store of 100,000 turns of many users, and of one user.

Every fifth turn tells a fact; vectors are of words, so that a recall waits for no model. What the
browser adds is not measured.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from starlette.testclient import TestClient

from audit import fill
from lightmem_integrations import LightMem
from lightmem_integrations.testing import HashEmbedder
from lightmem_integrations.web.page.app import page

_DIMENSION = 384  # of the default model
_ASKED = 20  # times; the first is left out, which fills caches


def _views(memory: LightMem) -> dict[str, str]:
    question = "What+did+I+say+about+the+weekend"
    session = memory.sessions(user_id="0")[-1]
    fact = memory.facts(user_id="0")[-1].id
    return {
        "users": "/",
        "sessions": "/timeline?user=0",
        "a session": f"/timeline?user=0&session={session}",
        "facts": "/facts?user=0",
        "a fact": f"/facts/fact?user=0&id={fact}",
        "recall": f"/recall?user=0&q={question}",
        "recall, compared": f"/recall?user=0&q={question}&k2=10&tokens2=2000",
        "profile": "/profile?user=0",
        "spaces": "/spaces",
        "metrics": "/metrics",
    }


def _measured(browser: TestClient, address: str) -> list[float]:
    took = []
    for _ in range(_ASKED + 1):
        begun = time.perf_counter()
        answer = browser.get(address)
        took.append(1_000 * (time.perf_counter() - begun))
        if answer.status_code != 200:
            raise SystemExit(f"{address} answers {answer.status_code}.")
    return took


def main(
    count: Annotated[int, typer.Option("--turns", help="In each of both stores.")] = 100_000,
) -> None:
    """Print the first, the median and the longest of the other times of each view."""
    for users in (1_000, 1):
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), users, count // users)
            print(f"{count:,} turns, users: {users:,}; milliseconds: first, median, longest")
            with LightMem(folder, embedder=HashEmbedder(_DIMENSION)) as memory:
                memory.index_pending()
                browser = TestClient(page(memory, token="t"), base_url="http://127.0.0.1")  # noqa: S106
                browser.get("/", params={"token": "t"})
                for name, address in _views(memory).items():
                    first, *others = _measured(browser, address)
                    median = statistics.median(others)
                    print(f"{name:18}{first:9.1f}{median:9.1f}{max(others):9.1f}", flush=True)


if __name__ == "__main__":
    typer.run(main)
