"""Screenshots of the page for the docs: ``python scripts/screenshots.py`` writes docs/images anew.

The memory is that of the demo's two invented users. Needs the extra ``test`` and a Chromium.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from playwright.sync_api import sync_playwright

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.web.page.app import page

ROOT = Path(__file__).parents[1]
DEMO, IMAGES = ROOT / "examples" / "demo", ROOT / "docs" / "images"
TOKEN = "screenshots"  # noqa: S105 - for as long as the script runs
SIZE = (1120, 720)


def fill(memory: LightMem) -> str:
    """Remember the demo's conversations; returns the user of whom most is known."""
    users = json.loads((DEMO / "conversation.json").read_text("utf-8"))["users"]
    for user in users:
        for session in user["sessions"]:
            turns = [Turn(**_fields(turn)) for turn in session["turns"]]
            memory.add(turns, user_id=user["user_id"], session_id=session["session_id"])
    memory.consolidate(final=True)
    return max(memory.users(), key=lambda each: memory.stats(user_id=each).facts)


def _fields(turn: dict[str, object]) -> dict[str, object]:
    known = {name: turn[name] for name in ("id", "role", "speaker", "text") if name in turn}
    return known | {"time": dt.datetime.fromisoformat(str(turn["time"]))}


def views(memory: LightMem, user: str) -> dict[str, tuple[str, str]]:
    """Name of each image, with its colours and the address that it shows."""
    every = memory.facts(user_id=user, include_past=True)
    changed = next(fact for fact in every[::-1] if len(_history(memory, user, fact.id)) > 1)
    session = memory.sessions(user_id=user)[0]
    return {
        "page-facts": ("light", f"/facts?{urlencode({'user': user, 'show': 'all'})}"),
        "page-fact": ("dark", f"/facts/fact?{urlencode({'user': user, 'id': changed.id})}"),
        "page-forget": ("light", f"/forget?{urlencode({'user': user, 'session': session})}"),
    }


def _history(memory: LightMem, user: str, fact_id: str) -> tuple[object, ...]:
    return memory.explain(fact_id, user_id=user).history


def main() -> None:
    """Fill a memory, serve its page, and take its pictures."""
    sys.path.insert(0, str(DEMO))
    from notes import NotesWriter

    IMAGES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with LightMem(writer=NotesWriter()) as memory, socket.create_server(("127.0.0.1", 0)) as bound:
        user = fill(memory)
        server = uvicorn.Server(uvicorn.Config(page(memory, token=TOKEN), log_level="warning"))
        serving = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        serving.start()
        home = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, (colours, address) in views(memory, user).items():
                tab = browser.new_page(
                    viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme=colours
                )
                tab.goto(f"{home}/?token={TOKEN}")
                tab.goto(home + address)
                tab.screenshot(path=str(IMAGES / f"{name}.png"))
                tab.close()
            browser.close()
        server.should_exit = True
        serving.join()


if __name__ == "__main__":
    main()
