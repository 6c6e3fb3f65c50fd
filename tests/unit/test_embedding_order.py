"""The order in which turns are embedded: users take turns, and the newest of each come first."""

import pytest

from lightmem_integrations import Settings, Turn
from lightmem_integrations.testing import HashEmbedder

BATCH = 8


class Noted(HashEmbedder):
    """Notes every batch of turns."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def embed_documents(self, texts):
        if texts[0].startswith("turn "):
            self.batches.append(list(texts))
        return super().embed_documents(texts)


def say(memory, user, count):
    turns = [Turn(role="user", text=f"turn {number} of {user}") for number in range(count)]
    memory.add(turns, user_id=user)


@pytest.mark.parametrize("before", [0, 400], ids=["said first", "said in between"])
def test_ten_turns_do_not_wait_behind_somebodys_backlog(open_memory, before):
    embedder = Noted()
    settings = Settings(background_indexing=False, embed_batch=BATCH)
    memory = open_memory(embedder=embedder, settings=settings)
    say(memory, "ann", before) if before else None
    say(memory, "bob", 10)
    say(memory, "ann", 800)
    memory.index_pending()
    places = [at for at, batch in enumerate(embedder.batches) for each in batch if "bob" in each]
    assert len(places) == 10
    assert places[-1] <= 2  # half of each batch is his
    assert sum(map(len, embedder.batches)) == before + 810


def test_of_each_user_the_newest_come_first_and_batches_are_full(open_memory):
    embedder = Noted()
    memory = open_memory(
        embedder=embedder, settings=Settings(background_indexing=False, embed_batch=BATCH)
    )
    users = [f"user-{number}" for number in range(5)]
    for user in users:
        say(memory, user, 16)
    memory.index_pending()
    assert [len(batch) for batch in embedder.batches] == [BATCH] * 10
    for user in users:
        said = [each for batch in embedder.batches for each in batch if each.endswith(user)]
        assert said == [f"turn {number} of {user}" for number in reversed(range(16))]
