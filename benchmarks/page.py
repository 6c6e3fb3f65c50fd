"""Milliseconds of each view of the page: a store of 100,000 turns of many users, and of one user.

Every fifth turn tells a fact; vectors are of words, so that a recall waits for no model. A session
of the first user has a tenth more turns. What the browser adds is not measured.
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
from synthetic import turns

_STORES = [1_000, 1]  # users
_DIMENSION = 384  # of the default model
_LONG = "long"
_FEWEST = 100  # turns of a user: two sessions and the facts of them
_ASKED = 20  # times; the first is left out, which fills caches


def _views(memory: LightMem) -> dict[str, str]:
    question = "What+did+I+say+about+the+weekend"
    session = memory.sessions(user_id="0")[-2]
    fact = memory.facts(user_id="0")[-1].id
    return {
        "users": "/",
        "sessions": "/timeline?user=0",
        "a session": f"/timeline?user=0&session={session}",
        "the long session": f"/timeline?user=0&session={_LONG}",
        "its end": f"/timeline?user=0&session={_LONG}&end=1",
        "facts": "/facts?user=0",
        "facts, by teller": "/facts?user=0&told=user",
        "conflicts": "/facts?user=0&show=conflicts",
        "a fact": f"/facts/fact?user=0&id={fact}",
        "recall": f"/recall?user=0&q={question}",
        "recall, compared": f"/recall?user=0&q={question}&k2=10&tokens2=2000",
        "profile": "/profile?user=0",
        "forget a fact": f"/forget?user=0&memory={fact}",
        "forget it all": "/forget?user=0&all=1",
        "spaces": "/spaces",
        "metrics": "/metrics",
    }


def _measured(browser: TestClient, address: str) -> tuple[list[float], list[float]]:
    """How long it took each time, and how much of it was work of the processor."""
    took, worked = [], []
    for _ in range(_ASKED + 1):
        begun, before = time.perf_counter(), time.process_time()
        answer = browser.get(address)
        took.append(1_000 * (time.perf_counter() - begun))
        worked.append(1_000 * (time.process_time() - before))
        if answer.status_code != 200:
            raise SystemExit(f"{address} answers {answer.status_code}.")
    return took, worked


def main(
    count: Annotated[int, typer.Option("--turns", help="In each store.")] = 100_000,
    stores: Annotated[list[int], typer.Option("--users", help="In a store; repeatable.")] = _STORES,
) -> None:
    """Print the first time of each view, median and longest of the others, and the processor's."""
    for users in stores:
        if count < _FEWEST * users:
            raise typer.BadParameter(
                f"{users:,} users need {_FEWEST * users:,} --turns, or fewer --users"
            )
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), users, count // users)
            print(f"{count:,} turns, users: {users:,}; milliseconds:")
            print(f"{'':18}{'first':>9}{'median':>9}{'longest':>9}{'processor':>11}", flush=True)
            with LightMem(folder, embedder=HashEmbedder(_DIMENSION)) as memory:
                long = list(turns(0, count // users // 10))
                memory.add(long, user_id="0", session_id=_LONG)
                memory.index_pending()
                browser = TestClient(page(memory, token="t"), base_url="http://127.0.0.1")  # noqa: S106
                browser.get("/", params={"token": "t"})
                for name, address in _views(memory).items():
                    (first, *others), worked = _measured(browser, address)
                    median, busy = statistics.median(others), statistics.median(worked[1:])
                    print(
                        f"{name:18}{first:9.1f}{median:9.1f}{max(others):9.1f}{busy:11.1f}",
                        flush=True,
                    )


if __name__ == "__main__":
    typer.run(main)
