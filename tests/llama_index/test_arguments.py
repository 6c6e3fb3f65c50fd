"""An argument that nothing takes is an error that names it, wherever it is given."""

from __future__ import annotations

from typing import Any

import pytest

from lightmem_integrations import InvalidRequestError, LightMem
from lightmem_integrations.llama_index import (
    ConsolidateTurns,
    ConsolidationWorkflow,
    LightMemBlock,
    LightMemMemory,
    LightMemRerank,
    LightMemToolSpec,
)


@pytest.mark.parametrize("make", [LightMemBlock, LightMemMemory, LightMemMemory.from_defaults])
def test_made_for_a_user(core: LightMem, make: Any) -> None:
    with pytest.raises(TypeError, match="kk"):
        make(memory=core, user_id="alice", kk=3)


def test_an_option_that_consolidation_does_not_know_is_named(core: LightMem) -> None:
    with pytest.raises(InvalidRequestError, match="ConsolidateTurns takes no 'kk'"):
        ConsolidateTurns(memory=core, user_id="alice", kk=3)


def test_made_otherwise(core: LightMem) -> None:
    with pytest.raises(TypeError, match="kk"):
        LightMemToolSpec(core, user_id="alice", kk=3)
    with pytest.raises(TypeError, match="kk"):
        LightMemRerank(kk=3)


def test_a_class_for_chat_engines_is_refused_when_it_is_made(core: LightMem) -> None:
    with pytest.raises(InvalidRequestError, match=r"LightMemMemory takes no 'kk'. Did you mean k"):
        LightMemMemory.bound(memory=core, user_id="alice", kk=3)
    LightMemMemory.bound(memory=core, user_id="alice", k=3, token_limit=500)


async def test_a_run_that_names_its_users_wrongly_consolidates_nobody(core: LightMem) -> None:
    with pytest.raises(InvalidRequestError, match=r"takes no 'user_id'. Did you mean user_ids"):
        await ConsolidationWorkflow(core).run(user_id="alice")


def test_a_text_in_the_place_of_a_message_is_named(core: LightMem) -> None:
    memory = LightMemMemory(memory=core, user_id="alice")
    for attempt in (memory.put, memory.set):
        with pytest.raises(InvalidRequestError, match=r"is no message but a str\. Pass such as"):
            attempt("I live in Lisbon.")  # type: ignore[arg-type]
    assert memory.get_all() == []
