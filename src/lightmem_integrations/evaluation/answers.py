"""Every question answered by one model from the context of each row, at equal tokens."""

from __future__ import annotations

import random
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

_SYSTEM = "You answer a question about past conversations from what is remembered of them."
_SHORTLY = (
    "Answer with a short phrase of a few words and no sentence, in exact words of the memory where "
    "you can. Where it asks when, give the date, worked out from that at the line's beginning."
)
_BY_LETTER = "Answer with the letter of the right one only."


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question with its options."""

    conversation: Conversation
    question: Question
    options: tuple[str, ...]


def evaluate_answers(
    data: Path,
    model: LanguageModel | None,
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
    Stopped by Ctrl-C, it returns what was answered until then.

    Args:
        data: A file that ``conversations.read`` understands.
        model: What answers; ``None`` to score the rubrics alone, which need none.
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
    default = (OWN, WRITTEN, *ROWS[1:]) if writer else ROWS
    wanted = chosen(names or default, distinct((*default, *STAGES)))
    room = int((window - _AROUND) * _FEWEST)
    if not 0 < max_tokens <= room:
        raise InvalidRequestError(
            f"max_tokens is {max_tokens}; in a window of {window} tokens there is room for 1 to "
            f"{room} beside question and answer. Lower it, or give a model with a larger window."
        )
    whole = tuple(_scorable(each, answers=model is not None) for each in read(data))
    if not count_questions(whole):
        raise InvalidRequestError(
            f"{data} has no question to score: a model is compared with its 'answer', a context "
            "with its 'rubric'. Add one of them to the questions, or pass a model."
        )
    drawn = whole if sample is None else spread(whole, sample, seed)
    asked = [
        _Asked(full, question, options(question, full, seed))
        for full, each in zip(whole, drawn, strict=True)
        for question in each.questions
    ]
    # In an order by chance, so that what was answered until it is stopped is a sample as well.
    random.Random(seed).shuffle(asked)  # noqa: S311
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
    answered: list[Sequence[Answer]] = []
    try:
        for place, each in enumerate(asked):
            answered.append(
                [
                    _answered(
                        model,
                        name,
                        each,
                        *contexts[name][place],
                        strict=name == wanted[0] and not answered,
                    )
                    for name in wanted
                ]
            )
            on_progress("asking the model", len(answered), len(asked))
    except KeyboardInterrupt:
        if not answered:
            raise
    total = count_questions(whole)
    rows = dict(zip(wanted, zip(*answered, strict=True), strict=True))
    return AnswerEvaluation(
        data=data.name,
        model=model.name if model else "",
        max_tokens=max_tokens,
        conversations=len(whole),
        turns=turns,
        questions=len(answered),
        sampled_from=None if len(answered) == total else total,
        seed=seed,
        rows=tuple(
            answer_row(abouts[name], answers, None if name == OWN else rows.get(OWN))
            for name, answers in rows.items()
        ),
        answers=tuple(answer for of_question in answered for answer in of_question),
    )


def _scorable(conversation: Conversation, *, answers: bool) -> Conversation:
    """The conversation with the questions that can be scored, by their answers or by rubrics."""
    questions = conversation.questions
    if not answers:
        questions = tuple(replace(each, answer="") for each in questions)
    return replace(conversation, questions=tuple(q for q in questions if q.answer or q.rubric))


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
    model: LanguageModel | None,
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
    if model is None or not question.answer:
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
