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

from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.metadata import fitting_metadata
from lightmem_integrations.safety import digest, has_lone_surrogates
from lightmem_integrations.settings import Settings
from lightmem_integrations.text.answers import admits_ignorance, without_reasoning

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_MARK = "\N{REPLACEMENT CHARACTER}"
_LEVELS = 6  # a guess: a message, its content, a block, its parts
_SENTENCE = 1_000  # characters of the longest sentence that is left out for a cut between two
# Of sentences, of lines, and of words. Scripts without blanks have full stops of their own.
_ENDS = [
    re.compile(end)
    for end in ("[.!?\u2026][\"'\u201d\u2019\u00bb)\\]]*\\s+|[\u3002\uff01\uff1f]+", r"\n+", r"\s+")
]
CUT = "cut"
"""Name of the metadata that says of a turn that it was too long."""
WORDING_BYTES = 6
"""Length of the digest that tells apart the wordings of one message: a guess."""
_DIGEST_BYTES = 16  # 2^64 ids before two are expected to agree


def labelled(turn: Turn, metadata: Mapping[str, Any], settings: Settings) -> Turn:
    """The turn with metadata besides its own, as far as there is room for it."""
    if not metadata:
        return turn
    fits = fitting_metadata({**metadata, **turn.metadata}, settings.max_metadata_bytes)
    return replace(turn, metadata=fits)


def storable(turn: Turn, settings: Settings, *, recall_answers: bool = True) -> Turn:
    """The turn, made so that it can be added.

    Of an answer, the reasoning is left out of the text. A text that is too long is cut, as
    ``fitted`` says. What cannot be metadata is left out of it.

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
    turn = fitted(replace(turn, text=text), settings)
    return replace(
        turn,
        speaker=speaker or None,
        id=_identifier(turn.id, settings.max_id_chars),
        message=None if turn.message is None else as_json(dict(turn.message)),
        searchable=searchable,
        metadata=fitting_metadata(turn.metadata, settings.max_metadata_bytes),
    )


def fitted(turn: Turn, settings: Settings) -> Turn:
    """The turn, cut between sentences if it is too long, with a mark and ``metadata["cut"]``.

    ``message`` holds all of it: the framework's own, or else the text as it was.
    """
    if len(turn.text) <= settings.max_turn_chars:
        return turn
    return replace(
        turn,
        text=shortened(turn.text, settings.max_turn_chars),
        message=turn.message or {"role": turn.role, "content": turn.text},
        metadata={CUT: True, **turn.metadata},
    )


def reworded(turn: Turn) -> Turn:
    """The turn under an id of its own wording, for a message that was edited and kept its id."""
    wording = json.dumps([turn.role, turn.speaker, turn.text])
    return replace(turn, id=f"{turn.id}~{digest(wording, WORDING_BYTES)}")


def cleaned(text: str) -> str:
    """The text with a mark in place of NUL and of half surrogate pairs, which nothing stores."""
    return _UNSTORABLE.sub(_MARK, str(text)) if "\0" in text or has_lone_surrogates(text) else text


def shortened(text: str, max_chars: int) -> str:
    """Whole sentences of the beginning and the end of a text that is too long, a mark between them.

    Where a sentence is longer than anybody's, it is cut between lines, words or characters.
    """
    if len(text) <= max_chars:
        return text
    mark = f"\n[... {len(text) - max_chars} characters and more left out ...]\n"
    if len(mark) >= max_chars:
        return text[:max_chars]
    after = len(text) - (max_chars - len(mark)) // 2
    before = max_chars - len(mark) - (len(text) - after)
    reach = min(_SENTENCE, before // 2)  # half of what there is room for is kept in any case
    before = _end(text, before - reach, before, last=True)
    after = _end(text, after, after + reach, last=False)
    return text[:before].rstrip() + mark + text[after:].lstrip()


def _end(text: str, start: int, stop: int, *, last: bool) -> int:
    """Where the first or the last sentence between two places ends; else a line, else a word."""
    for end in _ENDS:
        if found := [each.end() for each in end.finditer(text, start, stop)]:
            return found[-1 if last else 0]
    return stop if last else start


def as_json(value: Any, levels: int = _LEVELS) -> Any:
    """Any value as JSON data; what JSON has no form for becomes text that says what it was.

    Bytes become base64, sets become lists, times ISO 8601. Of what cannot be walked through, such
    as a cycle, as much is kept as can be.

    Args:
        value: The value.
        levels: How far down a part that cannot be converted is looked for.
    """
    from pydantic_core import to_jsonable_python  # 3 MiB that who only asks does without

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
