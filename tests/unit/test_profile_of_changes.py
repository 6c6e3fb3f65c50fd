"""A profile follows what changes in people's lives, told in dialogues that a person annotated."""

from pathlib import Path

import pytest

from annotated_writer import AnnotatedWriter
from versions import read_chats, remember

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data"
CHATS = read_chats(DATA / "changes.txt", DATA / "changes.json")
KINDS = ("instruction", "preference", "state")
WHOLE = 100_000


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A store in which each dialogue was said, and consolidated session by session."""
    from lightmem_integrations import LightMem, Settings
    from lightmem_integrations.testing import HashEmbedder

    writer = AnnotatedWriter()
    with LightMem(
        tmp_path_factory.mktemp("store"),
        embedder=HashEmbedder(),
        writer=writer,
        settings=Settings(background_indexing=False),
    ) as memory:
        for chat in CHATS:
            remember(memory, chat, writer)
        yield memory


@pytest.mark.parametrize("chat", [chat.name for chat in CHATS])
def test_what_holds_is_in_it_and_what_does_not_is_not(lived, chat):
    profile = lived.profile(user_id=chat, max_tokens=WHOLE)
    shown = {line.fact_id for line in profile.lines if line.kind in KINDS}
    facts = lived.facts(user_id=chat)
    assert shown - {None} == {
        fact.id
        for fact in facts
        if fact.kind in KINDS
        and fact.told_by != "assistant"
        and fact.superseded_by is None
        and fact.doubt is None
    }
    past = {fact.statement for fact in lived.facts(user_id=chat, include_past=True)}
    past -= {fact.statement for fact in facts}
    assert not past & {line.text for line in profile.lines}


@pytest.mark.parametrize("chat", [chat.name for chat in CHATS])
def test_it_stays_the_same_where_nothing_new_is_found(lived, chat):
    before = lived.profile(user_id=chat)
    lived.consolidate(user_id=chat, final=True)
    assert lived.profile(user_id=chat) == before
    assert before.tokens <= lived.settings.profile_tokens


@pytest.mark.parametrize("chat", [chat.name for chat in CHATS])
def test_what_is_retracted_and_forgotten_leaves_it_at_once(lived, chat):
    for fact in lived.facts(user_id=chat)[:2]:
        lived.retract(fact.id, user_id=chat)
        profile = lived.profile(user_id=chat, max_tokens=WHOLE)
        assert fact.id not in {line.fact_id for line in profile.lines}
    profile = lived.profile(user_id=chat, max_tokens=WHOLE)
    if profile.lines:
        line = profile.lines[0]
        lived.forget(user_id=chat, session_id=line.session_id, turn_ids=line.turn_ids, purge=False)
        after = lived.profile(user_id=chat, max_tokens=WHOLE)
        assert line.turn_ids not in {each.turn_ids for each in after.lines}
