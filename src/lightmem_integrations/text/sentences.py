"""Sentences of a text, and what in it is not its author's own prose: quotations, code, notes."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"[^"\n]*(?:"|$)|“[^”\n]*(?:”|$)', re.MULTILINE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
# A guess: a longer note in brackets is a part of the text.
_BRACKETED = re.compile(r"\[[^\[\]]{0,400}\]")
_BLOCK_QUOTE = re.compile(r"^[^\S\n]*>.*$", re.MULTILINE)
_SENTENCE_END = re.compile(
    r"(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMrs\.)(?<=[.!?…])\s+"
)
# Stand-ins from the private use area: marks inside a quotation end no sentence of the speaker's.
_HIDE = {mark: chr(0xE000 + place) for place, mark in enumerate(".!?…,;:-\u2013\u2014")}
_HIDDEN = str.maketrans(_HIDE)
_SHOWN = str.maketrans({hidden: mark for mark, hidden in _HIDE.items()})


def sentences(text: str) -> list[str]:
    """The sentences of a text, without code, quoted lines and notes in brackets."""
    text = _BLOCK_QUOTE.sub("", _CODE.sub(" ", text)) if "`" in text or ">" in text else text
    text = _BRACKETED.sub(" ", text) if "[" in text else text
    return [
        unmasked(" ".join(sentence.split()))
        for line in masked(text).splitlines()
        for sentence in split_sentences(line)
        if sentence.strip()
    ]


def split_sentences(text: str) -> list[str]:
    """A text, cut behind each mark that ends a sentence; nothing is left out."""
    return _SENTENCE_END.split(text)


def masked(text: str) -> str:
    """The text with stand-ins for punctuation in quotations, so that no split falls into one."""
    return _QUOTED.sub(lambda found: found.group().translate(_HIDDEN), text)


def unmasked(text: str) -> str:
    """A piece of what `masked` gave, with its punctuation back."""
    return text.translate(_SHOWN)


def without_quotations(sentence: str) -> str:
    """The sentence without what stands in quotation marks."""
    return _QUOTED.sub(" ", sentence) if '"' in sentence or "“" in sentence else sentence
