"""Spaces: memories that users share by an explicit grant."""

import datetime as dt
import time

import pytest

from lightmem_integrations import (
    AccessError,
    Branch,
    ConsolidationSettings,
    InvalidRequestError,
    ScopeError,
    Settings,
    Turn,
)
from lightmem_integrations.testing import ScriptedWriter


@pytest.fixture
def memory(open_memory):
    """Ann reads and writes the household, Bob reads it, Cy has no grant."""
    memory = open_memory()
    memory.spaces.grant("family", user_id="ann", write=True)
    memory.spaces.grant("family", user_id="bob")
    memory.add(Turn(role="user", text="The wifi password is heron."), user_id="ann", space="family")
    return memory


def texts(turns):
    return [turn.text for turn in turns]


def test_what_is_added_to_a_space_is_no_users_own(memory):
    assert texts(memory.history(user_id="ann", space="family")) == ["The wifi password is heron."]
    assert texts(memory.history(user_id="bob", space="family")) == ["The wifi password is heron."]
    assert memory.history(user_id="ann") == ()
    assert not memory.recall("wifi heron", user_id="ann").hits
    assert memory.users() == ()


def test_a_user_of_the_same_name_as_a_space_is_somebody_else(memory):
    memory.add(Turn(role="user", text="My dog is called Basil."), user_id="family")
    assert memory.users() == ("family",)
    assert texts(memory.history(user_id="family")) == ["My dog is called Basil."]
    assert texts(memory.history(user_id="ann", space="family")) == ["The wifi password is heron."]
    memory.forget(user_id="family")
    assert texts(memory.history(user_id="ann", space="family")) == ["The wifi password is heron."]
    memory.spaces.delete("family")
    assert memory.spaces.names() == ()


def test_no_user_id_reaches_a_space(memory):
    for call in (memory.history, memory.facts, memory.sessions, memory.forget):
        with pytest.raises(ScopeError):
            call(user_id="\udc00family")


def test_without_a_grant_a_space_reads_as_if_it_were_not_there(memory):
    with pytest.raises(AccessError, match="may not read the space 'family'") as there:
        memory.history(user_id="cy", space="family")
    with pytest.raises(AccessError) as nowhere:
        memory.history(user_id="cy", space="office")
    assert str(there.value).replace("family", "office") == str(nowhere.value)


def test_who_may_only_read_adds_corrects_and_forgets_nothing(memory):
    turn = Turn(role="user", text="I was here.", id="t")
    for write in (
        lambda: memory.add(turn, user_id="bob", space="family"),
        lambda: memory.follow(Branch(history="app", turn_ids=[]), user_id="bob", space="family"),
        lambda: memory.clear_short_term(user_id="bob", space="family"),
        lambda: memory.forget(user_id="bob", space="family"),
    ):
        with pytest.raises(AccessError, match="write=True"):
            write()
    assert len(memory.short_term(user_id="bob", space="family")) == 1


def test_a_grant_is_replaced_by_the_next_and_taken_away_by_revoke(memory):
    memory.spaces.grant("family", user_id="bob", write=True)
    memory.add(Turn(role="user", text="I bought bread."), user_id="bob", space="family")
    memory.spaces.grant("family", user_id="bob")
    with pytest.raises(AccessError):
        memory.add(Turn(role="user", text="And milk."), user_id="bob", space="family")
    assert memory.spaces.revoke("family", user_id="bob")
    with pytest.raises(AccessError):
        memory.history(user_id="bob", space="family")
    assert not memory.spaces.revoke("family", user_id="bob")
    assert len(memory.history(user_id="ann", space="family")) == 2


def test_members_and_grants_are_listed(memory):
    memory.spaces.grant("office", user_id="ann")
    assert [(each.user_id, each.write) for each in memory.spaces.members("family")] == [
        ("ann", True), ("bob", False),
    ]  # fmt: skip
    assert [(each.space, each.write) for each in memory.spaces.of(user_id="ann")] == [
        ("family", True), ("office", False),
    ]  # fmt: skip
    assert memory.spaces.names() == ("family", "office")
    assert memory.spaces.members("nowhere") == ()
    assert "read and write" in memory.spaces.members("family")._repr_html_()
    stats = memory.stats()
    assert (stats.users, stats.spaces, stats.turns) == (0, 2, 1)


def test_a_turn_of_a_space_says_who_added_it_and_who_spoke(memory):
    memory.add(
        [
            Turn(role="user", text="I like tea.", speaker="Granny"),
            Turn(role="assistant", text="OK"),
        ],
        user_id="ann",
        space="family",
    )
    first, granny, assistant = memory.history(user_id="bob", space="family")
    assert (first.speaker, first.author) == ("ann", "ann")
    assert (granny.speaker, granny.author) == ("Granny", "ann")
    assert (assistant.speaker, assistant.author) == (None, "ann")
    (own,) = memory.add(Turn(role="user", text="Mine."), user_id="ann")
    assert (own.speaker, own.author) == (None, None)


def test_forgetting_in_a_space_erases_ones_own_turns_alone(memory):
    memory.spaces.grant("family", user_id="bob", write=True)
    memory.add(Turn(role="user", text="I bought bread."), user_id="bob", space="family")
    receipt = memory.forget(user_id="bob", space="family")
    assert (receipt.turns, receipt.purged) == (1, True)
    assert texts(memory.history(user_id="ann", space="family")) == ["The wifi password is heron."]
    memory.forget(user_id="ann", space="family")
    assert memory.history(user_id="ann", space="family") == ()
    assert len(memory.spaces.members("family")) == 2, "an empty space keeps its members"
    memory.add(Turn(role="user", text="Again."), user_id="ann", space="family")


def test_forgetting_ones_own_turns_lets_the_runs_of_others_write_on(memory):
    memory.spaces.grant("family", user_id="bob", write=True)
    said = [Turn(role="user", text=f"From {who}.", id=who) for who in ("ann", "bob")]
    memory.forget(user_id="ann", space="family")
    for turn in said:
        branch = Branch(history="app", turn_ids=[turn.id])
        memory.add(turn, user_id=turn.id, space="family", branch=branch)
    assert texts(memory.history(user_id="ann", space="family")) == ["From ann.", "From bob."]


def test_a_forgotten_user_has_no_grants_and_what_they_gave_stays(memory, tmp_path):
    memory.add(Turn(role="user", text="My own."), user_id="ann")
    memory.forget(user_id="ann")
    assert memory.spaces.of(user_id="ann") == ()
    with pytest.raises(AccessError):
        memory.history(user_id="ann", space="family")
    assert texts(memory.history(user_id="bob", space="family")) == ["The wifi password is heron."]


def test_part_of_a_memory_forgotten_leaves_the_grants(memory):
    memory.forget(user_id="ann", session_id="default")
    assert len(memory.spaces.of(user_id="ann")) == 1


def test_a_deleted_space_leaves_no_byte(open_memory, tmp_path):
    memory = open_memory(tmp_path)
    memory.spaces.grant("gardenclub", user_id="member1", write=True)
    memory.add(Turn(role="user", text="canary4711"), user_id="member1", space="gardenclub")
    memory.index_pending()
    receipt = memory.spaces.delete("gardenclub")
    assert (receipt.turns, receipt.sessions, receipt.purged) == (1, 1, True)
    assert memory.spaces.of(user_id="member1") == ()
    memory.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for word in (b"gardenclub", b"member1", b"canary4711"):
        assert word not in kept


@pytest.fixture
def known(memory, consolidated):
    """The household's facts, of which two contradict each other."""
    for text in ("Ann.home = Lisbon", "Ann.pet = Basil", "Bo.likes + tea"):
        memory.add(Turn(role="user", text=text), user_id="ann", space="family")
    consolidated(memory, size=1)
    return memory


def test_a_space_is_consolidated_as_a_user_is(known):
    facts = known.facts(user_id="bob", space="family")
    assert [fact.value for fact in facts] == ["Lisbon", "Basil", "tea"]
    assert known.facts(user_id="ann") == ()
    assert len(known.episodes(user_id="bob", space="family")) == 4
    assert known.episodes(user_id="ann") == ()
    assert known.sessions(user_id="bob", space="family") == ("default",)
    assert known.sessions(user_id="ann") == ()
    evidence = known.explain(facts[0].id, user_id="bob", space="family").evidence
    assert [proof.turn.text for proof in evidence] == ["Ann.home = Lisbon"]


def test_a_space_is_consolidated_alone_if_asked(memory):
    memory.add(Turn(role="user", text="Ann.home = Porto"), user_id="ann")
    writer = ScriptedWriter()
    memory.consolidate(user_id="ann", space="family", writer=writer)
    assert [turn.text for call in writer.calls for turn in call] == ["The wifi password is heron."]
    with pytest.raises(AccessError):
        memory.consolidate(user_id="bob", space="family")
    with pytest.raises(ScopeError, match="user_id"):
        memory.consolidate(space="family")


def test_a_space_is_consolidated_in_the_background(open_memory):
    quiet = ConsolidationSettings(quiet_seconds=0.0, gap_seconds=1.0)
    settings = Settings(
        background_indexing=False, background_consolidation=True, consolidation=quiet
    )
    memory = open_memory(settings=settings, writer=ScriptedWriter())
    memory.spaces.grant("family", user_id="ann", write=True)
    long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
    said = Turn(role="user", text="Ann.home = Lisbon", time=long_ago)
    memory.add(said, user_id="ann", space="family")
    until = time.monotonic() + 10
    while not memory.facts(user_id="ann", space="family") and time.monotonic() < until:
        time.sleep(0.05)
    assert [fact.value for fact in memory.facts(user_id="ann", space="family")] == ["Lisbon"]


def test_who_may_write_corrects_the_facts_of_a_space(known):
    home, pet, _ = known.facts(user_id="ann", space="family")
    edited = known.edit(home.id, user_id="ann", space="family", value="Porto")
    assert edited.value == "Porto"
    assert known.retract(pet.id, user_id="ann", space="family").retracted_at
    assert [fact.value for fact in known.facts(user_id="bob", space="family")] == ["tea", "Porto"]


def test_who_may_only_read_corrects_no_fact(known):
    fact = known.facts(user_id="bob", space="family")[0]
    for write in (
        lambda: known.edit(fact.id, user_id="bob", space="family", value="Porto"),
        lambda: known.retract(fact.id, user_id="bob", space="family"),
        lambda: known.resolve("c", user_id="bob", space="family", keep=fact.id),
    ):
        with pytest.raises(AccessError, match="write=True"):
            write()
    for own in (known.explain, known.retract):
        with pytest.raises(InvalidRequestError, match="no fact"):
            own(fact.id, user_id="bob")


@pytest.mark.parametrize(
    "read", ["history", "short_term", "sessions", "facts", "episodes", "conflicts"]
)
def test_no_verb_reads_a_space_without_a_grant(known, read):
    assert getattr(known, read)(user_id="bob", space="family") is not None
    known.spaces.revoke("family", user_id="bob")
    with pytest.raises(AccessError):
        getattr(known, read)(user_id="bob", space="family")


def test_conflicts_of_a_space_are_decided_there(memory, consolidated):
    same = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc)
    for agent, value in (("a", "Lisbon"), ("b", "Porto")):
        memory.add(
            Turn(role="user", text=f"Ann.home = {value}", time=same),
            user_id="ann", space="family", agent_id=agent,
        )  # fmt: skip
    consolidated(memory, size=1)
    (conflict,) = memory.conflicts(user_id="bob", space="family")
    assert memory.conflicts(user_id="ann") == ()
    keep = conflict.second.id
    memory.resolve(conflict.id, user_id="ann", space="family", keep=keep)
    assert [fact.id for fact in memory.facts(user_id="bob", space="family")] == [keep]


def test_what_two_say_of_themselves_is_not_one_persons(memory):
    """Who is called "user" by all would have one favourite drink, the last one said."""
    memory.spaces.grant("family", user_id="bob", write=True)
    for user_id, drink in (("ann", "tea"), ("bob", "coffee")):
        said = Turn(role="user", text=f"My favourite drink is {drink}.")
        memory.add(said, user_id=user_id, space="family")
    who = {turn.text: turn.speaker for turn in memory.history(user_id="bob", space="family")}
    assert who["My favourite drink is tea."] == "ann"
    assert who["My favourite drink is coffee."] == "bob"


def test_what_is_forgotten_in_a_space_is_in_no_fact_of_it(known):
    known.spaces.grant("family", user_id="bob", write=True)
    known.forget(user_id="bob", space="family", memory_ids=[
        fact.id for fact in known.facts(user_id="bob", space="family")
    ])  # fmt: skip
    assert len(known.facts(user_id="bob", space="family")) == 3, "they rest on Ann's words"
    receipt = known.forget(user_id="ann", space="family")
    assert (receipt.turns, receipt.facts, receipt.episodes) == (4, 3, 4)
    assert known.facts(user_id="bob", space="family") == ()


@pytest.mark.slow
def test_what_is_said_in_spaces_alone_is_shared_with_nobody(open_memory, consolidated):
    pytest.importorskip("presidio_analyzer", reason="the extra 'shared' is not installed")
    memory = open_memory(settings=Settings(background_indexing=False, shared_knowledge=True))
    for space in "abcde":
        memory.spaces.grant(space, user_id="ann", write=True)
        memory.add(Turn(role="user", text="user.likes + green tea"), user_id="ann", space=space)
    consolidated(memory, size=1)
    assert memory.shared() == ()


def test_grants_are_there_after_the_next_opening(open_memory, tmp_path):
    memory = open_memory(tmp_path)
    memory.spaces.grant("family", user_id="ann", write=True)
    memory.add(Turn(role="user", text="Heron."), user_id="ann", space="family")
    memory.close()
    memory = open_memory(tmp_path)
    assert texts(memory.history(user_id="ann", space="family")) == ["Heron."]


@pytest.mark.parametrize("space", ["", "  ", 5, "x" * 10_001, "a\udc00"])
def test_what_names_no_space_is_refused(memory, space):
    with pytest.raises(ScopeError, match="space"):
        memory.spaces.grant(space, user_id="ann")
    with pytest.raises(ScopeError, match="space"):
        memory.history(user_id="ann", space=space)


async def test_spaces_have_twins_to_await(memory):
    grant = await memory.spaces.agrant("office", user_id="cy")
    assert (grant.space, grant.user_id, grant.write) == ("office", "cy", False)
    assert await memory.spaces.amembers("office") == (grant,)
    assert await memory.spaces.aof(user_id="cy") == (grant,)
    assert await memory.spaces.anames() == ("family", "office")
    assert await memory.spaces.arevoke("office", user_id="cy")
    await memory.spaces.adelete("office")
    assert memory.spaces.names() == ("family",)
