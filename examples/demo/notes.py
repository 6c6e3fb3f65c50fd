"""In the place of a language model: notes that somebody took of the conversations beforehand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightmem_integrations.consolidation.write.extractive import ExtractiveWriter
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft, WriterTurn

NOTES = Path(__file__).with_name("notes.json")


class NotesWriter:
    """Notes a fact where a turn says the words that a note quotes.

    Args:
        notes: Each a JSON object: the words of the turn as ``quote``, and the fact as ``subject``,
            ``attribute``, ``value``, ``statement``, and where needed ``since`` (a day), ``single``
            and ``entities``. By default those on the demo's conversations.
    """

    name = "notes"

    def __init__(self, notes: Sequence[dict[str, Any]] | None = None) -> None:
        self.notes = json.loads(NOTES.read_text("utf-8")) if notes is None else list(notes)

    def write(self, turns: Sequence[WriterTurn]) -> EpisodeDraft:
        """Summary and keywords as without a model, and the facts that were noted."""
        return replace(ExtractiveWriter().write(turns), facts=tuple(self._noted(turns)))

    def _noted(self, turns: Sequence[WriterTurn]) -> Iterator[FactDraft]:
        for pointer, turn in enumerate(turns):
            for note in self.notes:
                fact = dict(note)
                if fact.pop("quote") not in turn.text:
                    continue
                since = fact.pop("since", None)
                day = dt.datetime.fromisoformat(since) if since else turn.time
                since = day.replace(tzinfo=turn.time.tzinfo)
                fact["entities"] = tuple(fact.get("entities", ()))
                yield FactDraft(**fact, valid_from=since, evidence=(pointer,))
