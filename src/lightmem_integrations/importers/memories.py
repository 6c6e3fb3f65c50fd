"""Memories of mem0, LangGraph's stores and LangMem: statements, without what was said.

They become turns of a session named after where they come from, as they are worded, with the time
of that wording.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lightmem_integrations.importers.conversation import (
    USER,
    Asked,
    Conversation,
    flat,
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
from lightmem_integrations.safety import EARLIEST, short_repr

_WORDINGS = ("memory", "content", "text", "data")
"""Where a memory's words stand in its value, by the libraries' own examples."""

_BESIDE = ("categories", "app_id", "created_at")
_TIMES = ("updated_at", "created_at")


def read_mem0(items: Iterable[Item], asked: Asked) -> Iterator[Conversation]:
    """Memories as mem0's ``get_all`` gives them: a list, or an object with ``results``."""
    sessions = _Sessions(asked)
    for item, memory in _inside(items, ("results", "memories")):
        if "memory" not in memory:
            unreadable(item, "it has no 'memory', so it is none of mem0's.")
        sessions.add(
            item,
            memory,
            text=_worded(memory["memory"]),
            told={
                **{name: memory.get(name) for name in _BESIDE},
                **mapping(memory.get("metadata")),
            },
            own_id=name_of(memory.get("id")),
            session_id=":".join(filter(None, (asked.form, name_of(memory.get("run_id"))))),
            owner=name_of(memory.get("user_id")),
        )
    return sessions.conversations()


def read_langgraph(items: Iterable[Item], asked: Asked) -> Iterator[Conversation]:
    """Items of a LangGraph store, LangMem's memories among them: namespace, key and value.

    What LangMem's memory manager returns, ``id`` and ``content``, is read as well.
    """
    sessions = _Sessions(asked)
    for item, stored in _inside(items, ("items", "results")):
        of_manager = {"id", "content"} <= set(stored) and "role" not in stored
        if "value" not in stored and not of_manager:
            unreadable(item, "it has no 'value', so it is no item of a store.")
        value = stored.get("value", stored.get("content"))
        space = _namespace(item, stored)
        owner = _owner(space, asked.namespace) if asked.namespace else "/".join(space) or None
        is_wanted = owner is not None or not asked.namespace
        sessions.add(
            item,
            stored,
            text=_worded(value) if is_wanted else "",
            told=_beside(value),
            own_id=name_of(stored.get("key")) or name_of(stored.get("id")),
            session_id=":".join(filter(None, (asked.form, "/".join(space)))),
            owner=owner,
        )
    return sessions.conversations()


_Key = tuple[str | None, str, str | None]
"""Whose memories they are, their session, and the agent that they are of."""


class _Sessions:
    """Memories by whose they are and where they come from; each in the order of their times."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._turns: dict[_Key, list[Turn]] = {}
        self._where: dict[_Key, str] = {}
        self._skipped: Counter[_Key] = Counter()

    def add(
        self,
        item: Item,
        memory: Mapping[str, Any],
        *,
        text: str,
        told: Mapping[str, Any],
        own_id: str | None,
        session_id: str,
        owner: str | None,
    ) -> None:
        role = role_of(memory.get("role") or memory.get("attributed_to")) or "user"
        turn = made_turn(
            role=role,
            text=text,
            own_id=own_id or words_digest(role, text),
            time=time_of(item, self._asked, *(memory.get(name) for name in _TIMES)),
            speaker=memory.get("actor_id"),
            metadata=told_of(self._asked, told),
        )
        key = (owner, session_id, name_of(memory.get("agent_id")))
        self._where.setdefault(key, item.where)
        if turn is None:
            self._skipped[key] += 1
            return
        last_day = time_of(item, self._asked, memory.get("expiration_date"))
        if last_day is not None:
            turn = replace(turn, expires_at=last_day + dt.timedelta(days=1))
        self._turns.setdefault(key, []).append(turn)

    def conversations(self) -> Iterator[Conversation]:
        for key, where in self._where.items():
            owner, session_id, agent_id = key
            turns = self._turns.get(key, [])
            yield Conversation(
                where=where,
                session_id=session_id,
                turns=sorted(turns, key=lambda turn: turn.time or EARLIEST),
                owner=owner,
                agent_id=agent_id,
                skipped=self._skipped[key],
            )


def _inside(
    items: Iterable[Item], lists: Iterable[str]
) -> Iterator[tuple[Item, Mapping[str, Any]]]:
    """The memories of a source, which may stand in lists of lists, or in pages of results."""
    for item in items:
        value = item.value
        found = next((value[name] for name in lists if name in value), None) if isinstance(
            value, Mapping
        ) else value  # fmt: skip
        if isinstance(found, list):
            yield from _inside(
                (Item(f"{item.where}, memory {n}", each) for n, each in enumerate(found, 1)), lists
            )
        elif isinstance(value, Mapping):
            yield item, value
        else:
            unreadable(item, f"it is {short_repr(value)}, no memory.")


def _worded(value: object) -> str:
    """A memory as it is worded: its text, or what it says by name."""
    if isinstance(value, Mapping):
        if {"kind", "content"} == set(value):  # LangMem's
            return _worded(value["content"])
        texts = [value[name] for name in _WORDINGS if isinstance(value.get(name), str)]
        if texts:
            return str(texts[0])
        told = [(name, words) for name, each in flat(value) if (words := _worded(each))]
        return told[0][1] if len(told) == 1 else "; ".join(f"{name}: {each}" for name, each in told)
    if isinstance(value, (list, tuple)):
        return ", ".join(filter(None, map(_worded, value)))
    return "" if value is None else str(value)


def _beside(value: object) -> Mapping[str, Any]:
    """What a memory holds beside its words; all of it, where these were made of it."""
    if not isinstance(value, Mapping):
        return {}
    if {"kind", "content"} == set(value):
        return {"kind": value["kind"], **_beside(value["content"])}
    words = next((name for name in _WORDINGS if isinstance(value.get(name), str)), None)
    return {name: each for name, each in value.items() if name != words}


def _namespace(item: Item, stored: Mapping[str, Any]) -> tuple[str, ...]:
    # The table of LangGraph's Postgres and SQLite stores has it as one text.
    found = stored.get("namespace", stored.get("prefix")) or ()
    parts = found.split(".") if isinstance(found, str) else found
    if not isinstance(parts, (list, tuple)) or not all(isinstance(each, str) for each in parts):
        unreadable(item, f"its namespace is {short_repr(found)}, no list of strings.")
    return tuple(parts)


def _owner(space: tuple[str, ...], wanted: tuple[str, ...]) -> str | None:
    """The user whom a namespace names, by a pattern of its beginning."""
    named = dict(zip(wanted, space, strict=False))
    if len(space) < len(wanted) or any(
        part not in (USER, given) for part, given in zip(wanted, space, strict=False)
    ):
        return None
    return named[USER]
