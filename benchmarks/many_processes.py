"""Mixed work of several processes on one memory in PostgreSQL, held against an oracle.

    python benchmarks/many_processes.py [--seconds 60] [--processes 4] [--threads 4] [--url URL]

Threads add, recall, consolidate, forget and edit memories that all processes share. Each keeps a
journal of what was acknowledged; at the end it is compared with what the memory holds. Then one
process does the same alone, and the table has the calls a second of both. Without ``--url`` a
server of its own is started, on the same processors: their use stands in the table.
"""

import argparse
import collections
import contextlib
import json
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from postgresql import PostgresServer, make_database

USERS = 8
SESSIONS = 3
SHARES = {"add": 50, "recall": 30, "consolidate": 8, "edit": 6, "forget": 6}
"""Calls of each kind in a hundred: a guess at a busy assistant."""


def opened(url: str) -> LightMem:
    """The memory that all processes share."""
    return LightMem(url, embedder=HashEmbedder(), writer=ScriptedWriter(), settings=Settings())


def work(url: str, name: str, threads: int, seconds: float, ready: Barrier, journal: Path) -> None:
    """One process: threads that work until the time is over, and write down what was done."""
    memory, lines, lock = opened(url), [], threading.Lock()
    ready.wait()  # all begin at once, however long a process takes to start
    until = time.time() + seconds

    def note(**what: object) -> None:
        with lock:
            lines.append(what)

    def run(thread: int) -> None:
        chance, number = random.Random(f"{name} {thread}"), 0
        mine: list[tuple[str, str, str]] = []  # user, session, turn: said here, not forgotten
        while time.time() < until:
            number += 1
            user = f"user{chance.randrange(USERS)}"
            kind = chance.choices([*SHARES], [*SHARES.values()])[0]
            label = f"{name}x{thread}x{number}"
            began = time.perf_counter()
            try:
                found = call(kind, user, label, chance, mine)
                note(kind=kind, seconds=time.perf_counter() - began, **found)
            except Exception as error:  # noqa: BLE001 - each is counted, and shown
                note(kind=kind, error=f"{type(error).__name__}: {error}"[:300], label=label)

    def call(  # noqa: PLR0911 - one for each kind
        kind: str, user: str, label: str, chance: random.Random, mine: list
    ) -> dict[str, object]:
        if kind == "add":
            session = f"s{chance.randrange(SESSIONS)}"
            turns = [
                Turn(role="user", text=f"{user}.{label}{part} = {user}v{label}", id=label + part)
                for part in "ab"
            ]
            memory.add(turns, user_id=user, session_id=session)
            mine.append((user, session, label))
            return {"label": label, "user": user, "session": session}
        if kind == "recall":
            recalled = memory.recall(f"{mine[-1][2]}a" if mine else "v", user_id=user, strict=True)
            wrong = [hit.text for hit in recalled.hits if not hit.text.startswith(f"{user}")]
            if mine:  # what this thread has said is found at once
                whose, _, said = mine[-1]
                texts = [
                    hit.text for hit in memory.recall(f"{said}a", user_id=whose, strict=True).hits
                ]
                if not any(f"{said}a" in text for text in texts):
                    return {"foreign": wrong, "unfound": said}
            return {"foreign": wrong}
        if kind == "consolidate":
            memory.consolidate(user_id=user, final=True, max_batches=2)
            return {}
        if kind == "edit":
            facts = memory.facts(user_id=user)
            if facts:
                with contextlib.suppress(ValueError):  # forgotten or edited meanwhile
                    memory.edit(chance.choice(facts).id, user_id=user, value=f"{user}e{label}")
            return {"foreign": [f.statement for f in facts if not f.subject.startswith(user)]}
        if not mine:
            return {}
        user, session, gone = mine.pop(chance.randrange(len(mine)))
        memory.forget(
            user_id=user, session_id=session, turn_ids=[gone + "a", gone + "b"], purge=False
        )
        return {"gone": gone}

    workers = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    memory.close()
    journal.write_text("\n".join(map(json.dumps, lines)))


def compared(url: str, noted: list[dict]) -> dict[str, object]:
    """What the memory holds, against what was acknowledged."""
    memory = opened(url)
    memory.index_pending()
    memory.consolidate(final=True)
    unsure = {each["label"] for each in noted if "error" in each}
    gone = {each["gone"] for each in noted if "gone" in each}
    added = {each["label"]: each for each in noted if each["kind"] == "add" and "error" not in each}
    lost, doubled, foreign, disorder, orphans = 0, 0, 0, 0, 0
    held: dict[str, list[tuple[str, str]]] = collections.defaultdict(list)
    for user in memory.users():
        for session in memory.sessions(user_id=user):
            turns = [turn.id for turn in memory.history(user_id=user, session_id=session)]
            doubled += len(turns) - len(set(turns))
            pairs = [turn[:-1] for turn in turns]
            disorder += pairs[::2] != pairs[1::2]
            for label in pairs[::2]:
                held[label].append((user, session))
            last: dict[str, int] = {}
            for label in pairs[::2]:  # each thread's own calls come in its order
                thread, _, number = label.rpartition("x")
                disorder += int(number) < last.get(thread, 0)
                last[thread] = int(number)
        facts = memory.facts(user_id=user)
        said = [(fact.subject, fact.attribute, fact.value) for fact in facts]
        doubled += len(said) - len(set(said))
        foreign += sum(not fact.subject.startswith(user) for fact in facts)
        labels = {fact.attribute[:-1] for fact in facts}
        orphans += len({each for each in labels if each.replace(" ", "") in gone})
    for label, each in added.items():
        if label in gone:
            foreign += label in held
        elif held.get(label) != [(each["user"], each["session"])]:
            lost += 1
    missing = [each for each in added.values() if each["label"] not in gone | unsure]
    unfound = 0
    for each in random.Random(1).sample(missing, min(len(missing), 200)):
        hits = memory.recall(f"{each['label']}a", user_id=each["user"], strict=True).hits
        unfound += not any(f"{each['label']}a" in hit.text for hit in hits)
    memory.close()
    return {
        "lost": lost, "doubled": doubled, "out of order": disorder, "of forgotten": orphans,
        "foreign": foreign + sum(len(each.get("foreign", ())) for each in noted),
        "not found": unfound + sum("unfound" in each for each in noted),
    }  # fmt: skip


def measured(url: str, folder: Path, *, processes: int, threads: int, seconds: float) -> dict:
    """Runs the processes; returns what they did, and what was wrong with it."""
    opened(url).close()
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    files = [folder / f"{processes}-{number}.json" for number in range(processes)]
    running = [
        context.Process(
            target=work, args=(url, f"p{number}", threads, seconds, ready, files[number])
        )
        for number in range(processes)
    ]
    for each in running:
        each.start()
    ready.wait()
    before = cpu()
    time.sleep(seconds)
    busy, whole = (after - then for after, then in zip(cpu(), before, strict=True))
    for each in running:
        each.join()
    noted = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    done = [each for each in noted if "error" not in each]
    calls = collections.Counter(each["kind"] for each in done)
    errors = collections.Counter(each["error"] for each in noted if "error" in each)
    return {
        "processes": processes, "threads": threads, "calls a second": len(done) / seconds,
        "processors": f"{busy / whole:.0%} of {os.cpu_count()}", **calls,
        **compared(url, noted), "errors": sum(errors.values()), "which": errors.most_common(3),
    }  # fmt: skip


def cpu() -> tuple[float, float]:
    """Seconds that the machine's processors were busy, and that there were."""
    times = [int(each) for each in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return sum(times) - times[3] - times[4], sum(times)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--url", help="of a server, whose user may make databases")
    asked = parser.parse_args()
    with contextlib.ExitStack() as ending:
        server = asked.url or ending.enter_context(PostgresServer(durable=True)).url()
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        for processes in (asked.processes, 1):
            url = make_database(server, f"many_{processes}_{int(time.time())}")
            figures = measured(
                url, folder, processes=processes, threads=asked.threads, seconds=asked.seconds
            )
            for name, figure in figures.items():
                shown = f"{figure:.1f}" if isinstance(figure, float) else figure
                print(f"{name:>16}  {shown}")
            print()


if __name__ == "__main__":
    main()
