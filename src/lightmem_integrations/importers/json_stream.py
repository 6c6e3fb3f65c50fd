"""JSON values of a file, one at a time: an array's elements, or values one after another (JSONL).

Python's own parser does the work. It was chosen before ijson: that refuses NaN, numbers of more
than 64 bits and a byte order mark, names no line, and takes memory without end for ``[[[[...``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_CHUNK = 1 << 20  # characters read at once: a guess
_LONGEST = 1 << 28  # characters of one value, a quarter of a gigabyte: a guess
_TOKEN = 16  # characters: above the longest that may be cut in two, such as "\ud83d" or "-Infinity"
_BLANK = re.compile(r"[ \t\r\n]*")


class MalformedJSONError(ValueError):
    """What is read is not JSON, or is cut; the message names the line."""


def json_values(file: TextIO) -> Iterator[tuple[int, Any]]:
    """The values of a file and the line on which each begins; of an array, its elements.

    Raises:
        MalformedJSONError: The file is damaged or cut, or a value is too long or nested too deep.
    """
    text = _Text(file)
    if not text.peek():
        raise text.malformed("it is empty")
    while opening := text.peek():
        if opening != "[":
            yield text.value()
            continue
        text.skip()
        if text.peek() == "]":
            text.skip()
            continue
        while True:
            yield text.value()
            after = text.peek()
            text.skip()
            if after == "]":
                break
            if after != ",":
                raise text.malformed("the list goes on without a comma" if after else "it is cut")


class _Text:
    """The part of a file that is in memory, and how far it was read."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._line = 1
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._go_to(blank.end() if blank else self._at)
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def skip(self) -> None:
        self._at += 1

    def value(self) -> tuple[int, Any]:
        """The next value, and the line on which it begins."""
        self.peek()
        line = self._line
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # What fails far from the end of what was read fails however much is read.
                is_cut = error.pos > len(self._text) - _TOKEN or error.msg.startswith("Untermin")
                if is_cut and len(self._text) - self._at > _LONGEST:
                    raise self.malformed("a value is longer than 268 million characters") from error
                if is_cut and self._more():
                    continue
                self._go_to(error.pos)
                raise self.malformed("it is cut" if is_cut else error.msg) from error
            except RecursionError as error:
                raise self.malformed("a value is nested too deep") from error
            except ValueError as error:  # a number of more than 4,300 digits
                raise self.malformed(str(error)) from error
            # A number at the end of what was read may go on: "1." is the number 1 and a dot.
            may_go_on = isinstance(value, (int, float)) and end > len(self._text) - _TOKEN
            if not may_go_on or not self._more():
                self._go_to(end)
                return line, value

    def _go_to(self, place: int) -> None:
        self._line += self._text.count("\n", self._at, place)
        self._at = place

    def malformed(self, reason: str) -> MalformedJSONError:
        return MalformedJSONError(f"line {self._line}: no valid JSON, {reason}")

    def _more(self) -> bool:
        """Read on, twice as much as is in memory: a long value is then parsed a few times only."""
        read = self._file.read(max(_CHUNK, len(self._text) - self._at))
        if read:
            self._text, self._at = self._text[self._at :] + read, 0
        return bool(read)
