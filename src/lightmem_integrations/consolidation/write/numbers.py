"""Numbers of a text, in figures and in words."""

from __future__ import annotations

import re

_FIGURE = re.compile(r"\d{1,15}")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_WORD = re.compile(r"[a-z]{1,12}")
_UNITS = {
    word: number
    for number, words in enumerate((
        "zero", "one once first a an single", "two twice second couple pair both", "three third",
        "four fourth", "five fifth", "six sixth", "seven seventh", "eight eighth", "nine ninth",
        "ten tenth", "eleven eleventh", "twelve twelfth dozen", "thirteen", "fourteen", "fifteen",
        "sixteen", "seventeen", "eighteen", "nineteen",
    ))
    for word in words.split()
}  # fmt: skip
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
_SCALES = {"hundred": 100, "thousand": 1_000, "grand": 1_000, "million": 1_000_000}


def figures(text: str) -> set[str]:
    """The numbers that a text has in figures; 1,000 is one."""
    plain = _THOUSANDS.sub("", text)
    return {figure.lstrip("0") or "0" for figure in _FIGURE.findall(plain)}


def numbers(text: str) -> set[str]:
    """The numbers of a text, also those in words: "twenty-five", "a dozen", "two thousand"."""
    found = figures(text)
    total, part = 0, -1  # no number is being read
    for word in (*_WORD.findall(text.lower()), ""):
        if word in _SCALES:
            part = max(part, 1) * _SCALES[word]
            if word != "hundred":
                total, part = total + part, 0
        elif word in _TENS or word in _UNITS:
            number = _TENS.get(word, 0) or _UNITS.get(word, 0)
            # Twenty-five, two hundred twelve; but not two three.
            joins = part >= 0 and part % 10 == 0 and (number < part or part == 0 < total)
            if part >= 0 and not joins:
                found.add(str(total + part))
                total = 0
            part = part + number if joins else number
        elif word != "and":
            if part >= 0:
                found.add(str(total + part))
            total, part = 0, -1
    return found
