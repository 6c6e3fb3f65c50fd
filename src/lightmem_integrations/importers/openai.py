"""Message lists as OpenAI's APIs have them: chat completions, threads, responses; JSON or JSONL.

A source is one conversation (a list of messages, or one on each line), or several: objects with
``messages`` or, as the API lists a thread, ``data``. Messages that name a thread, session or
conversation are sorted by that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lightmem_integrations.importers.conversation import (
    Asked,
    Conversation,
    in_time,
    joined,
    made_turn,
    mapping,
    name_of,
    role_of,
    time_of,
    told_of,
    unreadable,
    words_digest,
)
from lightmem_integrations.importers.source import Item
from lightmem_integrations.records.conversation import Turn

_LISTS = ("messages", "data", "items")
_SESSIONS = ("conversation_id", "thread_id", "session_id")
_TIMES = ("created_at", "create_time", "created", "timestamp", "time", "date")
_CALLS = ("tool_calls", "function_call")
# Items of the responses API that are no messages; all others that have no role are not said.
_ROLES_OF_TYPES = {"function_call": "assistant", "function_call_output": "tool"}


def read_openai(items: Iterable[Item], asked: Asked) -> Iterator[Conversation]:
    """Conversations of lists of messages."""
    loose: dict[str, list[tuple[Item, Any]]] = {}
    for place, item in enumerate(items):
        known = mapping(item.value)
        inside = next((known[name] for name in _LISTS if isinstance(known.get(name), list)), None)
        if isinstance(item.value, list):
            inside = item.value
        if inside is not None:
            name = _first(known, ("id", *_SESSIONS))
            name = name or (f"{asked.name}-{place}" if place else asked.name)
            yield _conversation(item, asked, name, known, [(item, each) for each in inside])
        elif known.get("role") or known.get("type"):
            loose.setdefault(_first(known, _SESSIONS) or asked.name, []).append((item, known))
        else:
            unreadable(item, "it is neither a message with a 'role' nor a list of 'messages'.")
    for name, messages in loose.items():
        yield _conversation(messages[0][0], asked, name, {}, messages)


def _first(known: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((found for name in names if (found := name_of(known.get(name)))), None)


def _conversation(
    item: Item,
    asked: Asked,
    name: str,
    known: Mapping[str, Any],
    messages: list[tuple[Item, Any]],
) -> Conversation:
    turns: list[Turn] = []
    said: Counter[str] = Counter()
    for place, (at, message) in enumerate(messages):
        if not isinstance(message, Mapping):
            unreadable(at, f"its message {place + 1} is no object.")
        turn = _turn(at, asked, place, message, known.get("title"))
        if turn is not None:
            words = turn.id or words_digest(turn.role, turn.text)
            said[words] += 1
            # What has no id is known by its words, said for which time: a list may be cut back.
            turns.append(turn if turn.id else replace(turn, id=f"{words}-{said[words]}"))
    if turns and (first := turns[0].time) and (last := turns[-1].time) and first > last:
        turns.reverse()  # the API lists a thread from its last message on
    return Conversation(
        where=item.where,
        session_id=name,
        turns=in_time(turns, time_of(item, asked, *(known.get(each) for each in _TIMES))),
        skipped=len(messages) - len(turns),
    )


def _turn(
    item: Item,
    asked: Asked,
    place: int,
    message: Mapping[str, Any],
    title: object,
) -> Turn | None:
    kind = message.get("type")
    named = message.get("role") or _ROLES_OF_TYPES.get(str(kind))
    if not named and not kind:
        unreadable(item, f"its message {place + 1} has no 'role'.")
    if not named:
        return None
    role = role_of(named) or "system"
    content = message.get("content")
    texts = [_text(part) for part in content] if isinstance(content, list) else []
    calls = any(message.get(name) for name in _CALLS) or kind == "function_call"
    text = joined([content, *texts, message.get("refusal"), message.get("output")])
    whole = {
        name: message[name]
        for name in ("role", "content", "name", "arguments", "call_id", "tool_call_id", *_CALLS)
        if message.get(name)
    }
    return made_turn(
        role=role,
        text=text,
        own_id=name_of(message.get("id")),
        time=time_of(item, asked, *(message.get(name) for name in _TIMES)),
        speaker=message.get("name") if role in ("user", "assistant") else None,
        whole=whole if calls or None in texts else None,
        metadata=told_of(asked, {"title": title, **mapping(message.get("metadata"))}),
    )


def _text(part: object) -> str | None:
    """The words of a part of a message; ``None`` if it is something else, such as an image."""
    if isinstance(part, str):
        return part
    part = mapping(part)
    for name in ("text", "refusal", "transcript"):
        found = part.get(name)
        if isinstance(found, Mapping):  # of threads
            found = found.get("value")
        if isinstance(found, str):
            return found
    spoken = mapping(part.get("input_audio") or part.get("audio")).get("transcript")
    return spoken if isinstance(spoken, str) else None
