"""What a language model answered, taken apart without trusting any of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from lightmem_integrations.errors import LightMemError, ModelError, ModelOutputError
from lightmem_integrations.models.protocols import Completion, LanguageModel, Message
from lightmem_integrations.safety import short_repr

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
        raise ModelOutputError(f"The model returned {short_repr(text)}, no text.")
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
            f"The model wrote no valid JSON ({error}): {short_repr(text)}."
        ) from error
    if not isinstance(found, dict):
        raise ModelOutputError(f"The model wrote no JSON object: {short_repr(text)}.")
    wrong = set(found) ^ set(schema["properties"])
    if wrong:
        raise ModelOutputError(
            "The model's object lacks keys or has others than asked for: "
            f"{short_repr(sorted(wrong))}."
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


# Longer answers are refused unread: nothing that we ask for comes near it.
_LONGEST = 200_000


_FENCE = "```"


def complete_json(
    model: LanguageModel,
    messages: Sequence[Message],
    *,
    schema: Mapping[str, Any],
    max_tokens: int = 256,
    seconds: float | None = None,
) -> tuple[dict[str, Any], Completion]:
    """Ask for a JSON object.

    Only the shape is promised, and only by runners that decode under the schema: whoever asks
    must check every value.

    Args:
        model: What to ask.
        messages: The prompt.
        schema: JSON schema of the object.
        max_tokens: Longest answer, in tokens.
        seconds: How long it may take.

    Returns:
        The object, and the answer it stood in.

    Raises:
        ModelOutputError: The answer holds no JSON object.
        ModelError: The model failed or did not answer in time.
    """
    try:
        answer = model.complete(messages, schema=schema, max_tokens=max_tokens, seconds=seconds)
    except LightMemError:
        raise
    except Exception as error:
        raise ModelError(f"The model {model.name!r} failed: {error}") from error
    text = answer.text if isinstance(answer, Completion) else None
    if not isinstance(text, str):
        raise ModelOutputError(f"The model {model.name!r} returned {short_repr(answer)}, no text.")
    return parse_object(text), answer


def parse_object(text: str) -> dict[str, Any]:
    """The first JSON object in a model's answer, bare, in a code fence, or after some prose.

    Raises:
        ModelOutputError: There is none, or the answer is too long to be read.
    """
    if len(text) > _LONGEST:
        raise ModelOutputError(
            f"The model wrote {len(text)} characters where a short JSON object was asked for."
        )
    prose, _, fenced = text.partition(_FENCE)
    body = fenced if "{" in fenced and "{" not in prose else text
    start = body.find("{")
    try:
        found, _ = json.JSONDecoder().raw_decode(body, start) if start >= 0 else (None, 0)
    except (ValueError, RecursionError) as error:
        raise ModelOutputError(f"The model wrote no valid JSON: {short_repr(text)}.") from error
    if not isinstance(found, dict):
        raise ModelOutputError(f"The model wrote no JSON object: {short_repr(text)}.")
    return cast("dict[str, Any]", found)
