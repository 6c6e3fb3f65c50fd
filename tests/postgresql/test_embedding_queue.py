"""Turns waiting for vectors in a database of many processes: claims, fairness, dead workers."""

import threading
import time

import pytest
from sqlalchemy import select, update

from lightmem_integrations import ConsolidationSettings, LightMem, ModelError, Settings, Turn
from lightmem_integrations.storage.postgresql.ledger import PostgresLedger
from lightmem_integrations.storage.schema import vectors, work
from lightmem_integrations.storage.sql import database_clock
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter

EMBED_ALONE = Settings(background_indexing=False, embed_batch=8)


@pytest.fixture
def opened(postgresql_database):
    """Opens the database as another process would: with connections of its own."""
    memories = []

    def opened(**options):
        number = len(memories)
        options.setdefault("embedder", HashEmbedder())
        options.setdefault("settings", EMBED_ALONE)
        memories.append(LightMem(f"{postgresql_database}?application_name=p{number}", **options))
        return memories[-1]

    yield opened
    for memory in memories:
        memory.close()


@pytest.fixture
def ledger(postgresql_database):
    ledger = PostgresLedger(postgresql_database)
    yield ledger
    ledger.close()


class Held(HashEmbedder):
    """Waits in its first batch of turns until it is let go."""

    def __init__(self):
        super().__init__()
        self.called, self.let_go, self.texts = threading.Event(), threading.Event(), []

    def embed_documents(self, texts):
        if any("number" in text for text in texts):
            self.texts += texts
            self.called.set()
            assert self.let_go.wait(60)
        return super().embed_documents(texts)


class Noted(HashEmbedder):
    """Notes every text of a turn that it embeds."""

    def __init__(self):
        super().__init__()
        self.texts = []

    def embed_documents(self, texts):
        self.texts += [text for text in texts if "number" in text]
        return super().embed_documents(texts)


def say(memory, count, user="ann", first=0):
    memory.add(
        [Turn(role="user", text=f"number {n} of {user}") for n in range(first, first + count)],
        user_id=user,
    )


def in_thread(call):
    failed = []

    def run():
        try:
            call()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failed


def claims(ledger):
    with ledger.read() as connection:
        held = select(work.c.item, work.c.claimed_by).where(work.c.claimed_by.is_not(None))
        return dict(connection.execute(held).all())


def now(ledger):
    """The time on the database's clock, at this moment."""
    with ledger.read() as connection:
        return connection.scalar(select(database_clock(connection)))


def stored(ledger):
    with ledger.read() as connection:
        return sorted(connection.scalars(select(vectors.c.turn)))


def test_two_processes_embed_each_turn_once(opened):
    embedders = [Noted(), Noted()]
    first, second = (opened(embedder=embedder) for embedder in embedders)
    say(first, 100)
    threads = [in_thread(memory.index_pending) for memory in (first, second)]
    for thread, failed in threads:
        thread.join(60)
        assert not failed
    texts = [text for embedder in embedders for text in embedder.texts]
    assert len(texts) == len(set(texts)) == 100
    assert first.stats().pending == 0


def test_what_a_process_is_embedding_is_left_to_it_and_nothing_is_held_up(opened, ledger):
    held = Held()
    slow, other = opened(embedder=held), opened(embedder=(noted := Noted()))
    say(slow, 20)
    thread, failed = in_thread(slow.index_pending)
    assert held.called.wait(30)
    assert len(claims(ledger)) == 8
    waiting, others_failed = in_thread(other.index_pending)
    while len(noted.texts) < 12:
        time.sleep(0.01)
    assert not set(noted.texts) & set(held.texts[:8])
    held.let_go.set()
    for each in (thread, waiting):
        each.join(60)
    assert not failed
    assert not others_failed
    assert (len(stored(ledger)), claims(ledger)) == (20, {})


def test_a_question_embeds_its_users_turns_whoever_has_claimed_them(opened, ledger):
    held = Held()
    slow, other = opened(embedder=held), opened()
    say(slow, 5)
    thread, failed = in_thread(slow.index_pending)
    assert held.called.wait(30)
    found = other.recall("number 3 of ann", user_id="ann")
    assert found.hits[0].text.endswith("number 3 of ann")
    assert not found.degraded
    before = stored(ledger)
    assert len(before) == 5
    held.let_go.set()
    thread.join(60)
    assert not failed
    assert stored(ledger) == before


def test_claims_last_as_long_as_the_work_and_no_longer(opened, ledger):
    held = Held()
    settings = Settings(background_indexing=False, embed_batch=8, claim_seconds=0.6)
    slow, other = opened(embedder=held, settings=settings), opened(embedder=(noted := Noted()))
    say(slow, 8)
    thread, failed = in_thread(slow.index_pending)
    assert held.called.wait(30)
    waiting, others_failed = in_thread(other.index_pending)
    time.sleep(2.0)  # three times the claim
    assert noted.texts == []
    held.let_go.set()
    for each in (thread, waiting):
        each.join(60)
    assert not failed
    assert not others_failed
    assert noted.texts == []
    assert claims(ledger) == {}


def test_nothing_is_stored_of_what_another_process_took_over(opened, ledger):
    held = Held()
    slow = opened(embedder=held)
    say(slow, 4)
    thread, failed = in_thread(slow.index_pending)
    assert held.called.wait(30)
    with ledger.write() as connection:  # as after a pause of the whole machine
        connection.execute(update(work).values(claimed_by="another", claimed_until=2.0**31))
    held.let_go.set()
    time.sleep(1.0)
    assert stored(ledger) == []
    with ledger.write() as connection:
        connection.execute(update(work).values(claimed_until=0.0))
    thread.join(60)
    assert not failed
    assert len(stored(ledger)) == 4


def test_an_embedder_that_fails_gives_its_turns_back(opened, ledger):
    class Fails(HashEmbedder):
        def embed_documents(self, texts):
            if any("number" in text for text in texts):
                raise OSError("the model is away")
            return super().embed_documents(texts)

    broken, other = opened(embedder=Fails()), opened()
    say(broken, 4)
    with pytest.raises(ModelError):
        broken.index_pending()
    assert claims(ledger) == {}
    began = time.monotonic()
    assert other.index_pending() == 4
    assert time.monotonic() - began < 5.0  # no claim of 30 s is in the way


def test_what_is_erased_meanwhile_is_not_stored(opened, ledger):
    held = Held()
    slow, other = opened(embedder=held), opened()
    say(slow, 4)
    say(slow, 4, user="bob")
    thread, failed = in_thread(slow.index_pending)
    assert held.called.wait(30)
    other.forget(user_id="ann")
    held.let_go.set()
    thread.join(60)
    assert not failed
    assert len(stored(ledger)) == 4
    assert (other.stats().pending, other.users()) == (0, ("bob",))


def test_the_turns_of_a_process_that_died_are_embedded_by_one_that_does_nothing_else(
    opened, ledger
):
    writer = opened()
    say(writer, 4)
    with ledger.write() as connection:
        until = now(ledger) + 2.0
        connection.execute(update(work).values(claimed_by="dead", claimed_until=until))
    opened(settings=Settings())
    while len(stored(ledger)) < 4:
        assert now(ledger) < until + 1.0
        time.sleep(0.02)


def test_an_idle_process_embeds_what_others_add(opened, ledger):
    writer = opened()
    opened(settings=Settings())
    time.sleep(1.0)
    say(writer, 3)
    until = time.monotonic() + 10.0
    while len(stored(ledger)) < 3:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_no_connection_is_held_while_a_model_works(postgresql_database):
    """With one connection in the pool, whoever asks while a model works would wait for it."""
    inside = {}

    def free(name):
        inside[name] = inside.get(name, 0) + 1
        memory.sessions(user_id="ann")  # fails after pool_timeout where one is held

    class Asks(HashEmbedder):
        def embed_documents(self, texts):
            free("embedder of turns")
            return super().embed_documents(texts)

        def embed_query(self, text):
            free("embedder of questions")
            return super().embed_query(text)

    class Writes(ScriptedWriter):
        def write(self, turns):
            free("writer")
            return super().write(turns)

    class Ranks:
        def score(self, query, texts):
            free("re-ranker")
            return [float(len(text)) for text in texts]

    url = f"{postgresql_database}?pool_size=1&max_overflow=0&pool_timeout=1"
    settings = Settings(
        background_indexing=False, consolidation=ConsolidationSettings(lease_seconds=3600)
    )
    with LightMem(
        url, embedder=Asks(), writer=Writes(), reranker=Ranks(), settings=settings
    ) as memory:
        memory.add(Turn(role="user", text="Ann.home = Lisbon"), user_id="ann")
        found = memory.recall("Where is Ann's home?", user_id="ann")
        assert (len(found.hits), found.degraded) == (1, ())
        memory.add(Turn(role="user", text="Ann.likes + tea"), user_id="ann")
        memory.index_pending()
        report = memory.consolidate(final=True)
        assert (report.facts, report.failed, report.problems) == (2, 0, ())
        memory.recall("What does Ann like?", user_id="ann")
        names = {"embedder of turns", "embedder of questions", "writer", "re-ranker"}
        assert set(inside) == names
