"""The first opening of a store in PostgreSQL, as somebody who moves there sees it."""

import logging

import pytest

from lightmem_integrations import LightMem, SettingsError, Turn
from lightmem_integrations.testing import HashEmbedder


def test_a_new_store_warns_of_nothing(postgresql_database, caplog):
    for _ in range(2):
        with LightMem(postgresql_database, embedder=HashEmbedder()) as memory:
            memory.add(Turn(role="user", text="I moved to Lisbon."), user_id="alice")
            memory.index_pending()
            assert memory.recall("Lisbon", user_id="alice").hits
    said = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each.getMessage() for each in said] == []


def test_the_url_of_another_database_is_answered_with_one_that_can_be_used():
    with pytest.raises(SettingsError, match=r"postgresql\+psycopg://user:password@host/database"):
        LightMem("mysql://user@host/database")
