"""A memory in PostgreSQL beside one in a folder: time of recalls and adds, and bytes of turns.

``python benchmarks/postgres.py`` starts a server of its own that loses nothing in a crash
(``--url`` takes another one), fills both alike, and measures them in turns, so that a busy machine
is busy for both. ``--copies 8 90`` then multiplies what is in PostgreSQL by plain SQL, and measures
there again each time. A fast embedder stands in: no model's time is in these numbers.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path

import psycopg

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder

_WORDS = 20_000
_ADDED_AT_ONCE = 500
_SIZES = """
    SELECT relname, pg_total_relation_size(c.oid), pg_relation_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE nspname = 'lightmem' AND relkind = 'r' AND pg_total_relation_size(c.oid) > 1000000
    ORDER BY 2 DESC
"""
# Another user with all that user 1 has. The words' digests are no user's, and as many.
_COPY = """
    INSERT INTO users (id, key, name, searchable, terms, indexed)
    SELECT {to}, 'copy{to}', 'copy{to}', searchable, terms, indexed FROM users WHERE id = {of};
    INSERT INTO sessions (id, "user", key, name, length, window_from)
    SELECT id + {by}, {to}, key, name, length, window_from FROM sessions WHERE "user" = {of};
    INSERT INTO turns (id, "user", session, position, key, name, role, text, terms, said_at,
        "offset", recorded_at, searchable, digest, version)
    SELECT id + {by}, {to}, session + {by}, position, key, name, role, text, terms, said_at,
        "offset", recorded_at, searchable, digest, version FROM turns WHERE "user" = {of};
    INSERT INTO vectors (turn, "user", vector) SELECT turn + {by}, {to}, vector FROM vectors
        WHERE "user" = {of};
    INSERT INTO lexical ("user", token, turn) SELECT {to}, token # {by}, turn + {by} FROM lexical
        WHERE "user" = {of};
"""


class Text:
    """Sentences of words that are as frequent as words are: few of them often, most of them not."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def turn(self) -> Turn:
        """A turn of one sentence."""
        return Turn(role="user", text=self.words(14), speaker=self._random.choice(["Ann", "Bob"]))

    def words(self, number: int) -> str:
        """So many words."""
        drawn = (int(_WORDS ** self._random.random()) for _ in range(number))
        return " ".join(f"word{each}" for each in drawn)


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=100_000, help="of all users")
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=200, help="recalls and adds measured")
    parser.add_argument("--copies", type=int, nargs="*", default=[], help="of the first")
    parser.add_argument("--url", help="an empty database")
    asked = parser.parse_args()
    with _server(asked.url) as url, tempfile.TemporaryDirectory() as folder:
        places = {"folder": f"{folder}/memory", "PostgreSQL": url}
        settings = Settings(background_indexing=False)
        memories = {
            name: LightMem(place, embedder=HashEmbedder(384), settings=settings)
            for name, place in places.items()
        }
        for memory in memories.values():
            _fill(memory, asked.users, asked.turns // asked.users)
        print(f"{asked.turns:,} turns of {asked.users} users")
        _measure(memories, asked.rounds)
        _print_sizes(url, asked.turns)
        made = 0
        for copies in asked.copies:
            _copy(url, made, copies)
            made += copies
            turns = asked.turns + made * (asked.turns // asked.users)
            print(f"{turns:,} turns of {asked.users + made} users")
            _measure({"PostgreSQL": memories["PostgreSQL"]}, asked.rounds)
            _print_sizes(url, turns)
        for memory in memories.values():
            memory.close()


@contextmanager
def _server(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    place = Path(__file__).parents[1] / "tests" / "support" / "postgresql.py"
    support = SourceFileLoader("postgresql_of_tests", str(place)).load_module()
    with support.PostgresServer(durable=True, shared_buffers="512MB", max_wal_size="4GB") as server:
        yield server.url()


def _fill(memory: LightMem, users: int, turns: int) -> None:
    started, text = time.perf_counter(), Text(0)
    for user in range(users):
        for first in range(0, turns, _ADDED_AT_ONCE):
            new = [text.turn() for _ in range(min(_ADDED_AT_ONCE, turns - first))]
            memory.add(new, user_id=f"user{user}", session_id=f"session{first}")
    memory.index_pending()
    print(f"filled {memory!r} in {time.perf_counter() - started:.0f} s", flush=True)


def _measure(memories: dict[str, LightMem], rounds: int) -> None:
    text, times = Text(1), {name: ([], []) for name in memories}
    for memory in memories.values():
        memory.recall("anything", user_id="user0")  # which reads the columns
    for _ in range(rounds):
        question, turn = text.words(7), text.turn()
        for name, memory in memories.items():
            recalls, adds = times[name]
            recalls.append(_seconds(lambda m=memory, q=question: m.recall(q, user_id="user0")))
            adds.append(_seconds(lambda m=memory, t=turn: m.add(t, user_id="user1")))
    for name, (recalls, adds) in times.items():
        rate = _adds_a_second(memories[name])
        print(
            f"{name:>11}: recall {_of(recalls)}, add {_of(adds)}, {rate:.0f} adds/s of 4 threads",
            flush=True,
        )


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _of(times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=20)
    return f"p50 {1e3 * cuts[9]:.1f} ms p95 {1e3 * cuts[18]:.1f} ms"


def _adds_a_second(memory: LightMem, seconds: float = 3.0) -> float:
    until, counts = time.monotonic() + seconds, []

    def work(number: int) -> None:
        text, count = Text(number), 0
        while time.monotonic() < until:
            memory.add(text.turn(), user_id=f"adder{number}")
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(counts) / seconds


def _print_sizes(url: str, turns: int) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as database:
        for name, whole, heap in database.execute(_SIZES):
            print(
                f"{name:>16}: {whole / turns:6.0f} bytes a turn, {heap / turns:6.0f} of them rows"
            )


def _copy(url: str, made: int, copies: int) -> None:
    started = time.perf_counter()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as database:
        database.execute("SET search_path TO lightmem; SET synchronous_commit TO off")
        of = database.execute("SELECT id FROM users WHERE name = 'user0'").fetchone()[0]
        for number in range(made + 1, made + copies + 1):
            database.execute(_COPY.format(of=of, to=1_000_000 + number, by=number * 100_000_000))
        database.execute("ANALYZE")
    print(f"copied in {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
