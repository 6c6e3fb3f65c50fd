"""Storable turns: whatever a framework's message holds, made into what a store can keep.

Frameworks put anything into a message: bytes, objects, half of a character, a whole log. A turn
that is added by hand is refused then, since its author can mend it; a turn that an adapter makes
of a message must be kept, so what cannot be stored is replaced by a mark that says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import to_jsonable_python

from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.safety import digest, has_lone_surrogates
from lightmem_integrations.settings import Settings
from lightmem_integrations.text.answers import admits_ignorance, without_reasoning

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_MARK = "\N{REPLACEMENT CHARACTER}"
_LEVELS = 6  # a guess: a message, its content, a block, its parts
WORDING_BYTES = 6
"""Length of the digest that tells apart the wordings of one message: a guess."""
_DIGEST_BYTES = 16  # 2^64 ids before two are expected to agree


def storable(turn: Turn, settings: Settings, *, recall_answers: bool = True) -> Turn:
    """The turn, made so that it can be added.

    Of an answer, the reasoning is left out of the text. A text that is too long is cut in its
    middle, with a mark; ``message`` holds all of it.

    Args:
        turn: What an adapter made of a message, unchecked.
        settings: The store's, for its limits.
        recall_answers: ``False`` keeps the model's replies out of recall. Those that say only
            that nothing is known are kept out in any case.
    """
    text, searchable = cleaned(turn.text), turn.searchable
    if turn.role == "assistant":
        text = without_reasoning(text)
        searchable = searchable and recall_answers and not admits_ignorance(text)
    speaker = cleaned(turn.speaker or "").strip()[: settings.max_id_chars]
    return replace(
        turn,
        text=shortened(text, settings.max_turn_chars),
        speaker=speaker or None,
        id=_identifier(turn.id, settings.max_id_chars),
        message=None if turn.message is None else as_json(dict(turn.message)),
        searchable=searchable,
    )


def reworded(turn: Turn) -> Turn:
    """The turn under an id of its own wording, for a message that was edited and kept its id."""
    wording = json.dumps([turn.role, turn.speaker, turn.text])
    return replace(turn, id=f"{turn.id}~{digest(wording, WORDING_BYTES)}")


def cleaned(text: str) -> str:
    """The text with a mark in place of NUL and of half surrogate pairs, which nothing stores."""
    return _UNSTORABLE.sub(_MARK, str(text)) if "\0" in text or has_lone_surrogates(text) else text


def shortened(text: str, max_chars: int) -> str:
    """The beginning and the end of a text that is too long, with a mark between them."""
    if len(text) <= max_chars:
        return text
    mark = f"\n[... {len(text) - max_chars} characters and more left out ...]\n"
    if len(mark) >= max_chars:
        return text[:max_chars]
    tail = (max_chars - len(mark)) // 2
    return text[: max_chars - len(mark) - tail] + mark + text[len(text) - tail :]


def as_json(value: Any, levels: int = _LEVELS) -> Any:
    """Any value as JSON data; what JSON has no form for becomes text that says what it was.

    Bytes become base64, sets become lists, times ISO 8601. Of what cannot be walked through, such
    as a cycle, as much is kept as can be.

    Args:
        value: The value.
        levels: How far down a part that cannot be converted is looked for.
    """
    try:
        data = to_jsonable_python(value, fallback=_left_out, bytes_mode="base64")
        json.dumps(data, allow_nan=False)
    except Exception:  # noqa: BLE001  # a cycle, too deep, or somebody's own class fails
        if levels and isinstance(value, Mapping):
            return {cleaned(str(key)): as_json(each, levels - 1) for key, each in value.items()}
        if levels and isinstance(value, (list, tuple)):
            return [as_json(each, levels - 1) for each in value]
        return str(value) if isinstance(value, float) else _left_out(value)
    return data


def _left_out(value: object) -> str:
    return f"[{type(value).__name__} left out]"


def _identifier(value: str | None, max_chars: int) -> str | None:
    """The id, or a digest of one that cannot be stored."""
    if value is None or not str(value).strip():
        return None
    fits = len(value) <= max_chars and cleaned(value) == value
    return value if fits else digest(value, _DIGEST_BYTES)
