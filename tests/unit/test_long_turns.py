"""What is said late in a long message is found like what is said at its beginning."""

import time

import pytest

from lightmem_integrations import LightMem, Settings, Turn

pytestmark = pytest.mark.slow

FILLER = (
    "Thank you for the overview of garden planning, it gave me plenty to think about. "
    "The beds along the wall get sun until noon, the others only in the late afternoon. "
    "A slow watering in the evening is better for the roots than a quick one at midday. "
    "Compost should rest for a year, and it should be turned every few weeks until then. "
)
FACTS = {
    "My locker at the swimming pool is number 317.": "Which locker do I have?",
    "The violin teacher moved our lessons to Thursday evening.": "When are my music lessons?",
    "I am allergic to walnuts.": "Which nuts can I not eat?",
}


@pytest.fixture(scope="module", params=["first", "last"])
def long_talks(request, tmp_path_factory):
    """Long messages, each with a fact at its beginning or near its end, among others without."""
    folder = tmp_path_factory.mktemp("long") / request.param
    with LightMem(folder, settings=Settings(background_indexing=False)) as memory:
        for number, fact in enumerate([*FACTS, *[""] * 9]):
            body = FILLER * 5
            text = f"{fact} {body}" if request.param == "first" else f"{body}{fact}"
            memory.add(
                [Turn(role="user", text=text), Turn(role="assistant", text=FILLER)],
                user_id="ann",
                session_id=str(number),
            )
        memory.index_pending()
        yield memory


@pytest.mark.parametrize(("fact", "question"), FACTS.items())
def test_a_fact_is_found_wherever_it_stands_in_a_long_message(long_talks, fact, question):
    best = long_talks.recall(question, user_id="ann", k=1, strict=True).hits[0]
    assert fact in best.turns[0].text


@pytest.mark.parametrize("text", ["a" * 99_000, "garden " * 14_000])
def test_an_enormous_turn_is_shown_cut_and_holds_nobody_up(tmp_path, text):
    with LightMem(tmp_path / "store", settings=Settings(background_indexing=False)) as memory:
        memory.add([Turn(role="user", text=text), Turn(role="user", text="My boat is green.")],
                   user_id="ann")  # fmt: skip
        memory.index_pending()
        for question in ("a", "?", "garden", "Which colour has my boat?"):
            memory.recall(question, user_id="ann")
            started = time.process_time()
            found = memory.recall(question, user_id="ann", strict=True)
            assert time.process_time() - started < 0.3  # some 20 ms on two cores
            assert found.hits
            assert found.tokens <= Settings().max_tokens
