"""A Writer with a language model, believed only where the turns bear it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lightmem_integrations.consolidation.write.grounding import UnsupportedError, check_grounded
from lightmem_integrations.consolidation.write.prompts import (
    LONGEST_SUMMARY,
    LONGEST_WORDS,
    MOST_ENTITIES,
    MOST_KEYWORDS,
    most_facts,
    prompt_bytes,
    turn_line,
    writer_prompt,
    writer_schema,
)
from lightmem_integrations.consolidation.write.summary import (
    central_sentences,
    proper_names,
    term_weights,
)
from lightmem_integrations.errors import ModelOutputError
from lightmem_integrations.knowledge.drafts import EpisodeDraft, FactDraft, KnownFact, WriterTurn
from lightmem_integrations.models.json_answer import complete_json, one_line
from lightmem_integrations.text.sentences import sentences
from lightmem_integrations.text.terms import terms

if TYPE_CHECKING:
    from lightmem_integrations.models.protocols import Completion, LanguageModel, Message

# A guess: bytes of a prompt that make no more than one token, in English and in JSON.
_BYTES_PER_TOKEN = 3
# Guesses: turns of the smallest half, characters of a turn at most and at least, and of a summary
# of all parts.
_FEWEST_TURNS = 2
_SHORTEST_TURN = 200
_LONGEST_TURN = 2_000
_LONGEST_WHOLE_SUMMARY = 1_500
# A guess: share of a summary's terms that were said. A summary speaks in words of its own.
_LEAST_SHARED = 0.4


@dataclass(frozen=True, slots=True)
class ModelWriter:
    """Asks a language model for an episode, under a JSON schema, and checks every part of it.

    The schema gives the answer its shape, where the runner can decode under one; it does not make
    it true. So every fact must point to turns that exist, be about somebody who speaks or is
    named there, and share its words, numbers and negations with what that person said. Dates are
    read from the turns' words by a library, not by the model. What does not hold is dropped and
    listed in ``EpisodeDraft.rejected``.

    Attributes:
        model: The model to ask.
        context_tokens: Longest prompt and answer together. Longer segments are asked in parts.
        answer_tokens: Longest answer.
        seconds: How long one call may take; ``None`` for as long as it needs.

    The defaults are guesses: what small models on a laptop can hold and do.
    """

    model: LanguageModel
    context_tokens: int = 4_096
    answer_tokens: int = 1_024
    seconds: float | None = 120.0

    @property
    def name(self) -> str:
        """Name of the writer, kept with what it wrote."""
        return f"model:{self.model.name}"

    def write(
        self,
        turns: Sequence[WriterTurn],
        *,
        before: Sequence[WriterTurn] = (),  # noqa: ARG002
        known: Sequence[KnownFact] = (),  # noqa: ARG002
    ) -> EpisodeDraft:
        """Summary, keywords, entities and facts of these turns.

        Raises:
            ModelOutputError: The answer is of no use, also when asked for less at once.
            ModelError: The model failed; the turns are tried again later.
        """
        drafts, start = [], 0
        for part in self._parts(turns):
            drafts.append(_moved(self._write_or_halve(part), start))
            start += len(part)
        return _joined(drafts)

    def _parts(self, turns: Sequence[WriterTurn]) -> list[Sequence[WriterTurn]]:
        """The turns in runs whose prompts fit, as long as possible."""
        longest = self._longest_turn()
        room = self._room() - prompt_bytes(())
        parts: list[Sequence[WriterTurn]] = []
        begin = size = 0
        for place, turn in enumerate(turns):
            added = len(turn_line(place, turn, longest).encode("utf-8", "replace")) + 1
            if place > begin and size + added > room:
                parts.append(turns[begin:place])
                begin, size = place, 0
            size += added
        return [*parts, turns[begin:]] if turns else []

    def _room(self) -> int:
        """Bytes of the longest prompt."""
        return _BYTES_PER_TOKEN * (self.context_tokens - self.answer_tokens)

    def _longest_turn(self) -> int:
        """Characters of a turn that are shown: no turn fills a prompt alone."""
        return max(min(_LONGEST_TURN, self._room() // 4), _SHORTEST_TURN)

    def _write_or_halve(self, turns: Sequence[WriterTurn]) -> EpisodeDraft:
        """Small models lose the thread of long segments: once, two halves are asked instead."""
        try:
            return self._ask(turns)
        except ModelOutputError:
            if len(turns) < 2 * _FEWEST_TURNS:
                raise
        middle = len(turns) // 2
        halves = self._ask(turns[:middle]), self._ask(turns[middle:])
        return _joined([halves[0], _moved(halves[1], middle)])

    def _ask(self, turns: Sequence[WriterTurn]) -> EpisodeDraft:
        schema = writer_schema(len(turns))
        prompt: list[Message] = writer_prompt(turns, self._longest_turn())
        found, answer = complete_json(
            self.model,
            prompt,
            schema=schema,
            max_tokens=self.answer_tokens,
            seconds=self.seconds,
        )
        return _checked(found, turns, answer)


def _checked(
    found: dict[str, object], turns: Sequence[WriterTurn], answer: Completion
) -> EpisodeDraft:
    """The draft of an answer; its top has the right keys, nothing else is known of it."""
    summary = one_line(found["summary"], LONGEST_SUMMARY)
    there = {stem for turn in turns for stem in terms(f"{turn.speaker} {turn.text}")}
    rejected = []
    if not summary or not isinstance(found["facts"], list):
        raise ModelOutputError("The model's summary is empty, or its facts are no list.")
    # Small models repeat a sentence until the limit.
    summary = " ".join(dict.fromkeys(sentences(summary)))
    stems = set(terms(summary))
    if not stems or len(stems & there) < _LEAST_SHARED * len(stems):
        rejected.append(f"the summary is not about these turns: {summary[:LONGEST_WORDS]}")
        summary = " ".join(central_sentences(turns, term_weights(turns)))
    said = proper_names(turns)
    everything = " ".join(turn.text for turn in turns)
    named = [
        each
        for each in _present(found["entities"], MOST_ENTITIES, there)
        if each in everything and not each.islower()
    ]
    names = tuple(dict.fromkeys((*said, *named)))
    facts: list[FactDraft] = []
    for written in found["facts"][: most_facts(len(turns))]:
        try:
            fact = check_grounded(written, turns, said)
        except UnsupportedError as error:
            shown = written.get("statement") if isinstance(written, dict) else None
            rejected.append(f"{error}: {one_line(shown, LONGEST_WORDS) or 'no statement'}")
        else:
            in_it = tuple(name for name in names if name.lower() in fact.statement.lower())
            facts.append(replace(fact, entities=in_it))
    extra = len(found["facts"]) - most_facts(len(turns))
    if extra > 0:
        rejected.append(f"{extra} facts more than asked for")
    return EpisodeDraft(
        summary=summary,
        keywords=_present(found["keywords"], MOST_KEYWORDS, there),
        entities=names,
        speakers=tuple(dict.fromkeys(turn.speaker for turn in turns if turn.speaker)),
        facts=tuple(_merged(facts)),
        tokens=_count(answer, "prompt_tokens") + _count(answer, "completion_tokens"),
        rejected=tuple(rejected),
    )


def _present(given: object, most: int, there: set[str]) -> tuple[str, ...]:
    """The strings of a list, where every word of them was said."""
    if not isinstance(given, list):
        return ()
    texts = [one_line(each, LONGEST_WORDS) for each in given[: 4 * most]]
    kept = [text for text in texts if (stems := set(terms(text))) and stems <= there]
    return tuple(dict.fromkeys(kept))[:most]


def _count(answer: Completion, name: str) -> int:
    value = getattr(answer, name, 0)
    return value if type(value) is int and value > 0 else 0


def _moved(draft: EpisodeDraft, by: int) -> EpisodeDraft:
    facts = tuple(
        replace(fact, evidence=tuple(pointer + by for pointer in fact.evidence))
        for fact in draft.facts
    )
    return replace(draft, facts=facts)


def _joined(drafts: Sequence[EpisodeDraft]) -> EpisodeDraft:
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
        rejected=tuple(each for draft in drafts for each in draft.rejected),
    )


def _merged(found: Iterable[FactDraft]) -> list[FactDraft]:
    """Facts, each once: one said twice has the evidence of both and the earlier start."""
    kept: dict[tuple[object, ...], FactDraft] = {}
    for fact in found:
        about = (fact.subject.lower(), fact.attribute.lower())
        key = (*about, fact.value.lower(), fact.valid_to)
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
