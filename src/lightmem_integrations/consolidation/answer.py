"""What a language model answered, taken apart without trusting any of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from lightmem_integrations.errors import ModelOutputError
from lightmem_integrations.safety import shown

LONGEST_ANSWER = 60_000
_DEEPEST = 8
_FENCED = re.compile(r"^```(?:json)?\s*(.*?)\s*```$", re.DOTALL | re.IGNORECASE)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
# Controls, marks that turn the direction of text, and half characters.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def parsed(text: object, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one JSON object in an answer, bare or in one code fence, with just the schema's keys.

    Raises:
        ModelOutputError: It is too long, too deep, no JSON object, or repeats, lacks or adds a
            key at its top. What stands below is for the caller to check.
    """
    if not isinstance(text, str):
        raise ModelOutputError(f"The model returned {shown(text)}, no text.")
    if len(text) > LONGEST_ANSWER:
        raise ModelOutputError(
            f"The model wrote {len(text)} characters; at most {LONGEST_ANSWER} are read."
        )
    bare = text.strip().removeprefix("\ufeff")
    fenced = _FENCED.match(bare)
    bare = fenced[1] if fenced else bare
    if _depth(bare) > _DEEPEST:
        raise ModelOutputError(f"The model wrote JSON nested deeper than {_DEEPEST} levels.")
    try:
        found = json.loads(bare, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ModelOutputError(
            f"The model wrote no valid JSON ({error}): {shown(text)}."
        ) from error
    if not isinstance(found, dict):
        raise ModelOutputError(f"The model wrote no JSON object: {shown(text)}.")
    wrong = set(found) ^ set(schema["properties"])
    if wrong:
        raise ModelOutputError(
            f"The model's object lacks keys or has others than asked for: {shown(sorted(wrong))}."
        )
    return found


def cleaned(text: object, longest: int) -> str:
    """A string on one line without control characters, cut; empty if it is no string."""
    if not isinstance(text, str):
        return ""
    return " ".join(_UNWANTED.sub(" ", text).split())[:longest].strip()


def _depth(text: str) -> int:
    """How deep brackets nest outside strings; cheap, and it cannot run out of stack."""
    depth = deepest = 0
    for mark in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
