"""Answers by quoting: no model, no reasoning, only what stands in the prompt's memory block."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.text.common_names import COMMON_NAMES
from lightmem_integrations.text.fence import FENCE_CLOSE, FENCE_OPEN
from lightmem_integrations.text.sentences import split_sentences
from lightmem_integrations.text.terms import terms

NOTHING = "I have nothing about that in memory."
"""The answer when no remembered turn shares a word with the question."""

_LONGEST = 400  # characters of a quote: a guess
# A block holds no other's beginning; looking for the end from each of many would take too long.
_BLOCK = re.compile(f"{FENCE_OPEN}((?:(?!{FENCE_OPEN}).)*?){FENCE_CLOSE}", re.DOTALL)
# The head of a remembered turn, as recall packs it, behind the name of the space whose it is; its
# further lines are indented.
_HEAD = re.compile(
    r"^(?:\[[^\n]+?\] )?\[(?P<day>\d+ \w+ \d+) [\d:]+\] (?P<speaker>[^:\n]+): "
    r"(?P<text>.*(?:\n  .*)*)",
    re.MULTILINE,
)
_WORD = re.compile(r"[^\W\d_]+")
_ASSISTANT = "Assistant"
_PERSONS = {"User": "You", _ASSISTANT: "I"}


def quoted_answer(messages: Sequence[Turn]) -> str:
    """Of what is remembered, the turn that shares most words with the last question.

    It holds every name in the question as well, or its speaker has it: what is asked about
    somebody else is not answered with what one's own memory holds instead. What people said goes
    before what an assistant said, and the newest of equals before the others. Names of speakers and
    sentences that are questions themselves do not count.

    Args:
        messages: The prompt, whatever framework it came from. Memory is what stands between
            ``<memory>`` and ``</memory>`` in any of them; the question is the last user message,
            without such blocks.

    Returns:
        Such as ``You said on 3 March 2026: "I start on Monday."``, or ``NOTHING``.
    """
    blocks = (block for message in messages for block in _BLOCK.findall(message.text))
    turns = [turn for block in blocks for turn in _HEAD.finditer(block)]
    question = _question(messages)
    named = {term for name in _names(question) for term in terms(name)}
    # Who speaks stands before every turn; a name in the question picks none of them.
    speakers = {term for turn in turns for term in terms(turn["speaker"])}
    asked = set(terms(question)) - speakers

    def shared(turn: re.Match[str]) -> int:
        if not named.issubset(terms(f"{turn['speaker']} {turn['text']}")):
            return 0
        return len(asked.intersection(terms(_stated(turn["text"]))))

    fitting = [turn for turn in reversed(turns) if shared(turn)]
    by_people = [turn for turn in fitting if turn["speaker"] != _ASSISTANT]
    best = max(by_people or fitting, key=shared, default=None)
    if best is None:
        return NOTHING
    said = " ".join(best["text"].split())
    quote = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
    return f'{_PERSONS.get(best["speaker"], best["speaker"])} said on {best["day"]}: "{quote}"'


def _question(messages: Sequence[Turn]) -> str:
    for message in reversed(messages):
        text = _BLOCK.sub("", message.text).strip()
        if message.role == "user" and text:
            return text
    return ""


def _names(prompt: str) -> list[str]:
    """Words of its last question that may be names: a capital that no beginning accounts for."""
    sentences = split_sentences(prompt)
    questions = [each for each in sentences if each.rstrip().endswith("?")]
    found = []
    for question in (questions or sentences)[-1:]:
        for word in _WORD.finditer(question):
            before = question[max(word.start() - 2, 0) : word.start()].strip()
            inside = bool(before) and before[-1] not in ".?!:"
            if inside or question.startswith(("'s", "\u2019s"), word.end()):
                found.append(word[0])
    return [name for name in found if name[0].isupper() and name.casefold() not in COMMON_NAMES]


def _stated(text: str) -> str:
    sentences = split_sentences(text)
    return " ".join(said for said in sentences if not said.rstrip().endswith("?"))
