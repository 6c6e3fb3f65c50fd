"""Agreement of two statements in what their vectors hardly tell: numbers and denial."""

# ruff: noqa: RUF001 - these are the letters that they look like

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+")
# By hand. A word that denies in one language and not in another keeps two statements apart at the
# worst.
_DENIED = re.compile(
    r"\b(?:no|not|never|nor|without|stopped|quit|"
    r"nicht|nichts|kein\w*|nie|niemals|ohne|ne|pas|jamais|sans|nunca|jamás|sin|non|mai|senza|"
    r"não|nao|sem|niet|geen|nooit|zonder|ikke|aldri|aldrig|inte|uden|uten|utan|ei|eivät|nigdy|bez|"
    r"değil|yok|asla|\w+m[ıiuü]yor\w*|не|нет|нету|ни|никогда|без|ні|немає|δεν|δε|δέν|ποτέ|χωρίς|"
    r"لا|ليس\w*|لم|لن|بدون|نمی\w*|نیست\w*|ندار\w*|לא|אין|בלי)\b|"
    r"n['\u2019]t\b|\bn['\u2019](?=\w)|नहीं|बिना|"
    r"[不没沒無无未]|ない|ません|なかった|않|못|없|아니|ไม่",
    re.IGNORECASE,
)


def agree(first: str, second: str) -> bool:
    """True if two statements hold the same numbers and deny alike.

    Vectors hardly tell "room 46" from "room 48", or yes from no.
    """
    numbers, denied = (
        [found.findall(text) for text in (first, second)] for found in (_NUMBER, _DENIED)
    )
    return numbers[0] == numbers[1] and bool(denied[0]) == bool(denied[1])
