"""A Writer with a language model, believed where its facts can rest on the turns they point to."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from lightmem_integrations.consolidation.write.answer import (
    draft_of_answer,
    joined,
    moved,
    short,
)
from lightmem_integrations.consolidation.write.grounding import Shown, Verify
from lightmem_integrations.consolidation.write.prompts import (
    nearest_known,
    prompt_bytes,
    short_prompt,
    short_schema,
    turn_lines,
    verify_prompt,
    verify_schema,
    writer_prompt,
    writer_schema,
)
from lightmem_integrations.consolidation.write.thin import write_thinned
from lightmem_integrations.errors import ModelOutputError
from lightmem_integrations.knowledge.drafts import EpisodeDraft, KnownFact, WriterTurn
from lightmem_integrations.models.json_answer import complete_json

if TYPE_CHECKING:
    from lightmem_integrations.models.protocols import Completion, LanguageModel, Message

# A guess: bytes of a prompt that make no more than one token, in English and in JSON.
_BYTES_PER_TOKEN = 3
# Guesses: turns of the smallest half, turns of the part before that are shown with the next,
# characters of a turn at most and at least.
_FEWEST_TURNS = 2
_BEFORE = 3
_SHORTEST_TURN = 200
LONGEST_TURN = 2_000
# Thousand millions of parameters from which a model follows the long prompt: a guess.
_LARGE = 4.0
_PARAMETERS = re.compile(r"(?<![\d.])(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelWriter:
    """Asks a language model for an episode, under a JSON schema, and checks every part of it.

    The schema gives the answer its shape, where the runner can decode under one; it does not make
    it true. A fact that points to no turn, is about nobody who is named there, tells another
    speaker's words, or copies instructions to a model is refused and listed in
    ``EpisodeDraft.rejected``. What else speaks against one lowers its confidence and is kept as
    its ``doubt``. Dates are the model's, where the turn's words for them can mean them.

    Attributes:
        model: The model to ask.
        context_tokens: Longest prompt and answer together. Longer segments are asked in parts.
        answer_tokens: Longest answer.
        seconds: How long one call may take; ``None`` for as long as it needs.
        size: ``"large"`` asks for all at once; ``"small"``, for models under four thousand million
            parameters, for facts of fewer parts only, and takes the summary from the turns.
            ``None`` goes by the number in the model's name ("1.5B"), and is large without one.
        verify: ``"pointers"`` believes a fact whose pointers hold; ``"words"`` refuses what has
            other words than its turns, or anything that speaks against it; ``"model"`` asks the
            model again which facts the turns bear out, one call more. ``None`` is "pointers" for
            large models, "words" for small ones (docs/consolidation.md has the figures).
        thin: Leave out of the prompt what holds no fact: small talk, repetitions, code, the ends of
            long answers (`benchmarks/thinning.py` says what that saves and loses).

    The defaults are guesses: what small models on a laptop can hold and do.
    """

    model: LanguageModel
    context_tokens: int = 4_096
    answer_tokens: int = 1_280
    seconds: float | None = 120.0
    size: Literal["small", "large"] | None = None
    verify: Verify | None = None
    thin: bool = False

    @property
    def name(self) -> str:
        """Name of the writer, kept with what it wrote."""
        return f"model:{self.model.name}"

    def write(
        self,
        turns: Sequence[WriterTurn],
        *,
        before: Sequence[WriterTurn] = (),
        known: Sequence[KnownFact] = (),
    ) -> EpisodeDraft:
        """Summary, keywords, entities and facts of these turns.

        Args:
            turns: What to write about.
            before: What was said just before, to understand them by.
            known: What is known; a fact may replace, confirm or end one. A small model is not
                shown these two.

        Raises:
            ModelOutputError: The answer is of no use, also when asked for less at once.
            ModelError: The model failed; the turns are tried again later.
        """
        if self.thin:
            return write_thinned(replace(self, thin=False), turns, before, known)
        drafts, start = [], 0
        if self._is_small():
            known = ()
        for part in self._parts(turns, before, known):
            shown = Shown(part, (*before, *turns[:start])[-_BEFORE:], nearest_known(known, part))
            drafts.append(moved(self._write_or_halve(shown), start))
            start += len(part)
        return joined(drafts)

    def _is_small(self) -> bool:
        if self.size is not None:
            return self.size == "small"
        said = _PARAMETERS.findall(self.model.name)
        counts = [float(count) / (1_000 if unit in "mM" else 1) for count, unit in said]
        return bool(counts) and max(counts) < _LARGE

    def _parts(
        self, turns: Sequence[WriterTurn], before: Sequence[WriterTurn], known: Sequence[KnownFact]
    ) -> list[Sequence[WriterTurn]]:
        """The turns in runs whose prompts fit, as long as possible."""
        longest = self._longest_turn()
        around = (*before, *turns)[:_BEFORE] if len(turns) > 1 else before
        room = self._room() - prompt_bytes(
            self._prompt(Shown((), around, nearest_known(known, turns)))
        )
        lines = (turn_lines([turn], longest)[-2] for turn in turns)
        sizes = [len(line.encode("utf-8", "replace")) + 1 for line in lines]
        # As equal as they can be: the last few turns alone would be a waste of a prompt.
        fair = sum(sizes) / max(math.ceil(sum(sizes) / max(room, 1)), 1)
        parts: list[Sequence[WriterTurn]] = []
        begin = size = 0
        for place, added in enumerate(sizes):
            if place > begin and (size + added > room or size + added / 2 > fair):
                parts.append(turns[begin:place])
                begin, size = place, 0
            size += added
        return [*parts, turns[begin:]] if turns else []

    def _room(self) -> int:
        """Bytes of the longest prompt."""
        return _BYTES_PER_TOKEN * (self.context_tokens - self.answer_tokens)

    def _longest_turn(self) -> int:
        """Characters of a turn that are shown: no turn fills a prompt alone."""
        return max(min(LONGEST_TURN, self._room() // 4), _SHORTEST_TURN)

    def _prompt(self, shown: Shown) -> list[Message]:
        longest = self._longest_turn()
        if self._is_small():
            return short_prompt(shown.turns, longest)
        return writer_prompt(shown.turns, longest, before=shown.before, known=shown.known)

    def _write_or_halve(self, shown: Shown) -> EpisodeDraft:
        """Models lose the thread of long segments: once, two halves are asked instead."""
        turns = shown.turns
        try:
            return self._ask(shown)
        except ModelOutputError:
            if len(turns) < 2 * _FEWEST_TURNS:
                raise
        middle = len(turns) // 2
        before = (*shown.before, *turns[:middle])[-_BEFORE:]
        first = self._ask(replace(shown, turns=turns[:middle]))
        second = self._ask(replace(shown, turns=turns[middle:], before=before))
        whole = joined([first, moved(second, middle)])
        return replace(whole, calls=whole.calls + 1)

    def _ask(self, shown: Shown) -> EpisodeDraft:
        small = self._is_small()
        schema = (
            short_schema(shown.turns)
            if small
            else writer_schema(shown.turns, known=len(shown.known))
        )
        found, answer = self._complete(self._prompt(shown), schema)
        verify = self.verify or ("words" if small else "pointers")
        draft = draft_of_answer(found, shown, strict=verify == "words")
        draft = replace(draft, tokens=_tokens(answer), calls=1)
        return self._verified(draft, shown) if verify == "model" and draft.facts else draft

    def _verified(self, draft: EpisodeDraft, shown: Shown) -> EpisodeDraft:
        """Without the facts that the model, asked again, does not find in the turns."""
        statements = [fact.statement for fact in draft.facts]
        prompt = verify_prompt(shown.turns, self._longest_turn(), statements)
        try:
            found, answer = self._complete(prompt, verify_schema(len(statements)))
        except ModelOutputError:
            unchecked = "the second look at the facts gave no usable answer"
            return replace(draft, rejected=(*draft.rejected, unchecked), calls=2)
        given = found["borne_out"]
        borne_out = {each for each in given if type(each) is int} if isinstance(given, list) else ()
        refused = [
            f"the model does not find it in the turns: {short(fact.statement)}"
            for number, fact in enumerate(draft.facts, start=1)
            if number not in borne_out
        ]
        return replace(
            draft,
            facts=tuple(
                fact for number, fact in enumerate(draft.facts, start=1) if number in borne_out
            ),
            rejected=(*draft.rejected, *refused),
            tokens=draft.tokens + _tokens(answer),
            calls=2,
        )

    def _complete(
        self, prompt: Sequence[Message], schema: dict[str, Any]
    ) -> tuple[dict[str, Any], Completion]:
        return complete_json(
            self.model, prompt, schema=schema, max_tokens=self.answer_tokens, seconds=self.seconds
        )


def _tokens(answer: Completion) -> int:
    counts = (getattr(answer, name, 0) for name in ("prompt_tokens", "completion_tokens"))
    return sum(count for count in counts if type(count) is int and count > 0)
