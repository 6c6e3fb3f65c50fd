"""A model's answer as the draft of an episode, and the drafts of parts as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from lightmem_integrations.consolidation.write.grounding import (
    Shown,
    UnsupportedError,
    check_grounded,
)
from lightmem_integrations.consolidation.write.prompts import (
    LONGEST_SUMMARY,
    LONGEST_WORDS,
    MOST_ENTITIES,
    MOST_KEYWORDS,
    most_facts,
)
from lightmem_integrations.consolidation.write.summary import (
    central_sentences,
    keywords,
    proper_names,
    term_weights,
)
from lightmem_integrations.errors import ModelOutputError
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft
from lightmem_integrations.models.json_answer import one_line
from lightmem_integrations.text.precision import Dated, finer_or_earlier
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.terms import terms

_LONGEST_WHOLE_SUMMARY = 1_500  # characters, of a summary of all parts: a guess
# A guess: share of a summary's terms that were said. A summary speaks in words of its own.
_LEAST_SHARED = 0.4


def draft_of_answer(found: dict[str, Any], shown: Shown, *, strict: bool) -> EpisodeDraft:
    """The draft of an answer; its top has the right keys, nothing else is known of it."""
    turns = shown.turns
    if not isinstance(found["facts"], list):
        raise ModelOutputError("The model's facts are no list.")
    there = {stem for turn in turns for stem in terms(f"{turn.speaker} {turn.text}")}
    weights = term_weights(turns)
    rejected: list[str] = []
    summary = _summary(found["summary"], there, rejected) if "summary" in found else ""
    said = proper_names(turns)
    everything = " ".join(turn.text for turn in turns)
    named = [
        each
        for each in _present(found.get("entities"), MOST_ENTITIES, there)
        if each in everything and not each.islower()
    ]
    names = tuple(dict.fromkeys((*said, *named)))
    most = most_facts(turns)
    facts: list[FactDraft] = []
    for written in found["facts"][:most]:
        try:
            fact = check_grounded(written, shown, strict=strict)
        except UnsupportedError as error:
            statement = written.get("statement") if isinstance(written, dict) else None
            rejected.append(f"{error}: {short(statement) or 'no statement'}")
        else:
            in_it = tuple(name for name in names if name.lower() in fact.statement.lower())
            facts.append(replace(fact, entities=in_it))
    if len(found["facts"]) > most:
        rejected.append(f"{len(found['facts']) - most} facts more than asked for")
    return EpisodeDraft(
        summary=summary or " ".join(central_sentences(turns, weights)),
        keywords=_present(found["keywords"], MOST_KEYWORDS, there)
        if "keywords" in found
        else keywords(turns, weights),
        entities=names,
        speakers=tuple(dict.fromkeys(turn.speaker for turn in turns if turn.speaker)),
        facts=tuple(_merged(facts)),
        rejected=tuple(rejected),
    )


def _summary(given: object, there: set[str], rejected: list[str]) -> str:
    """The model's summary, each sentence once; empty if it is not about these turns."""
    summary = " ".join(dict.fromkeys(sentences(one_line(given, LONGEST_SUMMARY))))
    if not summary:
        raise ModelOutputError("The model's summary is empty.")
    stems = set(terms(summary))
    if not stems or len(stems & there) < _LEAST_SHARED * len(stems):
        rejected.append(f"the summary is not about these turns: {short(summary)}")
        return ""
    return summary


def _present(given: object, most: int, there: set[str]) -> tuple[str, ...]:
    """The strings of a list, where every word of them was said."""
    if not isinstance(given, list):
        return ()
    texts = [one_line(each, LONGEST_WORDS) for each in given[: 4 * most]]
    kept = [text for text in texts if (stems := set(terms(text))) and stems <= there]
    return tuple(dict.fromkeys(kept))[:most]


def short(text: object) -> str:
    """The beginning of a text, to tell in a report which one is meant."""
    return one_line(text, LONGEST_WORDS)


def moved(draft: EpisodeDraft, by: int) -> EpisodeDraft:
    """The draft of a part, with pointers into the whole."""
    facts = tuple(
        replace(fact, evidence=tuple(pointer + by for pointer in fact.evidence))
        for fact in draft.facts
    )
    return replace(draft, facts=facts)


def joined(drafts: Sequence[EpisodeDraft]) -> EpisodeDraft:
    """Several parts of one episode as one."""
    if len(drafts) == 1:
        return drafts[0]
    return EpisodeDraft(
        summary=" ".join(draft.summary for draft in drafts)[:_LONGEST_WHOLE_SUMMARY],
        keywords=tuple(dict.fromkeys(each for draft in drafts for each in draft.keywords)),
        entities=tuple(dict.fromkeys(each for draft in drafts for each in draft.entities)),
        speakers=tuple(dict.fromkeys(each for draft in drafts for each in draft.speakers)),
        facts=tuple(_merged(fact for draft in drafts for fact in draft.facts)),
        tokens=sum(draft.tokens for draft in drafts),
        calls=sum(draft.calls for draft in drafts),
        rejected=tuple(each for draft in drafts for each in draft.rejected),
    )


def _merged(found: Iterable[FactDraft]) -> list[FactDraft]:
    """Facts, each once: one said twice has the evidence of both and the better known start."""
    kept: dict[tuple[object, ...], FactDraft] = {}
    for fact in found:
        about = (fact.subject.lower(), fact.attribute.lower())
        key = (*about, fact.value.lower(), fact.valid_to, fact.valid_to_precision)
        first = kept.get(key)
        if first is None:
            kept[key] = fact
            continue
        begins: list[Dated] = [
            (each.valid_from, each.valid_from_precision)
            for each in (first, fact)
            if each.valid_from is not None
        ]
        since = reduce(finer_or_earlier, begins) if begins else None
        kept[key] = replace(
            first,
            evidence=tuple(sorted({*first.evidence, *fact.evidence})),
            entities=tuple(dict.fromkeys((*first.entities, *fact.entities))),
            valid_from=since and since[0],
            valid_from_precision=since[1] if since else "day",
            confidence=max(first.confidence, fact.confidence),
            doubt=first.doubt and fact.doubt,
            relation=first.relation or fact.relation,
            known=fact.known if first.relation is None else first.known,
        )
    return list(kept.values())
