"""Cost of a run of consolidation: what models took, what is left, and when a limit ends it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from lightmem_integrations.consolidation.write.model_writer import LONGEST_TURN, ModelWriter
from lightmem_integrations.knowledge.drafts import Writer, WriterTurn
from lightmem_integrations.models.protocols import Completion, LanguageModel, Message
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.records.report import ConsolidationReport, Progress

# What a writer with a model takes for a turn, its share of instructions and answer included, and
# for its characters. Fits the prompts that `benchmarks/thinning.py` counts (LoCoMo 77, RealMem 319,
# BEAM 471 tokens a turn), with answers as long as a careful reader's, 45.
_TOKENS_OF_A_TURN = 75
_CHARACTERS_OF_A_TOKEN = 3
EXPECTED = f"{_TOKENS_OF_A_TURN} a turn, and one for {_CHARACTERS_OF_A_TOKEN} of its characters"
"""Where `tokens_expected` comes from, in words."""


def tokens_expected(turns: int, characters: int) -> int:
    """What a writer with a model is expected to take for so many turns."""
    return _TOKENS_OF_A_TURN * turns + characters // _CHARACTERS_OF_A_TOKEN


class Cost:
    """What one run took, what it still has to read, and whether the next episode may be begun.

    Args:
        max_calls: Calls of models in the run, at most.
        max_tokens: Tokens that models read and write in it, at most.
    """

    def __init__(self, max_calls: int | None = None, max_tokens: int | None = None) -> None:
        self.calls = self.tokens = 0
        self.stopped = ""
        self._limits = {"max_calls": max_calls, "max_tokens": max_tokens}
        self._metered = False
        self._started = time.perf_counter()
        self._waiting = self._read = self._episodes = 0

    def metered(self, writer: Writer) -> Writer:
        """The writer, with a model whose every call counts, also those in vain."""
        if not isinstance(writer, ModelWriter):
            return writer  # one's own: its drafts say what they took
        self._metered = True
        return dataclasses.replace(writer, model=_MeteredModel(writer.model, self))

    def expect(self, turns: int, characters: int) -> None:
        """Turns wait that this run may read."""
        self._waiting += tokens_expected(turns, characters)

    def note(self, turns: Sequence[WriterTurn], done: ConsolidationReport) -> None:
        """An episode of these turns was tried, and this was done."""
        self._read += _expected(turns)
        self._episodes += 1
        if not self._metered:
            self.tokens += done.tokens
            self.calls += done.calls

    def allows(self, turns: Sequence[WriterTurn]) -> bool:
        """True if no limit is exceeded by an episode of these turns, as far as one can tell."""
        calls = math.ceil(self.calls / self._episodes) if self._episodes else int(self._metered)
        needed = {"max_calls": calls, "max_tokens": round(self._rate() * _expected(turns))}
        spent = {"max_calls": self.calls, "max_tokens": self.tokens}
        for name, limit in self._limits.items():
            if limit is not None and needed[name] > 0 and spent[name] + needed[name] > limit:
                self.stopped = (
                    f"{name}={limit:,}: {spent[name]:,} are spent, and the next episode would take "
                    f"about {needed[name]:,}. The next run goes on there."
                )
        return not self.stopped

    def progress(self, done: int, total: int, report: ConsolidationReport) -> Progress:
        """How far the run is."""
        seconds = time.perf_counter() - self._started
        left = max(self._waiting - self._read, 0) if done < total else 0
        return Progress(
            done=done, total=total, written=report.written, calls=self.calls, tokens=self.tokens,
            seconds=seconds, tokens_left=round(self._rate() * left),
            seconds_left=seconds / self._read * left if self._read else None,
        )  # fmt: skip

    def of(
        self, report: ConsolidationReport, waiting: Callable[[], tuple[int, int]], *, early: bool
    ) -> ConsolidationReport:
        """The report of the whole run, with what waits, in turns and characters, if it ended early.

        A limit ends it early, or what ``early`` says.
        """
        turns, characters = waiting() if self.stopped or early else (0, 0)
        return dataclasses.replace(
            report, calls=self.calls, tokens=self.tokens, stopped=self.stopped, turns_left=turns,
            tokens_left=round(self._rate() * tokens_expected(turns, characters)),
            seconds=time.perf_counter() - self._started,
        )  # fmt: skip

    def _rate(self) -> float:
        """Tokens taken for each that was expected."""
        if self._read:
            return self.tokens / self._read
        return float(self._metered)


def _expected(turns: Sequence[WriterTurn]) -> int:
    return tokens_expected(len(turns), sum(min(len(turn.text), LONGEST_TURN) for turn in turns))


class _MeteredModel:
    """A language model whose calls and tokens are counted."""

    def __init__(self, model: LanguageModel, cost: Cost) -> None:
        self._model = model
        self._cost = cost

    @property
    def name(self) -> str:
        return self._model.name

    def complete(self, messages: Sequence[Message], **options: Any) -> Completion:
        self._cost.calls += 1
        answer = self._model.complete(messages, **options)
        prompt = "\n".join(message["content"] for message in messages)
        self._cost.tokens += _tokens(answer, "prompt_tokens", prompt)
        self._cost.tokens += _tokens(answer, "completion_tokens", getattr(answer, "text", ""))
        return answer


def _tokens(answer: Completion, name: str, text: object) -> int:
    """What a runner says that a text was in tokens; counted where it does not say."""
    said = getattr(answer, name, 0)
    if type(said) is int and said > 0:
        return said
    return shipped_token_counter()(text) if isinstance(text, str) else 0
