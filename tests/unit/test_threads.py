"""One store, many threads: no leaks, no lost writes, what one wrote is readable at once."""

import random
import threading

import pytest

from lightmem_integrations import Settings, Turn

THREADS, ROUNDS = 8, 20


def in_threads(work) -> list[BaseException]:
    errors = []

    def run(number):
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
        assert not each.is_alive(), "a thread hangs"
    return errors


@pytest.mark.slow
def test_eight_threads_and_eight_users(open_memory, tmp_path):
    memory = open_memory(tmp_path, settings=Settings(shards=2, embed_batch=8, column_mebibytes=0))
    written = [set() for _ in range(THREADS)]

    def work(number):
        chance = random.Random(number)
        for turn in range(ROUNDS):
            user = chance.randrange(8)
            key = f"k{number}x{turn}"
            memory.add(
                Turn(role="user", text=f"heron of user{user}x {key}", id=key),
                user_id=f"user{user}", session_id=f"s{number % 2}",
            )  # fmt: skip
            written[number].add((user, key))
            found = memory.recall(f"heron {key}", user_id=f"user{user}", k=5)
            assert all(f"user{user}x" in hit.text for hit in found.hits)
            found_ids = {hit.turns[0].id for hit in found.hits}
            assert key in found_ids, "one's own write is not found"
            ids = {each.id for each in memory.history(user_id=f"user{user}",
                                                      session_id=f"s{number % 2}")}  # fmt: skip
            assert key in ids
            memory.stats()

    assert in_threads(work) == []
    stored = {
        (user, turn.id)
        for user in range(8)
        for session in ("s0", "s1")
        for turn in memory.history(user_id=f"user{user}", session_id=session)
    }
    assert stored == set().union(*written)
    memory.index_pending()
    assert memory.stats().pending == 0


def test_the_same_turn_from_eight_threads_is_stored_once(open_memory, tmp_path):
    memory = open_memory(tmp_path, background=True)

    def work(number):
        for turn in range(20):
            memory.add(Turn(role="user", text=f"said {turn}", id=str(turn)), user_id="u")

    assert in_threads(work) == []
    assert [turn.id for turn in memory.history(user_id="u")] == [str(n) for n in range(20)]


@pytest.mark.slow
def test_recall_goes_on_while_another_user_is_forgotten(open_memory, tmp_path):
    memory = open_memory(tmp_path, settings=Settings(shards=1, column_mebibytes=0))
    memory.add(
        [Turn(role="user", text=f"heron {n}", id=str(n)) for n in range(60)], user_id="stays"
    )
    memory.index_pending()
    done = threading.Event()

    def work(number):
        if number == 0:
            for _turn in range(15):
                memory.add([Turn(role="user", text="short life")] * 3, user_id="goes")
                memory.forget(user_id="goes")
            done.set()
        while not done.is_set():
            found = memory.recall(f"heron {number}", user_id="stays", k=60, max_tokens=9_000)
            assert str(number) in {hit.turns[0].id for hit in found.hits}

    assert in_threads(work) == []
    assert memory.users() == ("stays",)
