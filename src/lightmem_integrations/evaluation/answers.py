"""Every question answered by one model from the context of each row, at equal tokens."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lightmem_integrations.errors import InvalidRequestError, ModelError
from lightmem_integrations.evaluation.answer_results import Answer, AnswerEvaluation, answer_row
from lightmem_integrations.evaluation.answer_scores import (
    LETTERS,
    chosen_option,
    nuggets_held,
    options,
    token_f1,
)
from lightmem_integrations.evaluation.contexts import FULL, ROWS, WRITTEN, Contexts, open_row
from lightmem_integrations.evaluation.conversations import Conversation, Question, read
from lightmem_integrations.evaluation.filled_store import fill
from lightmem_integrations.evaluation.metrics import distinct
from lightmem_integrations.evaluation.run import WARM_UP, Tell, chosen, count_questions, spread
from lightmem_integrations.evaluation.shown import BUDGET, Shown
from lightmem_integrations.evaluation.stages import OWN, STAGES
from lightmem_integrations.models.protocols import Completion, LanguageModel

WINDOW = 4_096
"""Tokens that the model reads at most: as many as a ``.gguf`` file is loaded for by default."""

_FEWEST = 0.87  # of a model's own tokens that are counted at least; see models/token_counter.py
_AROUND = 800  # tokens of instructions, question, options and answer; a guess
_ANSWER_TOKENS = 64  # a guess: LoCoMo's longest right answer has half as many
_LETTER_TOKENS = 8  # a guess: "The answer is B)."

_SYSTEM = (
    "You answer a question about past conversations from what is remembered of them. Where it asks "
    "when, give the date: work out words such as 'yesterday' from the date at the line's beginning."
)
_SHORTLY = "Answer with a short phrase, in words of the conversations where you can."
_BY_LETTER = "Answer with the letter of the right one only."


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question with its options."""

    conversation: Conversation
    question: Question
    options: tuple[str, ...]


def evaluate_answers(
    data: Path,
    model: LanguageModel,
    names: Sequence[str] | None = None,
    *,
    writer: LanguageModel | None = None,
    max_tokens: int = BUDGET,
    window: int = WINDOW,
    sample: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
    on_progress: Tell = lambda *_: None,
) -> AnswerEvaluation:
    """Let one model answer the same questions from the context of each row.

    All contexts are made first, one row after the other, after a question for each user that is not
    timed; then the model is asked, up to twice a question: for a short phrase, and for the letter
    of one of four options. A question at which it fails scores 0, unless it is the very first.

    Args:
        data: A file that ``conversations.read`` understands.
        model: What answers.
        names: Of ``contexts.ROWS``, ``stages.STAGES`` and, with a writer, ``contexts.WRITTEN``;
            ``None`` for the first and the last.
        writer: Consolidates a copy of the store first, for the row ``contexts.WRITTEN``.
        max_tokens: Budget of a context, for every row but ``contexts.FULL``.
        window: Tokens that the model reads at most; ``contexts.FULL`` fills it with the last turns.
        sample: Ask only so many questions, spread over categories and conversations.
        seed: Which questions and which wrong options are drawn.
        keep: Folder in which the store stays, to be taken again in a later run.
        on_progress: Called as ``run.evaluate`` does, and after every answer.

    Raises:
        InvalidRequestError: The file cannot be used or has nothing to score by, a name is unknown,
            or a number is out of range.
        MissingExtraError: A row's package is not installed.
        ModelError: The model does not answer the first question.
    """
    rows = (OWN, WRITTEN, *ROWS[1:]) if writer else ROWS
    wanted = chosen(names or rows, distinct((*rows, *STAGES)))
    room = int((window - _AROUND) * _FEWEST)
    if not 0 < max_tokens <= room:
        raise InvalidRequestError(
            f"max_tokens is {max_tokens}; in a window of {window} tokens there is room for 1 to "
            f"{room} beside question and answer. Lower it, or give a model with a larger window."
        )
    whole = tuple(map(_scorable, read(data)))
    if not count_questions(whole):
        raise InvalidRequestError(
            f"{data} has no question with an answer or a rubric to score by. Give each an 'answer'."
        )
    drawn = whole if sample is None else spread(whole, sample, seed)
    asked = [
        _Asked(full, question, options(question, full, seed) if question.answer else ())
        for full, each in zip(whole, drawn, strict=True)
        for question in each.questions
    ]
    turns = sum(len(each.turns) for each in whole)
    abouts: dict[str, str] = {}
    contexts: dict[str, list[tuple[Shown, float]]] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        fill(
            Path(folder),
            whole,
            keep=keep,
            on_progress=lambda done: on_progress("storing turns", done, turns),
        )
        for name in wanted:
            budget = room if name == FULL else max_tokens
            with open_row(name, Path(folder), whole, budget, writer, on_progress) as opened:
                abouts[name], context = opened
                contexts[name] = _timed(name, context, whole, asked, on_progress)
    answers: dict[str, list[Answer]] = {name: [] for name in wanted}
    for place, each in enumerate(asked):
        for name in wanted:
            shown, milliseconds = contexts[name][place]
            first = not any(answers.values())
            answers[name].append(_answered(model, name, each, shown, milliseconds, strict=first))
            on_progress(
                "asking the model", sum(map(len, answers.values())), len(asked) * len(wanted)
            )
    return AnswerEvaluation(
        data=data.name,
        model=model.name,
        max_tokens=max_tokens,
        conversations=len(whole),
        turns=turns,
        questions=len(asked),
        sampled_from=None if sample is None else count_questions(whole),
        seed=seed,
        rows=tuple(
            answer_row(abouts[name], answers[name], None if name == OWN else answers.get(OWN))
            for name in wanted
        ),
        answers=tuple(
            answer for of_row in zip(*answers.values(), strict=True) for answer in of_row
        ),
    )


def _scorable(conversation: Conversation) -> Conversation:
    questions = tuple(each for each in conversation.questions if each.answer or each.rubric)
    return replace(conversation, questions=questions)


def _timed(
    name: str,
    context: Contexts,
    conversations: Sequence[Conversation],
    asked: Sequence[_Asked],
    tell: Tell,
) -> list[tuple[Shown, float]]:
    """The context of each question, and its milliseconds."""
    for conversation in conversations:
        context(conversation, Question(WARM_UP, "", frozenset(), ""))
    found = []
    for each in asked:
        start = time.perf_counter()
        shown = context(each.conversation, each.question)
        found.append((shown, (time.perf_counter() - start) * 1_000))
        tell(f"{name}: asking", len(found), len(asked))
    return found


def _answered(
    model: LanguageModel,
    name: str,
    asked: _Asked,
    shown: Shown,
    milliseconds: float,
    *,
    strict: bool,
) -> Answer:
    """The answer with its scores; with ``strict`` a failing model's error is raised."""
    question = asked.question
    answer = Answer(
        contender=name,
        conversation=asked.conversation.user_id,
        category=question.category,
        question=question.text,
        right=question.answer,
        text="",
        tokens=shown.tokens,
        milliseconds=milliseconds,
        f1=0.0 if question.answer else None,
        choice=0.0 if asked.options else None,
        nuggets=nuggets_held(question.rubric, shown.text) if question.rubric else None,
        read=0,
        calls=0,
        failed="",
    )
    if not question.answer:
        return answer
    # Both prompts begin alike, so that a runner need not read the context twice.
    prompt = f"{shown.text}\n\nQuestion: {question.text}\n"
    try:
        said = _complete(model, f"{prompt}{_SHORTLY}", _ANSWER_TOKENS)
        text = said.text.strip()
        f1 = token_f1(text, question.answer, question.category)
        answer = replace(answer, text=text, f1=f1, read=said.prompt_tokens, calls=1)
        if asked.options:
            listed = "".join(
                f"{each}) {it}\n" for each, it in zip(LETTERS, asked.options, strict=True)
            )
            letter = _complete(model, f"{prompt}{listed}{_BY_LETTER}", _LETTER_TOKENS)
            right = chosen_option(letter.text, asked.options) == question.answer
            answer = replace(answer, choice=float(right), calls=2)
    except ModelError as error:
        if strict:
            raise
        return replace(answer, failed=str(error))
    return answer


def _complete(model: LanguageModel, prompt: str, max_tokens: int) -> Completion:
    return model.complete(
        [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": prompt}],
        max_tokens=max_tokens,
    )
