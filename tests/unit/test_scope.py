"""Whose memory: no call without exactly one user, and no two users ever meet."""

import asyncio
import functools
import unicodedata

import pytest

from lightmem_integrations import Branch, LightMem, ScopeError, Settings, Turn
from lightmem_integrations.safety import digest
from lightmem_integrations.testing import HashEmbedder

NOBODY = [None, "", " ", "\t\n", "\u00a0", 0, 1, b"alice", ["alice"], ("a",), {"a": 1}, object()]
WILDCARDS = ["*", "%", "?", "**", " * ", "%%", "* ?", "\ud800", "x" * 10_001]

BRANCH = Branch(history="h", turn_ids=["t"])

ENTRY_POINTS = {
    "add": lambda memory, user: memory.add(Turn(role="user", text="x"), user_id=user),
    "follow": lambda memory, user: memory.follow(BRANCH, user_id=user),
    "history": lambda memory, user: memory.history(user_id=user),
    "short_term": lambda memory, user: memory.short_term(user_id=user),
    "clear_short_term": lambda memory, user: memory.clear_short_term(user_id=user),
    "recall": lambda memory, user: memory.recall("x", user_id=user),
    "forget": lambda memory, user: memory.forget(user_id=user),
    "sessions": lambda memory, user: memory.sessions(user_id=user),
    "facts": lambda memory, user: memory.facts(user_id=user),
    "episodes": lambda memory, user: memory.episodes(user_id=user),
    "explain": lambda memory, user: memory.explain("f", user_id=user),
    "edit": lambda memory, user: memory.edit("f", user_id=user, statement="x"),
    "retract": lambda memory, user: memory.retract("f", user_id=user, reason="x"),
    "conflicts": lambda memory, user: memory.conflicts(user_id=user),
    "resolve": lambda memory, user: memory.resolve("c", user_id=user, keep="f"),
    "profile": lambda memory, user: memory.profile(user_id=user),
    "pin": lambda memory, user: memory.pin(user_id=user, turn_ids=["t"]),
    "unpin": lambda memory, user: memory.unpin(user_id=user, turn_ids=["t"]),
    "set_importance": lambda memory, user: memory.set_importance(1, user_id=user, turn_ids=["t"]),
    "aadd": lambda memory, user: memory.aadd(Turn(role="user", text="x"), user_id=user),
    "afollow": lambda memory, user: memory.afollow(BRANCH, user_id=user),
    "ahistory": lambda memory, user: memory.ahistory(user_id=user),
    "ashort_term": lambda memory, user: memory.ashort_term(user_id=user),
    "aclear_short_term": lambda memory, user: memory.aclear_short_term(user_id=user),
    "arecall": lambda memory, user: memory.arecall("x", user_id=user),
    "aforget": lambda memory, user: memory.aforget(user_id=user),
    "asessions": lambda memory, user: memory.asessions(user_id=user),
    "afacts": lambda memory, user: memory.afacts(user_id=user),
    "aepisodes": lambda memory, user: memory.aepisodes(user_id=user),
    "aexplain": lambda memory, user: memory.aexplain("f", user_id=user),
    "aedit": lambda memory, user: memory.aedit("f", user_id=user, statement="x"),
    "aretract": lambda memory, user: memory.aretract("f", user_id=user, reason="x"),
    "aconflicts": lambda memory, user: memory.aconflicts(user_id=user),
    "aresolve": lambda memory, user: memory.aresolve("c", user_id=user, keep="f"),
    "aprofile": lambda memory, user: memory.aprofile(user_id=user),
    "apin": lambda memory, user: memory.apin(user_id=user, turn_ids=["t"]),
    "aunpin": lambda memory, user: memory.aunpin(user_id=user, turn_ids=["t"]),
    "aset_importance": lambda memory, user: memory.aset_importance(1, user_id=user, turn_ids=["t"]),
}
# These take no user, or one that may be left out.
WITHOUT_USER = {
    "audit",
    "backup",
    "export",
    "load",
    "sweep",
    "shared",
    "consolidate",
    "users",
    "stats",
    "stats_of",
    "metrics",
    "show",
    "documents",
    "index_pending",
    "reindex",
    "warm_up",
    "count_tokens",
    "close",
}

ODD_IDS = [
    "ann@example.com",
    "ann+memory@example.com",
    "👩‍🚀",
    "x" * 10_000,
    "../x",
    "../../etc/passwd",
    "/etc/passwd",
    "a\0b",
    "a\x01b",
    "a\x01\x02b",
    "'; DROP TABLE users; --",
    '"quoted"',
    "CON",
    "u1",
    "U1",
    "u1 ",
    " u1",
    "u10",
    "u%",
    "u_",
    "u*",
    "u1|s1",
    "u1\n",
    unicodedata.normalize("NFC", "ü"),
    unicodedata.normalize("NFD", "ü"),
    "None",
    "default",
]


@pytest.fixture
def memory(open_memory):
    memory = open_memory()
    memory.add(Turn(role="user", text="Alice lives in Lisbon.", id="t"), user_id="alice")
    return memory


@pytest.fixture(scope="module")
def untouched():
    """A store for all calls that must be refused: each test looks whether it was changed."""
    with LightMem(embedder=HashEmbedder(), settings=Settings(background_indexing=False)) as memory:
        memory.add(Turn(role="user", text="Alice lives in Lisbon.", id="t"), user_id="alice")
        yield memory


def answer(memory, call, user):
    found = call(memory, user)
    return asyncio.run(found) if asyncio.iscoroutine(found) else found


@pytest.mark.parametrize("name", ENTRY_POINTS)
@pytest.mark.parametrize("user", [*NOBODY, *WILDCARDS], ids=lambda each: repr(each)[:20])
def test_every_entry_point_refuses_nobody_and_everybody(untouched, name, user):
    before = untouched.stats()
    with pytest.raises(ScopeError):
        answer(untouched, ENTRY_POINTS[name], user)
    assert untouched.stats() == before
    assert untouched.users() == ("alice",)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_every_entry_point_demands_a_user_id(untouched, name):
    method = getattr(untouched, name)
    plain = name.removeprefix("a") if name != "add" else name
    first = {
        "add": [[]],
        "follow": [BRANCH],
        "recall": ["x"],
        "explain": ["f"],
        "edit": ["f"],
        "retract": ["f"],
        "set_importance": [0.5],
    }
    arguments = first.get(plain, [])
    if plain == "resolve":
        method = functools.partial(method, "c", keep="f")
    with pytest.raises(TypeError, match="user_id"):
        asyncio.run(method(*arguments)) if name.startswith("a") and name != "add" else method(
            *arguments
        )


def test_stats_of_nobody_is_refused_but_stats_of_all_is_not(memory):
    for user in ["", " ", "*", 5]:
        with pytest.raises(ScopeError):
            memory.stats(user_id=user)
        with pytest.raises(ScopeError):
            memory.stats_of("alice", user)
    assert memory.stats().users == 1


def test_the_list_of_entry_points_is_complete():
    public = {name for name in dir(LightMem) if not name.startswith("_")}
    with_user = {each for each in public if not WITHOUT_USER & {each, each.removeprefix("a")}}
    assert with_user - {"closed", "place", "settings"} == set(ENTRY_POINTS)


@pytest.mark.parametrize(
    ("user", "told"),
    [
        (None, "user_id is None. Pass the id"),
        (5, "user_id is 5, an int. Pass the id"),
        (["alice"], "user_id is ['alice'], a list. Pass the id"),
    ],
    ids=["none", "a number", "a list"],
)
def test_the_error_says_what_was_given_in_whole_words(untouched, user, told):
    with pytest.raises(ScopeError) as refused:
        untouched.recall("x", user_id=user)
    assert told in str(refused.value)


@pytest.mark.parametrize("session", ["", " ", 5, "\ud800", "x" * 10_001, []])
def test_session_and_agent_ids_must_name_something(memory, session):
    turn = Turn(role="user", text="x")
    with pytest.raises(ScopeError):
        memory.add(turn, user_id="alice", session_id=session)
    with pytest.raises(ScopeError):
        memory.add(turn, user_id="alice", agent_id=session)
    with pytest.raises(ScopeError):
        memory.history(user_id="alice", session_id=session)
    with pytest.raises(ScopeError):
        memory.recall("x", user_id="alice", session_id=session)
    with pytest.raises(ScopeError):
        memory.recall("x", user_id="alice", exclude_session=session)
    with pytest.raises(ScopeError):
        memory.forget(user_id="alice", session_id=session)
    assert memory.stats().turns == 1


def test_odd_ids_work_and_never_collide(open_memory, tmp_path):
    memory = open_memory(tmp_path / "store")
    for number, each in enumerate(ODD_IDS):
        memory.add(
            Turn(role="user", text=f"secret number {number}", id=each),
            user_id=each,
            session_id=each,
            agent_id=each,
        )
    memory.index_pending()
    assert memory.users() == tuple(ODD_IDS)
    for number, each in enumerate(ODD_IDS):
        assert memory.sessions(user_id=each) == (each,)
        (turn,) = memory.history(user_id=each, session_id=each)
        assert (turn.text, turn.id) == (f"secret number {number}", each)
        (hit,) = memory.recall("secret number", user_id=each, strict=True).hits
        assert hit.text == f"secret number {number}"
        assert hit.source.session_id == each
        assert hit.source.turn_ids == (each,)
        assert hit.source.agent_id == each


def test_sessions_with_odd_ids_never_collide(open_memory):
    memory = open_memory()
    for number, each in enumerate(ODD_IDS):
        memory.add(Turn(role="user", text=f"line {number}"), user_id="u", session_id=each)
    for number, each in enumerate(ODD_IDS):
        (turn,) = memory.history(user_id="u", session_id=each)
        assert turn.text == f"line {number}"


def test_no_file_is_named_after_an_id(open_memory, tmp_path):
    def files():
        return {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}

    with open_memory(tmp_path / "plain") as memory:
        memory.add(Turn(role="user", text="x", id="a"), user_id="a", session_id="a")
        memory.index_pending()
    plain = {name.split("/")[-1] for name in files()}
    with open_memory(tmp_path / "odd" / "inner", settings=Settings(shards=1)) as memory:
        for each in ODD_IDS:
            memory.add(Turn(role="user", text="x", id=each), user_id=each, session_id=each)
        memory.index_pending()
    assert {path.name for path in tmp_path.iterdir()} == {"plain", "odd"}
    assert {path.name for path in (tmp_path / "odd").iterdir()} == {"inner"}
    new = {name.split("/")[-1] for name in files()} - plain - {"odd", "inner"}
    # What is left are Chroma's own folders, which it names by random UUIDs.
    assert all(len(name) == 36 and name.count("-") == 4 for name in new)


def test_two_texts_that_differ_have_two_digests_even_where_no_encoding_can_store_them():
    texts = ["ann", "Ann", "ann ", "", "\ud800", "\ud801", "?"]
    digests = {digest(text, 6) for text in texts}
    assert len(digests) == len(texts)
    assert {len(each) for each in digests} == {12}
    assert digest("ann", 6) == "2d7ed522aeca"
