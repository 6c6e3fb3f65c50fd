"""No text takes more time than its length: one message must not stop a process.

``re`` holds the interpreter while it works, so a rule that takes quadratic time stops all threads.
"""

import contextlib
import dataclasses
import datetime as dt
import importlib
import pkgutil
import re
import time
from collections.abc import Mapping

import pytest
from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import ChatMessage

import lightmem_integrations
from lightmem_integrations import Hit, Settings, Source, Turn
from lightmem_integrations.consolidation.write.extractive import ExtractiveWriter
from lightmem_integrations.consolidation.write.grounding import Shown, check_grounded
from lightmem_integrations.consolidation.write.numbers import numbers
from lightmem_integrations.consolidation.write.summary import proper_names
from lightmem_integrations.display import literal, printable
from lightmem_integrations.errors import LightMemError
from lightmem_integrations.knowledge.drafts import WriterTurn
from lightmem_integrations.langchain.messages import to_turn as langchain_to_turn
from lightmem_integrations.llama_index.messages import to_turn
from lightmem_integrations.llama_index.window import without_placeholders
from lightmem_integrations.models.json_answer import read_object
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.recall.candidates import Found, Quote, Ranked
from lightmem_integrations.recall.pack import pack
from lightmem_integrations.recall.plan.aliases import unknown_names
from lightmem_integrations.recall.plan.question import essence, named_speakers
from lightmem_integrations.recall.select.answer_type import has_answer_type
from lightmem_integrations.records.storable import storable
from lightmem_integrations.testing import ScriptedWriter
from lightmem_integrations.testing.quote import quoted_answer
from lightmem_integrations.text.answer_cues import answer_cues
from lightmem_integrations.text.answers import admits_ignorance, without_reasoning
from lightmem_integrations.text.fence import escape_fence, fence
from lightmem_integrations.text.guidance import wishes
from lightmem_integrations.text.names import name_key
from lightmem_integrations.text.own_words import begins_play, is_own_word
from lightmem_integrations.text.sentences import sentences, split_sentences
from lightmem_integrations.text.temporal import mentions
from lightmem_integrations.text.terms import hashed, terms
from lightmem_integrations.text.time_window import time_window

pytestmark = pytest.mark.slow

NOW = dt.datetime(2025, 6, 11, 13, tzinfo=dt.timezone.utc)
LENGTH = 100_000
# Less than this is never too long, whatever the machine does.
FLOOR = 0.25

# What hostile texts are made of: a beginning, and a piece that is repeated behind it.
PIECES = [
    *"a \nA9.,<>[](){}\"'`*_-:;!?@/&#\\\t\u2019\u201c\u2026\u3042\u0301",
    *("a ", "A ", "a.", "A.", "a,", "aB", "Aa ", "I ", "9 ", "9.", "< ", "</", "[ ", "]]", "{}"),
    *('"a', "> ", "\n\n", "\n>", "``", "- ", ", ", " ,", "? ", "'s ", "\u00ab ", "&lt;"),
    *("<memory>", "<think>", "a b ", "\u200b<", "0a", "\U0001f468\u200d"),
    *("my ", "in my ", "not ", "no, ", "I am ", "I meant ", "my cat ", "last ", "5 May ", "for 5 "),
    *("last Friday ", "2024-05-05 ", "moved from ", "hey ", "Anna Bo ", "e.g. ", "Dr. ", "a year "),
]
BEGINNINGS = [
    "",
    "<memory>",
    "my favourite ",
    "I am ",
    "I moved from ",
    "The table: <",
    "In my ",
    '"',
    "sorry, ",
]


def said(text):
    return WriterTurn(0, "user", "Ann", text, NOW, 0, 0)


def refused(work, *given):
    with contextlib.suppress(LightMemError, ValueError):
        work(*given)


def packed(text):
    turn = Turn(role="user", text=text, time=NOW)
    quote = Quote(turn, (0.0, 0.0))
    hit = Hit(
        text=text, tier="mtm", score=0.5, parts={}, when=NOW, turns=(turn,),
        source=Source(session_id="s", turn_ids=("1",)),
    )  # fmt: skip
    return pack(Found([Ranked(hit, quote)]), max_tokens=100, count_tokens=shipped_token_counter())


def grounded(text):
    written = {
        "subject": "Ann", "attribute": "home", "value": "Lisbon",
        "statement": "Ann lives in Lisbon.", "when": "", "turns": [1],
    }  # fmt: skip
    return refused(check_grounded, written, Shown([said(text)]))


FUNCTIONS = {
    "wishes": wishes,
    "admits_ignorance": admits_ignorance,
    "check_grounded": grounded,
    "count_tokens": shipped_token_counter(),
    "essence": essence,
    "escape_fence": escape_fence,
    "fence": lambda text: fence(text.splitlines()),
    "has_answer_type": lambda text: has_answer_type(
        "Who went with Ann, and when?",
        ["Ann"],
        [text],
        ["Ann"],
        [answer_cues(text, hashed(terms(text)))],
    ),
    "langchain_to_turn": lambda text: langchain_to_turn(AIMessage(text), Settings()),
    "pack": packed,
    "printable": printable,
    "quoted_answer": lambda text: quoted_answer([Turn(role="user", text=text)]),
    "scripted_writer": lambda text: ScriptedWriter().write([said(text)]),
    "storable": lambda text: storable(Turn(role="user", text=text), Settings()),
    "without_placeholders": without_placeholders,
    "without_reasoning": without_reasoning,
    "to_turn": lambda text: to_turn(ChatMessage(role="assistant", content=text), Settings()),
    "is_own_word": is_own_word,
    "begins_play": begins_play,
    "json_answer": lambda text: refused(read_object, text, {"type": "object"}),
    "literal": literal,
    "numbers": numbers,
    "mentions": lambda text: mentions(text, NOW),
    "name_key": name_key,
    "named_speakers": lambda text: named_speakers(text, ["Ann", "Bo Li"]),
    "proper_names": lambda text: proper_names([said(text)]),
    "sentences": sentences,
    "split_sentences": split_sentences,
    "terms": terms,
    "time_window": lambda text: time_window(text, NOW),
    "unknown_names": lambda text: unknown_names(text, ["Ann", "Bo Li"]),
    "write": lambda text: ExtractiveWriter().write([said(text)]),
}


def patterns():
    """Every regular expression of the package, by the name of the module and its own."""
    found = {}
    for module in pkgutil.walk_packages(lightmem_integrations.__path__, "lightmem_integrations."):
        if module.name.endswith("__main__"):
            continue
        try:
            held = vars(importlib.import_module(module.name))
        except ImportError:  # its extra is not installed
            continue
        for name, value in list(held.items()):
            for place, pattern in enumerate(_within(value)):
                found.setdefault(pattern, f"{module.name.partition('.')[2]}.{name}.{place}")
    return {name: pattern for pattern, name in found.items()}


def _within(value):
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _within(each)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for each in value:
            yield from _within(each)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _within(getattr(value, field.name, None))


PATTERNS = patterns()


def took(work, text):
    """Processor seconds of this thread: other work on the machine does not count."""
    start = time.thread_time()
    work(text)
    return time.thread_time() - start


def texts(length):
    for beginning in BEGINNINGS:
        for piece in PIECES if not beginning else PIECES[:60:12]:
            yield beginning + piece * ((length - len(beginning)) // len(piece))


def check_linear(work, length=LENGTH):
    """Fail where five times the text takes over three times as long for each character.

    A tenth of a quadratic rule's whole is a hundredth of its time: what is quick there is quick.
    Where n and n² would make the whole too slow, a fifth takes 2.67 times as long as a tenth, or
    more. What takes less is tried whole for one text of ten only.
    """
    for number, whole in enumerate(texts(length)):
        tenth, fifth = whole[: length // 10], whole[: length // 5]
        first = took(work, tenth)
        if first < FLOOR / 100:
            continue
        before = took(work, fifth)
        if number % 10 and before < 2.5 * min(first, took(work, tenth)):
            continue
        spent = took(work, whole)
        if spent > max(FLOOR, 15 * before):
            before, spent = took(work, fifth), took(work, whole)
        assert spent <= max(FLOOR, 15 * before), f"{whole[:30]!r}: {before:.2f} s, {spent:.2f} s"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_time_as_its_text_is_long(name):
    FUNCTIONS[name]("I live in Lisbon since 5 May 2024.")
    # Of a second for the whole length, as checking a fact takes, a quarter tells as much.
    check_linear(FUNCTIONS[name], LENGTH // 4 if name == "check_grounded" else LENGTH)


def test_every_regular_expression_is_found():
    modules = {name.rpartition(".")[0].rpartition(".")[0] for name in PATTERNS}
    assert {"safety", "text.terms", "text.own_words"} <= modules
    assert len(PATTERNS) > 100


@pytest.mark.parametrize("name", PATTERNS)
def test_a_rule_takes_time_as_its_text_is_long(name):
    pattern = PATTERNS[name]
    if isinstance(pattern.pattern, bytes):
        check_linear(lambda text: list(pattern.finditer(text.encode())), LENGTH // 4)
    else:
        check_linear(lambda text: list(pattern.finditer(text)), LENGTH // 4)
