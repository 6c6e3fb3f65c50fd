"""JSON answers of language models: one strict reader, which trusts nothing that it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from lightmem_integrations.errors import LightMemError, ModelError, ModelOutputError
from lightmem_integrations.models.protocols import Completion, LanguageModel, Message
from lightmem_integrations.safety import short_repr
from lightmem_integrations.telemetry.model_calls import model_call

# A guess: longer answers are refused unread; the longest that is asked for is a tenth of it, and
# one with hundreds of facts more than asked for is still read.
_LONGEST = 300_000
# A guess: the deepest that is asked for, a writer's pointers, stands on the fourth level.
_DEEPEST = 8
_THINKING = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
# Controls, marks that turn the direction of text, and half characters.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def complete_json(
    model: LanguageModel,
    messages: Sequence[Message],
    *,
    schema: Mapping[str, Any],
    max_tokens: int = 256,
    seconds: float | None = None,
) -> tuple[dict[str, Any], Completion]:
    """Ask for a JSON object.

    Only the keys at its top are promised: whoever asks must check every value.

    Args:
        model: The model to ask.
        messages: The prompt.
        schema: JSON schema of the object.
        max_tokens: Longest answer, in tokens.
        seconds: How long it may take.

    Returns:
        The object, and the answer in which it stood.

    Raises:
        ModelOutputError: The answer holds no such object.
        ModelError: The model failed or did not answer in time.
    """
    try:
        with model_call("chat", model.name) as call:
            answer = model.complete(messages, schema=schema, max_tokens=max_tokens, seconds=seconds)
            call.took(
                getattr(answer, "prompt_tokens", None), getattr(answer, "completion_tokens", None)
            )
    except LightMemError:
        raise
    except Exception as error:
        raise ModelError(f"The model {model.name!r} failed: {error}") from error
    text = getattr(answer, "text", None)
    if not isinstance(text, str):
        raise ModelOutputError(f"The model {model.name!r} returned {short_repr(answer)}, no text.")
    return read_object(text, schema), answer


def read_object(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one JSON object in an answer, with just the schema's keys at its top.

    Thinking in front of it, prose and a code fence around it are passed over. An answer that ends
    in the midst of thinking holds none: braces in a thought are no answer.

    Raises:
        ModelOutputError: It is too long, too deep or broken, repeats a key, holds a number that
            JSON has not, lacks or adds a key at its top, or is one object of several.
    """
    if len(text) > _LONGEST:
        raise ModelOutputError(
            f"The model wrote {len(text)} characters; at most {_LONGEST} are read."
        )
    start = text.find("{", _thought_end(text))
    try:
        found, end = _DECODER.raw_decode(text, start) if start >= 0 else (None, 0)
    except (ValueError, RecursionError) as error:
        raise ModelOutputError(
            f"The model wrote no valid JSON ({error}): {short_repr(text)}."
        ) from error
    if not isinstance(found, dict):
        raise ModelOutputError(f"The model wrote no JSON object: {short_repr(text)}.")
    if _depth(text[start:end]) > _DEEPEST:
        raise ModelOutputError(f"The model wrote JSON nested deeper than {_DEEPEST} levels.")
    if _is_object(text, text.find("{", end)):
        raise ModelOutputError(f"The model wrote several JSON objects: {short_repr(text)}.")
    missing = [name for name in schema["properties"] if name not in found]
    others = sorted(set(found) - set(schema["properties"]))
    if missing or others:
        lacks = f" lacks {', '.join(missing)}" if missing else ""
        has = f" has keys that were not asked for: {short_repr(others)}" if others else ""
        raise ModelOutputError(f"The model's object{' and'.join(filter(None, (lacks, has)))}.")
    return found


def one_line(text: object, longest: int) -> str:
    """A string on one line without control characters, cut; empty if it is no string."""
    if not isinstance(text, str):
        return ""
    return " ".join(_UNWANTED.sub(" ", text).split())[:longest].strip()


def _thought_end(text: str) -> int:
    """Start of the answer behind a model's thoughts; the text's end if they have none.

    Templates that open the thought in the prompt leave only its end in the answer.
    """
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "```")):
        return 0
    begin, inside = 0, False
    for mark in _THINKING.finditer(text):
        closing = bool(mark[1])
        if not inside and (begin or not closing) and "{" in text[begin : mark.start()]:
            break  # The answer came before: this stands in it, or behind it.
        inside = not closing
        begin = mark.end() if closing else begin
    return len(text) if inside else begin


def _is_object(text: str, start: int) -> bool:
    try:
        return start >= 0 and isinstance(_DECODER.raw_decode(text, start)[0], dict)
    except (ValueError, RecursionError):
        return False


def _depth(text: str) -> int:
    """Depth to which brackets nest outside strings."""
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


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
