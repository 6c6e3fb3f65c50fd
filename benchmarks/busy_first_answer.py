"""How many first answers of an agent have their memory on a busy machine, and how long they take.

Each answer comes from a fresh process beside others that do nothing but compute: right after the
first message was told (``new store``), or in a process that opens a filled store and asks at once
(``restart``).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SAID, ASKED, EXPECTED = "I moved to Lisbon in May.", "Where did I move to?", "Lisbon"
PAGE_CACHE = Path("/proc/sys/vm/drop_caches")


def langchain_agent(folder: str) -> Callable[[str, str], str]:
    """The README's agent, with a model that quotes from memory."""
    from langchain.agents import create_agent
    from langchain_core.messages import HumanMessage

    from lightmem_integrations import LightMem
    from lightmem_integrations.langchain import LightMemMiddleware
    from lightmem_integrations.testing import ExtractiveChatModel

    memory = LightMem(folder)
    agent = create_agent(ExtractiveChatModel(), tools=[], middleware=[LightMemMiddleware(memory)])

    def say(thread: str, text: str) -> str:
        config = {"configurable": {"thread_id": thread, "user_id": "alice"}}
        return str(agent.invoke({"messages": [HumanMessage(text)]}, config)["messages"][-1].text)

    return say


def llama_index_engine(folder: str) -> Callable[[str, str], str]:
    """The README's chat engine, with a model that quotes from memory."""
    from llama_index.core.chat_engine import SimpleChatEngine

    from lightmem_integrations import LightMem
    from lightmem_integrations.llama_index import LightMemMemory
    from lightmem_integrations.testing import ExtractiveLLM

    store = LightMem(folder)

    def say(session: str, text: str) -> str:
        memory = LightMemMemory.from_defaults(memory=store, user_id="alice", session_id=session)
        return str(SimpleChatEngine.from_defaults(llm=ExtractiveLLM(), memory=memory).chat(text))

    return say


APPLICATIONS = {"langchain": langchain_agent, "llama_index": llama_index_engine}


def answer(application: str, folder: str, *, restart: bool) -> None:
    """One first answer in this process; prints whether it had its memory, and its seconds."""
    say = APPLICATIONS[application](folder)
    if not restart:
        say("monday", SAID)
    start = time.perf_counter()
    found = say("friday", ASKED)
    sys.stdout.write(json.dumps([EXPECTED in found, time.perf_counter() - start]) + "\n")


def first_answer(application: str, folder: str, *, restart: bool) -> tuple[bool, float]:
    """One first answer in a process of its own."""
    command = [sys.executable, __file__, "--application", application, "--folder", folder]
    done = subprocess.run(  # noqa: S603 - this very script
        [*command, *(["--restart"] if restart else [])],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    remembered, seconds = json.loads(done.stdout.splitlines()[-1])
    return bool(remembered), float(seconds)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Processes beside this one that do nothing but compute."""
    endless = [
        sys.executable,
        "-c",
        "import os\nmine = os.getppid()\nwhile os.getppid() == mine: pass",
    ]
    started = [subprocess.Popen(endless) for _ in range(processes)]  # noqa: S603
    try:
        yield
    finally:
        for each in started:
            each.kill()
            each.wait()


def measure(application: str, runs: int, *, restart: bool, cold: bool) -> list[tuple[bool, float]]:
    """First answers of so many fresh processes."""
    answers = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            if restart:
                filling = "import sys; from lightmem_integrations import LightMem, Turn\n"
                filling += "with LightMem(sys.argv[1]) as memory:\n"
                filling += "    memory.add(Turn(role='user', text=sys.argv[2]), user_id='alice')\n"
                filling += "    memory.index_pending()"
                command = [sys.executable, "-c", filling, folder, SAID]
                subprocess.run(command, check=True)  # noqa: S603
            if cold:
                os.sync()
                PAGE_CACHE.write_text("3", encoding="ascii")
            answers.append(first_answer(application, folder, restart=restart))
    return answers


def main() -> None:
    """Print a line for each application and way to begin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, default=10, help="processes beside it")
    parser.add_argument("--runs", type=int, default=5, help="first answers of each kind")
    parser.add_argument("--cold", action="store_true", help="empty the page cache (as root)")
    parser.add_argument("--application", choices=APPLICATIONS, help="only this one")
    parser.add_argument("--restart", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        answer(given.application, given.folder, restart=given.restart)
        return
    with busy(given.busy):
        for application in [given.application] if given.application else APPLICATIONS:
            for restart in (False, True):
                found = measure(application, given.runs, restart=restart, cold=given.cold)
                seconds = [spent for _, spent in found]
                sys.stdout.write(
                    f"{application:12} {'restart' if restart else 'new store':10} "
                    f"with memory {sum(had for had, _ in found)} of {len(found)}, "
                    f"median {statistics.median(seconds):.2f} s, "
                    f"longest {max(seconds):.2f} s\n"
                )


if __name__ == "__main__":
    main()
