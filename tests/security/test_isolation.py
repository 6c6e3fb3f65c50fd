"""200 users whose ids, turn ids and texts are made to collide: nobody ever sees anybody else's."""

import random
import unicodedata

import numpy as np
import pytest
from sqlalchemy import bindparam

from lightmem_integrations import ExactIndex, LightMem, Settings, Turn
from lightmem_integrations.storage import turn_reads as neighbourhood
from lightmem_integrations.storage.index import nearest
from lightmem_integrations.testing import HashEmbedder
from thorough import cases

USERS, TURNS, RECALLS = 200, 24, cases(10_000)
TOPICS = [
    "boat",
    "dog",
    "bread",
    "train",
    "river",
    "school",
    "winter",
    "piano",
    "market",
    "garden",
    "letter",
    "doctor",
]
SPEAKERS = ("Ann", "Bo", None)


def colliding_ids() -> list[str]:
    odd = ["u1", "U1", "u1 ", " u1", "u10", "u%", "u_", "u'--", "u1|mtm", "u1/s1", "../u1", "u\0",
           "u\x01", "u\x01\x02", "ü", unicodedata.normalize("NFD", "ü"), "u1\n", "u1\t", "None",
           "default", "u" * 10_000, "u" * 9_999, "👩", "👩‍🚀", "u1@x", "u1@x "]  # fmt: skip
    return odd + [f"u{number}" for number in range(100, 100 + USERS - len(odd))]


def secret_of(number: int) -> str:
    return f"secret{number:03d}x"


class Leaky(ExactIndex):
    """An index that has forgotten to filter: it searches everybody's vectors."""

    everything = ()

    def search(self, scope, vector, limit, *, size):
        if not self.everything:
            rows = {row: each for items in self._scopes.values() for row, each in items.items()}
            if not rows:  # the search that opens an index
                return []
            self.everything = (list(rows), np.stack(list(rows.values())))
        return nearest(*self.everything, vector, limit)


def crowd(memory: LightMem) -> list[str]:
    """Fills a memory; every turn names its owner by a word of its own."""
    users = colliding_ids()
    assert len(set(users)) == USERS
    for number, user in enumerate(users):
        for session in range(2):
            memory.add(
                [
                    Turn(role="user" if n % 2 else "assistant",
                         text=f"The {TOPICS[n % 12]} and the {TOPICS[(n * 5 + 1) % 12]}, "
                              f"{n}: {secret_of(number)}",
                         id=f"t{n}", speaker=SPEAKERS[n % 3])
                    for n in range(TURNS // 2)
                ],
                user_id=user, session_id=f"s{session}",
            )  # fmt: skip
    memory.index_pending()
    return users


def foreign_items(memory: LightMem, users: list[str], recalls: int) -> int:
    """Asks at random; returns how much of somebody else's came back, anywhere in the result."""
    chance = random.Random(7)
    foreign = 0
    for _ in range(recalls):
        number = chance.randrange(USERS)
        other = secret_of(chance.randrange(USERS))
        query = f"{chance.choice(TOPICS)} {chance.choice(TOPICS)} {chance.choice([other, ''])}"
        limits = {}
        if chance.random() < 0.2:
            limits["session_id"] = f"s{chance.randrange(2)}"
        if chance.random() < 0.2:
            limits["speakers"] = ["Ann"]
        if chance.random() < 0.2:
            limits["exclude"] = [f"t{n}" for n in range(chance.randrange(4))]
        if chance.random() < 0.1:
            limits["exclude_session"] = "s0"
        found = memory.recall(query, user_id=users[number], k=chance.choice([1, 3, 5, 20]),
                              max_tokens=chance.choice([120, 1000]), strict=True,
                              count_tokens=len, **limits)  # fmt: skip
        mine = secret_of(number)
        shown = [found.text] + [
            turn.text for hit in found.hits for turn in (*hit.turns, *hit.neighbours)
        ]
        foreign += sum(text.count("secret") - text.count(mine) for text in shown)
    return foreign


def fast(**changes) -> Settings:
    return Settings(background_indexing=False, dense_pool=20, lexical_pool=20, **changes)


@pytest.mark.slow
def test_nobody_sees_anything_of_anybody_else_in_many_recalls(open_memory, tmp_path):
    memory = open_memory(tmp_path, embedder=HashEmbedder(48), settings=fast(shards=4))
    users = crowd(memory)
    assert foreign_items(memory, users, RECALLS // 2) == 0
    # The ledger alone keeps users apart: an index that mixes them all up changes nothing.
    leaky = open_memory(embedder=HashEmbedder(48), settings=fast(), index=Leaky())
    users = crowd(leaky)
    assert foreign_items(leaky, users, RECALLS // 2) == 0


@pytest.mark.slow
def test_the_check_itself_would_notice_a_leak(open_memory, monkeypatch):
    # What is held in memory of a user holds nobody else's turns: the join is what could leak.
    joined = fast(column_mebibytes=0)
    memory = open_memory(embedder=HashEmbedder(48), settings=joined, index=Leaky())
    users = crowd(memory)
    of_anybody = bindparam("rows", expanding=True)
    monkeypatch.setattr(neighbourhood, "among_rows", lambda column: column.in_(of_anybody))
    monkeypatch.setattr(neighbourhood, "_AROUND", neighbourhood._around())
    monkeypatch.setattr(neighbourhood, "_PROVENANCE", neighbourhood._verbatim())
    assert foreign_items(memory, users, 100) > 50


def test_histories_and_windows_are_apart(open_memory):
    memory = open_memory(embedder=HashEmbedder(8))
    for number, user in enumerate(colliding_ids()):
        memory.add(Turn(role="user", text=secret_of(number), id="t"), user_id=user)
    for number, user in enumerate(colliding_ids()):
        for seen in (memory.history(user_id=user), memory.short_term(user_id=user)):
            assert [turn.text for turn in seen] == [secret_of(number)]
        assert memory.stats(user_id=user).turns == 1


def test_clearing_a_window_or_forgetting_reaches_only_one_user(open_memory):
    memory = open_memory(embedder=HashEmbedder(8))
    users = colliding_ids()[:20]
    for number, user in enumerate(users):
        memory.add(Turn(role="user", text=secret_of(number), id="t"), user_id=user)
    memory.index_pending()
    memory.clear_short_term(user_id=users[0])
    memory.forget(user_id=users[1], session_id="default", turn_ids=["t"])
    assert memory.users() == (users[0], *users[2:])
    assert memory.short_term(user_id=users[0]) == ()
    for user in users[2:]:
        assert len(memory.short_term(user_id=user)) == 1
        assert len(memory.history(user_id=user)) == 1
