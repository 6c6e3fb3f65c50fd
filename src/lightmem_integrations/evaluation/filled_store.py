"""The store that the rows read: every conversation is a user of it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lightmem_integrations import LightMem, Turn, __version__
from lightmem_integrations.evaluation.conversations import Conversation
from lightmem_integrations.models.embedders import as_embedder
from lightmem_integrations.records.storable import cleaned, shortened
from lightmem_integrations.safety import digest
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.migrations.runner import VERSION

STORE = "store"
"""Folder of the store in the folder that the rows are given."""

_DIGEST_BYTES = 16  # 2^64 sets of data before two are expected to share a store


def fill(
    folder: Path,
    conversations: Sequence[Conversation],
    *,
    embedder: object | None = None,
    keep: Path | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Put the store that the rows read into a folder.

    Args:
        folder: Where the store is made.
        conversations: What is remembered.
        embedder: Another embedder than the default; the rows must be given the same.
        keep: Where stores stay from one run to the next; one is copied from there if turns,
            embedder, version of this library and form of its stores are still the same.
        on_progress: Called after each session with how many turns can be found.
    """
    if keep is None:
        _write(folder / STORE, conversations, embedder, on_progress)
        return
    kept = keep / _fingerprint(conversations, embedder)
    if not kept.is_dir():
        keep.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=keep, ignore_cleanup_errors=True) as unfinished:
            written = Path(unfinished) / STORE
            _write(written, conversations, embedder, on_progress)
            with suppress(OSError):  # another process was as fast
                written.rename(kept)
    shutil.copytree(kept, folder / STORE)


def storable(turns: Sequence[Turn], max_chars: int) -> list[Turn]:
    """Turns as an adapter adds them: without empty ones, and long ones cut in their middle.

    Args:
        turns: Those of a file, which may hold what a store refuses.
        max_chars: Characters of the longest that the store takes.
    """
    return [
        replace(turn, text=shortened(cleaned(turn.text), max_chars))
        for turn in turns
        if turn.text.strip()
    ]


def _write(
    store: Path,
    conversations: Sequence[Conversation],
    embedder: object | None,
    on_progress: Callable[[int], None],
) -> None:
    settings = Settings(background_indexing=False)
    done = 0
    with LightMem(store, embedder=embedder, settings=settings) as memory:
        for conversation in conversations:
            for session in conversation.sessions:
                turns = storable(session.turns, settings.max_turn_chars)
                memory.add(turns, user_id=conversation.user_id, session_id=session.session_id)
                memory.index_pending()
                done += len(session.turns)
                on_progress(done)


def _fingerprint(conversations: Sequence[Conversation], embedder: object | None) -> str:
    # By field: a turn's own representation is cut.
    said = [
        (turn.id, turn.role, turn.speaker, str(turn.time), turn.text)
        for each in conversations
        for turn in each.turns
    ]
    sessions = [
        (each.user_id, session.session_id, len(session.turns))
        for each in conversations
        for session in each.sessions
    ]
    made_by = [__version__, VERSION, as_embedder(embedder).name]
    return digest(json.dumps([made_by, sessions, said]), _DIGEST_BYTES)
