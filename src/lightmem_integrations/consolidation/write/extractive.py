"""A Writer without a model: everything it writes stands in the turns."""

from __future__ import annotations

from collections.abc import Sequence

from lightmem_integrations.consolidation.write.summary import (
    central_sentences,
    keywords,
    proper_names,
    term_weights,
)
from lightmem_integrations.knowledge.drafts import EpisodeDraft, WriterTurn
from lightmem_integrations.records.conversation import NAMELESS


class ExtractiveWriter:
    """Sentences, keywords and names picked from the turns, and no facts: those take a model.

    It generates nothing, so it cannot invent anything, in any language.
    """

    @property
    def name(self) -> str:
        """Name of the writer, kept with what it wrote."""
        return "extractive"

    def write(self, turns: Sequence[WriterTurn]) -> EpisodeDraft:
        """Summary, keywords and entities of these turns."""
        talk = [turn for turn in turns if turn.role in {"user", "assistant"}] or list(turns)
        weight = term_weights(talk)
        return EpisodeDraft(
            summary=" ".join(central_sentences(talk, weight) or _first_words(talk)),
            keywords=keywords(talk, weight),
            entities=proper_names(talk),
            speakers=tuple(dict.fromkeys(turn.speaker for turn in turns if turn.speaker)),
        )


def _first_words(turns: Sequence[WriterTurn]) -> list[str]:
    """The beginning of the first turn that says anything, where no sentence tells enough."""
    said = next((turn for turn in turns if turn.text.strip()), None)
    if said is None:
        return []
    who = f"{said.speaker}: " if said.speaker and said.speaker.lower() not in NAMELESS else ""
    return [f"{who}{' '.join(said.text.split())[:200]}"]
