"""Claude's export: conversations.json, each conversation with its ``chat_messages``."""

from __future__ import annotations

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
    objects,
    path_to,
    role_of,
    time_of,
    told_of,
    unreadable,
)
from lightmem_integrations.importers.source import Item
from lightmem_integrations.records.conversation import Turn

_SPOKEN = frozenset({"text", "voice_note"})
_UNSAID = frozenset({"thinking", "redacted_thinking", "token_budget", "flag"})


def read_claude(items: Iterable[Item], asked: Asked) -> Iterator[Conversation]:
    """Conversations of Claude's ``conversations.json``.

    Newer exports say of each message which one it answers: then the branch of the last message is
    imported, and what was edited or tried again is left out and counted.
    """
    for item in items:
        known = mapping(item.value)
        if "chat_messages" not in known:
            unreadable(item, "it has no 'chat_messages', so it is no conversation of Claude's.")
        messages = objects(known["chat_messages"])
        metadata = told_of(asked, {"title": known.get("name")})
        turns = [
            turn
            for place, message in _branch(known, messages)
            if (turn := _turn(item, asked, place, message, metadata))
        ]
        yield Conversation(
            where=item.where,
            session_id=name_of(known.get("uuid")) or unreadable(item, "it has no 'uuid'."),
            turns=in_time(turns, time_of(item, asked, known.get("created_at"))),
            owner=name_of(mapping(known.get("account")).get("uuid")),
            skipped=len(messages) - len(turns),
        )


def _branch(
    known: Mapping[str, Any], messages: list[Mapping[str, Any]]
) -> Iterable[tuple[int, Mapping[str, Any]]]:
    places = {name_of(each.get("uuid")) or "": place for place, each in enumerate(messages)}
    parents = {
        name: name_of(messages[place].get("parent_message_uuid")) for name, place in places.items()
    }
    if not set(parents.values()) & set(places):
        return enumerate(messages)
    leaf = name_of(known.get("current_leaf_message_uuid"))
    path = path_to(leaf if leaf in places else list(places)[-1], parents)
    return [(places[name], messages[places[name]]) for name in path]


def _turn(
    item: Item,
    asked: Asked,
    place: int,
    message: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> Turn | None:
    role = role_of(message.get("sender"))
    if role is None:
        return None
    said = [
        block for block in objects(message.get("content")) if str(block.get("type")) not in _UNSAID
    ]
    texts = [block.get("text") for block in said if str(block.get("type")) in _SPOKEN]
    # Blocks of tools leave a note in ``text`` that they cannot be shown.
    text = joined(texts) if said else joined([message.get("text")])
    beside = {
        name: message[name] for name in ("attachments", "files") if objects(message.get(name))
    }
    whole = {"role": role, "content": said, **beside} if beside or len(texts) < len(said) else None
    return made_turn(
        role=role,
        text=text,
        own_id=name_of(message.get("uuid")) or f"{place}",
        time=time_of(item, asked, message.get("created_at")),
        whole=whole,
        metadata=metadata,
    )
