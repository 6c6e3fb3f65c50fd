"""The short-term window, for any conversation and any budget."""

from hypothesis import given
from hypothesis import strategies as st

from lightmem_integrations import Turn
from lightmem_integrations.recall.short_term import window

roles = st.sampled_from(["user", "user", "assistant", "tool", "system"])


@given(st.lists(st.tuples(roles, st.integers(0, 30)), max_size=30), st.integers(1, 120))
def test_the_window_is_the_longest_end_that_fits_and_begins_with_the_user(talk, budget):
    turns = [Turn(role=role, text="x", id=str(n)) for n, (role, _) in enumerate(talk)]
    sizes = {str(n): size for n, (_, size) in enumerate(talk)}

    def size(some):
        return sum(sizes[turn.id] for turn in some)

    found = window(turns, budget, lambda turn: sizes[turn.id])
    assert found == tuple(turns[len(turns) - len(found) :]), "an end of the conversation, unchanged"
    starts = [n for n, turn in enumerate(turns) if turn.role == "user"]
    if size(turns) <= budget or not starts:
        assert len(found) == len(turns)
        return
    assert found[0].role == "user"
    last = turns[starts[-1] :]
    assert len(found) >= len(last), "the last exchange stays"
    assert size(found) <= budget or len(found) == len(last)
    longer = [turns[start:] for start in starts if len(turns) - start > len(found)]
    assert all(size(each) > budget for each in longer), "no longer end would have fitted"
