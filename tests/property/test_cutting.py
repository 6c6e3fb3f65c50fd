"""Texts that are too long for a turn are cut between sentences, and marked."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from lightmem_integrations import Settings, Turn
from lightmem_integrations.records.storable import fitted, shortened

MARK = re.compile(r"\n\[\.\.\. (\d+) characters and more left out \.\.\.\]\n")
SENTENCE = st.text("abc ', ", min_size=3, max_size=60).map(lambda words: f"A{words}e. ")
texts = st.lists(st.one_of(SENTENCE, st.text(max_size=200), st.just("x" * 500)), max_size=60)


@given(texts.map("".join), st.integers(1, 3_000))
@example("a" * 350_000, 100_000)
@example("\n" * 5_000, 1_000)
def test_what_is_cut_fits_and_is_the_beginning_and_the_end(text, most):
    cut = shortened(text, most)
    assert len(cut) <= most
    if len(text) <= most:
        assert cut == text
        return
    found = MARK.findall(cut)
    if not found:
        assert cut == text[:most], "too little room even for a mark"
        return
    mark = f"\n[... {len(text) - most} characters and more left out ...]\n"
    head, _, tail = cut.partition(mark)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + len(tail) >= (most - len(mark)) // 2 - 2 * 1_000


@given(st.lists(SENTENCE, min_size=60, max_size=120).map("".join), st.integers(700, 1_500))
def test_sentences_stay_whole(text, most):
    cut = shortened(text, most)
    if cut != text:
        head, tail = MARK.split(cut)[::2]
        assert head.endswith(".")
        assert tail.startswith("A")


def test_a_sentence_in_a_language_without_blanks_stays_whole():
    cut = shortened("今日は鷺を見ました。" * 1_000, 2_000)
    head, tail = MARK.split(cut)[::2]
    assert head.endswith("。")
    assert tail.startswith("今日")


def test_lines_without_sentences_are_cut_between_lines():
    cut = shortened("".join(f"{n},heron,reeds\n" for n in range(5_000)), 2_000)
    head, tail = MARK.split(cut)[::2]
    assert all(re.fullmatch(r"\d+,heron,reeds", line) for line in (head + "\n" + tail).splitlines())


def test_a_cut_turn_says_so_and_keeps_the_whole_in_its_message():
    text = "The heron stands in the reeds. " * 20_000
    turn = fitted(Turn(role="user", text=text, metadata={"topic": "birds"}), Settings())
    assert turn.metadata == {"topic": "birds", "cut": True}
    assert turn.message == {"role": "user", "content": text}
    assert fitted(Turn(role="user", text=text), Settings(max_turn_chars=700_000)).text == text
