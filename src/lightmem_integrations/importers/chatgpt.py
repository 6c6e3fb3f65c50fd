"""ChatGPT's export: conversations.json, in which each conversation is a tree of messages.

The branch that was last seen is imported, from ``current_node`` up to the root. What was
regenerated or edited away is left out and counted. Custom instructions stand in every conversation;
those of the latest one are imported, as the user's words, in a session of their own, and declared a
part of the profile.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lightmem_integrations.importers.conversation import (
    Asked,
    Conversation,
    in_time,
    joined,
    made_turn,
    mapping,
    name_of,
    path_to,
    role_of,
    time_of,
    told_of,
    unreadable,
)
from lightmem_integrations.importers.source import Item
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.metadata import PROFILE
from lightmem_integrations.safety import EARLIEST

# What of a profile they are, and what they are called, in the metadata and in the content.
_INSTRUCTIONS = {
    "state": ("about_user_message", "user_profile"),
    "instruction": ("about_model_message", "user_instructions"),
}
# As ChatGPT tells a model of them: "The user provided the following information ...: ```...```".
_WRAPPED = re.compile(r"\AThe user provided\b[^`]*```(.*)```\s*\Z", re.DOTALL)
_Told = dict[str, tuple[dt.datetime | None, dt.datetime | None]]
"""When texts of one kind stood in a conversation first and last."""
# Where texts stand beside ``parts``: code and its output, web pages.
_TEXTS = ("text", "result")
_UNSAID = frozenset({"thoughts", "reasoning_recap", "model_editable_context"})


def read_chatgpt(items: Iterable[Item], asked: Asked) -> Iterator[Conversation]:
    """Conversations of ChatGPT's ``conversations.json``."""
    instructions: dict[str, _Told] = {kind: {} for kind in _INSTRUCTIONS}
    for item in items:
        known = mapping(item.value)
        if "mapping" not in known:
            unreadable(item, "it has no 'mapping', so it is no conversation of ChatGPT's export.")
        nodes = {str(name): mapping(node) for name, node in mapping(known["mapping"]).items()}
        messages = {name: mapping(node.get("message")) for name, node in nodes.items()}
        parents = {name: name_of(node.get("parent")) for name, node in nodes.items()}
        path = path_to(_leaf(known.get("current_node"), nodes), parents)
        began = time_of(item, asked, known.get("create_time"))
        for kind, text in (each for name in path for each in _instructions(messages[name])):
            first, last = instructions[kind].get(text, (began, began))
            earliest = min(filter(None, (first, began)), default=None)
            latest = max(filter(None, (last, began)), default=None)
            instructions[kind][text] = earliest, latest
        title = known.get("title")
        turns = [turn for name in path if (turn := _turn(item, asked, name, messages[name], title))]
        said = sum(bool(each) and not any(_instructions(each)) for each in messages.values())
        session_id = name_of(known.get("conversation_id")) or name_of(known.get("id"))
        yield Conversation(
            where=item.where,
            session_id=session_id or unreadable(item, "it has no 'conversation_id' or 'id'."),
            turns=in_time(turns, began),
            skipped=said - len(turns),
        )
    yield Conversation(
        where="the custom instructions",
        session_id=f"{asked.form}:instructions",
        turns=[_instruction(asked, kind, told) for kind, told in instructions.items() if told],
        skipped=sum(len(told) - 1 for told in instructions.values() if told),
    )


def _instructions(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a user set as custom instructions; the metadata has it in the user's own words alone."""
    told = mapping(mapping(message.get("metadata")).get("user_context_message_data"))
    content = mapping(message.get("content"))
    found = []
    for kind, names in _INSTRUCTIONS.items():
        texts = (known.get(name) for known in (told, content) for name in names)
        text = next((each for each in texts if isinstance(each, str) and each.strip()), "")
        wrapped = _WRAPPED.match(text)
        text = wrapped[1].strip() if wrapped else text
        found += [(kind, text)] if text else []
    return found


def _instruction(asked: Asked, kind: str, told: _Told) -> Turn:
    """The text of the latest conversation; those before it do not hold any more."""
    text = max(told, key=lambda text: told[text][1] or EARLIEST)
    metadata = told_of(asked, {PROFILE: kind})
    # By its kind: what is set anew takes the place of what an earlier import brought.
    return Turn(role="user", text=text, id=kind, time=told[text][0], metadata=metadata)


def _leaf(current: object, nodes: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The message that was seen last; old exports do not always say."""
    if isinstance(current, str) and current in nodes:
        return current
    leaves = [name for name, node in nodes.items() if not node.get("children")]
    return leaves[-1] if leaves else None


def _turn(
    item: Item,
    asked: Asked,
    own_id: str,
    message: Mapping[str, Any],
    title: object,
) -> Turn | None:
    author, content = mapping(message.get("author")), mapping(message.get("content"))
    kind = content.get("content_type")
    role = role_of(author.get("role"))
    told = mapping(message.get("metadata"))
    is_hidden = told.get("is_visually_hidden_from_conversation") or any(_instructions(message))
    if role is None or str(kind) in _UNSAID or is_hidden:
        return None
    parts = content.get("parts")
    texts = [
        each.get("text") if isinstance(each, Mapping) else each
        for each in (parts if isinstance(parts, list) else ())
    ]
    # What a model writes to a tool was said to nobody.
    calls = role == "assistant" and message.get("recipient") not in (None, "", "all")
    is_whole = not calls and None not in texts
    return made_turn(
        role=role,
        text="" if calls else joined([*texts, *(content.get(name) for name in _TEXTS)]),
        own_id=own_id,
        time=time_of(item, asked, message.get("create_time")),
        speaker=author.get("name") if role == "user" else None,
        whole=None if is_whole else {"role": role, "content": dict(content)},
        metadata=told_of(asked, {"title": title, "model": told.get("model_slug")}),
    )
