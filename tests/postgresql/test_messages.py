"""What is sent to the server: few messages, and statements that it keeps prepared where it can."""

from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, event

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.storage.postgresql.connections import engine_of
from lightmem_integrations.storage.postgresql.url import postgres_url
from lightmem_integrations.testing import HashEmbedder
from pgbouncer import pooled


def test_an_add_is_six_messages_and_as_many_for_many_turns(postgresql_database):
    sent = []
    settings = Settings(background_indexing=False)
    with LightMem(postgresql_database, embedder=HashEmbedder(), settings=settings) as memory:
        said = [Turn(role="user", text=f"I have {n} cats.", speaker="Ann") for n in range(30)]
        memory.add(said[0], user_id="ann")

        @event.listens_for(Engine, "before_cursor_execute")
        def _count(*given):
            sent.append(given[2])

        try:
            memory.add(said[1], user_id="ann")
            one = list(sent)
            memory.add(said[2:], user_id="ann")
        finally:
            event.remove(Engine, "before_cursor_execute", _count)
    # Beside these: COMMIT.
    assert len(one) == 5
    assert len(sent) - len(one) == 5


@pytest.mark.parametrize("between", ["nothing", "pgbouncer"])
@pytest.mark.parametrize(("asked", "prepared"), [("", None), ("?prepare_threshold=0", False)])
def test_statements_are_prepared_where_no_pooler_stands_between(
    postgresql_database, between, asked, prepared
):
    with ExitStack() as ending:
        url = postgresql_database
        if between == "pgbouncer":
            url = ending.enter_context(pooled(url))
        engine = engine_of(postgres_url(url.partition("?")[0] + asked))
        ending.callback(engine.dispose)
        for _ in range(8):
            with engine.begin() as connection:
                connection.exec_driver_sql("SELECT %(n)s::bigint", {"n": 1})
        with engine.begin() as connection:
            kept = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
            assert bool(kept.scalar()) is (between == "nothing" if prepared is None else prepared)
