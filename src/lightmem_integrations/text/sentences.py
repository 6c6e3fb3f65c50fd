"""Sentences of a text, and what in it is not its author's own prose: quotations, code, notes."""

from __future__ import annotations

import re

# A quotation may go on over lines; one that nothing closes ends with its line.
_QUOTED = re.compile(
    r'"(?:[^"]{0,2000}"|[^"\n]*$)|“(?:[^”]{0,2000}”|[^”\n]*$)|«(?:[^»]{0,2000}»|[^»\n]*$)'
    r"|„(?:[^“”]{0,2000}[“”]|[^“”\n]*$)"
    "|(?<!\\w)\u2018(?:[^\u2018\u2019]{0,2000}\u2019|[^\u2018\u2019\\n]*$)",
    re.MULTILINE,
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
# A guess: a longer note in brackets is a part of the text.
_BRACKETED = re.compile(r"\[[^\[\]]{0,400}\]")
_BLOCK_QUOTE = re.compile(r"^[^\S\n]*>.*$", re.MULTILINE)
# A dot behind a title belongs to it; behind other abbreviations it ends a sentence only where
# the next word is one that begins sentences.
_SENTENCE_END = re.compile(
    r"(?<!\b(?:St|Mt|Ft|Mr|Ms|Dr|Sr|Jr|vs)\.)(?<!\b(?:Mrs|Rev|Gen|Col|Sgt|Hon)\.)(?<!\b(?:Prof|Capt)\.)"
    r"(?<=[.!?…])"
    r"(?:(?<!\b(?:Co|No)\.)(?<!\b(?:Inc|Ltd|etc)\.)(?<!\bCorp\.)(?<!\b[A-Z]\.)(?<!\be\.g\.)(?<!\bi\.e\.)"
    r"|(?=\s{1,9}(?:I|I'm|We|My|Our|The|It|It's|He|She|They|You|This|That|But|And|So|What|How|Do|Is|Can)\b))"
    r"\s+"
)
# Stand-ins from the private use area: marks inside a quotation end no sentence of the speaker's.
_HIDE = {mark: chr(0xE000 + place) for place, mark in enumerate(".!?…,;:-\u2013\u2014\n")}
_HIDDEN = str.maketrans(_HIDE)
_SHOWN = str.maketrans({hidden: mark for mark, hidden in _HIDE.items()})


def sentences(text: str) -> list[str]:
    """The sentences of a text, without code, quoted lines and notes in brackets."""
    text = _BLOCK_QUOTE.sub("", _CODE.sub(" ", text)) if "`" in text or ">" in text else text
    text = _BRACKETED.sub(" ", text) if "[" in text else text
    return [
        " ".join(sentence.split()).translate(_SHOWN)
        for line in _QUOTED.sub(_hidden, text).splitlines()
        for sentence in split_sentences(line)
        if sentence.strip()
    ]


def split_sentences(text: str) -> list[str]:
    """A text, cut behind each mark that ends a sentence; nothing is left out."""
    return _SENTENCE_END.split(text)


def without_quotations(sentence: str) -> str:
    """A sentence with blanks in place of what it quotes, so that places in it stay the same."""
    return _QUOTED.sub(lambda quotation: " " * len(quotation.group()), sentence)


def _hidden(quotation: re.Match[str]) -> str:
    return quotation.group().translate(_HIDDEN)
