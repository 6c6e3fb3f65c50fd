"""A Writer without a model: everything it writes stands in the turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lightmem_integrations.consolidation.write.fact_rules import facts
from lightmem_integrations.consolidation.write.grammar import NAMELESS
from lightmem_integrations.consolidation.write.summary import (
    central_sentences,
    keywords,
    proper_names,
    term_weights,
)
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft, WriterTurn


class ExtractiveWriter:
    """Sentences, keywords and names picked from the turns, and facts read by rules.

    It generates nothing, so it cannot invent anything; it reads English, and finds fewer facts
    than a model would. In another language it still gives sentences, keywords and names.
    """

    @property
    def name(self) -> str:
        """Name of the writer, kept with what it wrote."""
        return "extractive"

    def write(self, turns: Sequence[WriterTurn]) -> EpisodeDraft:
        """Summary, keywords, entities and facts of these turns."""
        speakers = tuple(dict.fromkeys(turn.speaker for turn in turns))
        talk = [turn for turn in turns if turn.role in {"user", "assistant"}] or list(turns)
        entities = proper_names(talk)
        found = merged(
            fact
            for place, turn in enumerate(turns)
            for fact in facts(turn, place, speakers, entities)
        )
        weight = term_weights(talk)
        places = {id(turn): place for place, turn in enumerate(talk)}
        telling = {
            places[id(turns[pointer])]
            for fact in found
            for pointer in fact.evidence
            if id(turns[pointer]) in places
        }
        summary = central_sentences(talk, weight, telling) or _first_words(talk)
        return EpisodeDraft(
            summary=" ".join(summary),
            keywords=keywords(talk, weight),
            entities=entities,
            speakers=tuple(each for each in speakers if each),
            facts=tuple(found),
        )


def merged(found: Iterable[FactDraft]) -> list[FactDraft]:
    """Facts, each once: one said twice has the evidence of both and the earlier start."""
    kept: dict[tuple[str, str, str], FactDraft] = {}
    for fact in found:
        key = (fact.subject.lower(), fact.attribute.lower(), fact.value.lower())
        first = kept.get(key)
        if first is None or first.valid_to != fact.valid_to:
            kept[key if first is None else (*key[:2], f"{key[2]} {fact.valid_to}")] = fact
            continue
        since = [each for each in (first.valid_from, fact.valid_from) if each]
        kept[key] = replace(
            first,
            evidence=tuple(sorted({*first.evidence, *fact.evidence})),
            entities=tuple(dict.fromkeys((*first.entities, *fact.entities))),
            valid_from=min(since) if since else None,
            confidence=max(first.confidence, fact.confidence),
        )
    return list(kept.values())


def _first_words(turns: Sequence[WriterTurn]) -> list[str]:
    """The beginning of the first turn that says anything, where no sentence tells enough."""
    said = next((turn for turn in turns if turn.text.strip()), None)
    if said is None:
        return []
    who = f"{said.speaker}: " if said.speaker and said.speaker.lower() not in NAMELESS else ""
    return [f"{who}{' '.join(said.text.split())[:200]}"]
