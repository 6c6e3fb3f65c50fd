"""The short-term window: whole exchanges only, tool calls with their results."""

import pytest

from lightmem_integrations import InvalidRequestError, Turn


def turns(pattern: str) -> list[Turn]:
    """``u`` user, ``a`` assistant, ``t`` tool, ``s`` system."""
    roles = {"u": "user", "a": "assistant", "t": "tool", "s": "system"}
    return [Turn(role=roles[each], text=f"{n}{each}", id=str(n)) for n, each in enumerate(pattern)]


def window_of(memory, max_tokens, **options):
    found = memory.short_term(user_id="u", max_tokens=max_tokens, **options)
    return "".join(turn.text[-1] for turn in found), "".join(turn.id for turn in found)


@pytest.fixture
def memory(open_memory):
    memory = open_memory(count_tokens=lambda text: 1)
    memory.add(turns("suauatau"), user_id="u")
    return memory


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (1, "u"),
        (4, "u"),
        (5, "uatau"),
        (6, "uatau"),
        (7, "uauatau"),
        (8, "suauatau"),
        (99, "suauatau"),
    ],
)
def test_it_is_cut_between_exchanges_only(memory, budget, expected):
    assert window_of(memory, budget)[0] == expected


def test_the_last_exchange_stays_whatever_its_size(memory):
    memory.add(Turn(role="assistant", text="9a"), user_id="u")
    assert window_of(memory, 1)[0] == "ua"


def test_a_measure_of_ones_own_is_used(memory):
    measure = lambda turn: 100 if turn.role == "tool" else 1  # noqa: E731
    assert window_of(memory, 50, measure=measure)[0] == "u"


@pytest.mark.parametrize("budget", [0, -1, 1.5, "many", True])
def test_a_budget_that_makes_no_sense_is_refused(memory, budget):
    with pytest.raises(InvalidRequestError):
        memory.short_term(user_id="u", max_tokens=budget)


def test_clearing_begins_anew_and_loses_nothing(memory):
    memory.clear_short_term(user_id="u")
    assert memory.short_term(user_id="u") == ()
    assert len(memory.history(user_id="u")) == 8
    assert memory.recall("5a", user_id="u", strict=True).hits
    memory.add(Turn(role="user", text="after"), user_id="u")
    assert [turn.text for turn in memory.short_term(user_id="u")] == ["after"]
    memory.clear_short_term(user_id="u", session_id="unknown")
    memory.clear_short_term(user_id="stranger")
    assert memory.users() == ("u",)


def test_sessions_and_strangers_have_windows_of_their_own(memory):
    assert memory.short_term(user_id="u", session_id="other") == ()
    assert memory.short_term(user_id="stranger") == ()


def test_a_conversation_without_the_user_is_kept_whole(open_memory):
    memory = open_memory(count_tokens=lambda text: 1)
    memory.add(turns("sata"), user_id="u")
    assert window_of(memory, 1)[0] == "sata"
