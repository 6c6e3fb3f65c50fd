"""The context that each row gives for a question, at equal tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from lightmem_integrations.evaluation.conversations import Conversation, Question
from lightmem_integrations.evaluation.metrics import distinct
from lightmem_integrations.evaluation.peers import PEERS, Baseline
from lightmem_integrations.evaluation.run import Tell
from lightmem_integrations.evaluation.shown import TOP, Shown, as_many, filled, rendered
from lightmem_integrations.evaluation.stages import OWN, STAGES, OwnMemory, Retriever
from lightmem_integrations.models.protocols import LanguageModel
from lightmem_integrations.models.token_counter import shipped_token_counter
from lightmem_integrations.records.conversation import Turn

FULL = "full-context"
WRITTEN = f"{OWN}:written"
ROWS = (OWN, *PEERS, FULL)
"""Rows by default, with a writer also `WRITTEN`; those of ``stages.STAGES`` can be asked for."""

Contexts = Callable[[Conversation, Question], Shown]
"""Gives the context for one question about one conversation."""


@contextmanager
def open_row(
    name: str,
    folder: Path,
    conversations: Sequence[Conversation],
    max_tokens: int,
    writer: LanguageModel | None,
    tell: Tell,
) -> Iterator[tuple[str, Contexts]]:
    """What is measured, in a sentence, and what gives its contexts."""
    k = as_many(max_tokens)
    if name == FULL:
        yield f"The latest turns that {max_tokens} tokens hold.", partial(_latest, max_tokens)
    elif name in PEERS:
        with closing(PEERS[name](folder)) as peer:
            _fill(name, peer, conversations, tell)
            yield peer.about, partial(_first, peer, k, max_tokens)
    else:
        with closing(_own(name, folder, writer, tell)) as memory:
            # A recall fills its text by itself: what is measured is what a user gets.
            own = TOP if isinstance(memory, OwnMemory) else k
            yield (
                memory.about,
                lambda conversation, question: memory.packed(
                    conversation.user_id,
                    question.text,
                    k=own,
                    max_tokens=max_tokens,
                    until=question.until,
                ),
            )


def _own(name: str, folder: Path, writer: LanguageModel | None, tell: Tell) -> Retriever:
    if writer is None or name in STAGES:
        return STAGES[name](folder)
    return OwnMemory(
        folder,
        about=f"A recall with default settings after consolidate() by {writer.name}.",
        consolidated=True,
        on_progress=lambda now: tell(f"{name}: consolidating", now.done, now.total),
        writer=writer,
    )


def _fill(name: str, peer: Baseline, conversations: Sequence[Conversation], tell: Tell) -> None:
    total = sum(len(each.turns) for each in conversations)
    done = 0
    for conversation in conversations:
        for session in conversation.sessions:
            for turn in session.turns:
                peer.add(conversation.user_id, session.session_id, turn)
                done += 1
                tell(f"{name}: adding turns", done, total)
    peer.finish()


def _first(
    peer: Baseline, k: int, max_tokens: int, conversation: Conversation, question: Question
) -> Shown:
    """The first turns of a baseline's ranking, which knows no time: later ones are taken out."""
    earlier = {turn.id: turn for turn in _earlier(conversation, question)}
    depth = k if question.until is None else len(conversation.turns)
    found = distinct(peer.rank(conversation.user_id, question.text, depth))
    ranked = [earlier[each] for each in found if each in earlier]
    return filled(ranked[:k], max_tokens, shipped_token_counter(), rendered)


def _latest(max_tokens: int, conversation: Conversation, question: Question) -> Shown:
    """The latest turns, oldest first, as many as there is room for."""
    turns = _earlier(conversation, question)
    kept = filled(turns[::-1], max_tokens, shipped_token_counter(), rendered).turn_ids
    ordered = [turn for turn in turns if turn.id in kept]
    return filled(ordered, max_tokens, shipped_token_counter(), rendered)


def _earlier(conversation: Conversation, question: Question) -> list[Turn]:
    until = question.until
    turns = conversation.turns
    return [
        turn for turn in turns if until is None or (turn.time is not None and turn.time < until)
    ]
