"""Memories by an id that a model can read and give back, and what tools do to them."""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote

from langchain_core.tools import ToolException

from lightmem_integrations.langchain.background import Scope
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.records.conversation import Hit, Turn

_DIGEST_BYTES = 8
UNKNOWN = "There is no memory with the id {!r}. Use an id that search_memory shows."


def memory_id(hit: Hit) -> str:
    """How a memory is called between model and tools: its session and its first turn."""
    source = hit.source
    if source.shared:  # no turn of this user's: nothing that a tool could erase
        return f"shared/{source.fact_id}"
    return "/".join(quote(part, safe="") for part in (source.session_id, source.turn_ids[0]))


def parsed(memory_id: str) -> tuple[str, str]:
    """The session and the turn that an id of `memory_id` names.

    Raises:
        ToolException: It is no such id.
    """
    session_id, separator, turn_id = memory_id.strip("[] \n").partition("/")
    if not (separator and session_id and turn_id):
        raise ToolException(UNKNOWN.format(memory_id))
    return unquote(session_id), unquote(turn_id)


def write_note(memory: LightMem, text: str, scope: Scope, agent_id: str | None) -> str:
    """Write a note into a session; the same words there count once. Returns the turn's id."""
    # An id of its wording: an agent that is resumed or goes back in time may call a tool again.
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES)
    note = Turn(role="assistant", text=text, id=f"note-{digest.hexdigest()}")
    memory.add(note, user_id=scope.user_id, session_id=scope.session_id, agent_id=agent_id)
    return note.id or ""


def erase(memory: LightMem, memory_id: str, scope: Scope) -> None:
    """Erase one memory of the user.

    Raises:
        ToolException: There is none with this id.
    """
    session_id, turn_id = parsed(memory_id)
    receipt = memory.forget(
        user_id=scope.user_id, session_id=session_id, turn_ids=[turn_id], purge=False
    )
    if not receipt.turns:
        raise ToolException(UNKNOWN.format(memory_id))
