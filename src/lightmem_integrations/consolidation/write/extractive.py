"""A Writer without a model: everything it writes stands in the turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lightmem_integrations.consolidation.write.clauses import starts_play
from lightmem_integrations.consolidation.write.correction import correction_of
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
        found = _as_said_last(merged(_own_facts(turns)), turns)
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
            entities=proper_names(talk),
            speakers=tuple(each for each in speakers if each),
            facts=tuple(fact for fact in found if not fact.denies),
            denials=tuple(fact for fact in found if fact.denies),
        )


def _own_facts(turns: Sequence[WriterTurn]) -> list[FactDraft]:
    """Facts of the turns as their speakers correct them, up to a play that begins among them."""
    found: list[FactDraft] = []
    # The place of each speaker's last turn.
    last: dict[str, int] = {}
    for place, turn in enumerate(turns):
        if starts_play(turn.text):
            break
        stated = list(facts(turn, place))
        taken_back = correction_of(turn)
        if taken_back is not None:
            # What is corrected stands in the same turn or in the speaker's last one.
            near = {place, last.get(turn.speaker, place)}
            stated = [
                mended
                for fact in [*(each for each in found if near & set(each.evidence)), *stated]
                if (mended := taken_back.applied(fact, place)) is not None
            ]
            found = [each for each in found if not near & set(each.evidence)]
        found += stated
        last[turn.speaker] = place
    return found


def merged(found: Iterable[FactDraft]) -> list[FactDraft]:
    """Facts, each once: one said twice has the evidence of both and the earlier start."""
    kept: dict[tuple[object, ...], FactDraft] = {}
    for fact in found:
        about = (fact.subject.lower(), fact.attribute.lower())
        key = (*about, fact.value.lower(), fact.valid_to, fact.denies)
        first = kept.get(key)
        if first is None:
            kept[key] = fact
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


def _as_said_last(found: Sequence[FactDraft], turns: Sequence[WriterTurn]) -> list[FactDraft]:
    """Facts without a value that the same agent replaced in the same moment.

    Where two agents wrote down two values, both stay: the policy decides between agents.
    """
    kept: dict[tuple[object, ...], FactDraft] = {}
    others: list[FactDraft] = []
    for fact in found:
        if not fact.single or fact.valid_to is not None:
            others.append(fact)
            continue
        agents = frozenset(turns[pointer].agent for pointer in fact.evidence)
        about = (fact.subject.lower(), fact.attribute.lower(), fact.valid_from, agents)
        kept.pop(about, None)  # so that it stands where it was said last
        kept[about] = fact
    places = {id(fact): place for place, fact in enumerate(found)}
    return sorted((*others, *kept.values()), key=lambda fact: places[id(fact)])


def _first_words(turns: Sequence[WriterTurn]) -> list[str]:
    """The beginning of the first turn that says anything, where no sentence tells enough."""
    said = next((turn for turn in turns if turn.text.strip()), None)
    if said is None:
        return []
    who = f"{said.speaker}: " if said.speaker and said.speaker.lower() not in NAMELESS else ""
    return [f"{who}{' '.join(said.text.split())[:200]}"]
