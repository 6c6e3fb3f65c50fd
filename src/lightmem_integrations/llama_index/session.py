"""The conversation of one user and one session, as this adapter reads and writes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, TypedDict

from llama_index.core.base.llms.types import ChatMessage

from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.llama_index.failures import Failures
from lightmem_integrations.llama_index.messages import (
    fingerprint,
    replaced,
    to_message,
    to_turn,
)
from lightmem_integrations.records.access import SpacesRead
from lightmem_integrations.records.conversation import Branch, Turn
from lightmem_integrations.records.storable import labelled
from lightmem_integrations.text.timezone import moment_in

BRANCH = Branch(history="llama_index", turn_ids=None)
"""The history of LlamaIndex, also for turns that wait for a store or an answer."""

_NO_LIMIT = 2**53  # tokens: more than there ever are


class _Scope(TypedDict):
    user_id: str
    session_id: str
    space: str | None


def stored_of(memory: LightMem, user_id: str, spaces: SpacesRead) -> tuple[object, ...]:
    """What changes when something is added or forgotten, or a grant is given or revoked.

    Raises:
        AccessError: The user may not read one of the spaces.
    """
    names = memory.spaces.readable(spaces, user_id) if spaces else ()
    counts = (memory.stats(user_id=user_id, space=each).turns for each in (None, *names))
    return names, *counts


class ChatSession:
    """Reads and writes the turns of one session, and goes on when the store fails.

    Attributes:
        moment: Changes whenever the user speaks or the conversation is replaced. What was
            recalled for one moment serves all rounds of an agent in it.
        left: Ids of the turns that this conversation began anew without.
        failures: What happens when the store fails.
    """

    def __init__(
        self,
        memory: LightMem,
        user_id: str,
        session_id: str,
        failures: Failures,
        *,
        recall_answers: bool = True,
        timezone: str | None = None,
        space: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._memory = memory
        self._metadata = metadata or {}
        self._recall_answers = recall_answers
        self._timezone = timezone or memory.settings.timezone
        self._scope: _Scope = {"user_id": user_id, "session_id": session_id, "space": space}
        self.failures = failures
        self.left: set[str] = set()
        self._written = 0
        # What the store could not take yet: turns, and the beginning of a new window.
        self._unsaved: list[Turn] = []
        self._unsaved_clear = False
        self._asked: tuple[str, dt.datetime | None] = ("", None)
        # The turns put since the user last spoke, for when the store cannot be read.
        self._exchange: list[Turn] = []
        self._total: int | None = None
        self._read: tuple[tuple[object, ...], Sequence[Turn]] | None = None
        self.moment = 0

    def turns(
        self, max_tokens: int = _NO_LIMIT, measure: Callable[[Turn], int] = lambda _: 0
    ) -> list[Turn]:
        """The last whole exchanges that fit, oldest first; the last one in any case."""
        if self._unsaved_clear:
            return list(self._unsaved)
        stored = self.failures.guarded(
            lambda: self._memory.short_term(
                **self._scope, max_tokens=max(1, max_tokens), measure=measure
            ),
            None,
            "Short-term memory cannot be read; only this exchange is known.",
        )
        self._read = None if stored is None else (self._state(max_tokens), stored)
        return list(self._exchange) if stored is None else [*stored, *self._unsaved]

    def window(self, max_tokens: int, measure: Callable[[Turn], int]) -> list[Turn]:
        """The same as ``turns``, not read anew if nothing happened; call ``look`` before.

        An agent asks again in every round, and a long session takes long to read.
        """
        state = self._state(max_tokens)
        if self._total is None or self._read is None or self._read[0] != state:
            return self.turns(max_tokens, measure)
        return [*self._read[1], *self._unsaved]

    def look(self) -> None:
        """See how much is stored for this user now, or in the space."""
        whose = {"user_id": self._scope["user_id"], "space": self._scope["space"]}
        self._total = self.failures.guarded(
            lambda: self._memory.stats(**whose).turns, None, "The store cannot be read."
        )

    @property
    def stored_otherwise(self) -> int:
        """The turns that this user had at the last look, without those put by this object.

        It grows when others add; it shrinks only when something was forgotten.
        """
        return (self._total or 0) - self._written

    def _state(self, max_tokens: int) -> tuple[object, ...]:
        # What this object does is counted apart: to forget one turn and to put another one would
        # else look as if nothing had happened.
        return self.moment, self._written, self._total, max_tokens

    def said_again(self, turns: Sequence[Turn]) -> set[str]:
        """Ids of all turns of this session that say the same as one of these."""
        shown = {(turn.role, turn.text) for turn in turns}
        return {turn.id for turn in self._history() if turn.id and (turn.role, turn.text) in shown}

    def add(self, messages: Sequence[ChatMessage]) -> None:
        """Store messages in one transaction."""
        self.put(self._made(messages))

    def _made(self, messages: Sequence[ChatMessage]) -> list[Turn]:
        settings, recalled, zone = self._memory.settings, self._recall_answers, self._timezone
        turns = [
            to_turn(
                message, settings, time=self._said(message), recall_answers=recalled, timezone=zone
            )
            for message in messages
        ]
        return [labelled(turn, self._metadata, settings) for turn in turns]

    def ask(self, question: str) -> None:
        """Keep in mind when a question came that is put only once it is answered."""
        self._asked = (question.strip(), moment_in(self._timezone))

    def _said(self, message: ChatMessage) -> dt.datetime | None:
        asked, since = self._asked
        if not asked or asked != (message.content or "").strip():
            return None
        self._asked = ("", None)
        return since

    def put(self, turns: Sequence[Turn]) -> None:
        """Store turns in one transaction, after what could not be stored before."""
        if not turns:
            return
        waiting = [*self._unsaved, *turns]
        if self.failures.guarded(
            lambda: self._store(waiting),
            otherwise=False,
            consequence="Messages could not be stored; they are tried again with the next one.",
        ):
            waiting = []
        self._unsaved = waiting
        for turn in turns:
            if turn.role == "user":
                self.moment += 1
                self._exchange = []
            self._exchange.append(turn)

    def replace(self, messages: Sequence[ChatMessage]) -> None:
        """Make these messages the short-term window; only unseen ones become searchable.

        Those that go on from the middle of the conversation supersede what came after it.
        """
        self.moment += 1
        wanted = [fingerprint(message) for message in messages]
        before = self.turns()
        present = [fingerprint(to_message(turn)) for turn in before]
        if present and wanted[: len(present)] == present:
            self.add(messages[len(present) :])
            return
        gone = {(before[place].role, before[place].text) for place in replaced(present, wanted)}
        turns = self._made(messages)
        self._supersede(gone - {(turn.role, turn.text) for turn in turns})
        standing = [turn for turn in self._history() if not turn.superseded]
        seen = {(turn.role, turn.text): turn.time for turn in standing}
        for place, turn in enumerate(turns):
            words = turn.role, turn.text
            if words in seen:  # its time, so that forgetting a span of time takes both
                turns[place] = replace(turn, time=seen[words], searchable=False)
        self.clear()
        self.put(turns)

    def begin_anew(self) -> None:
        """Clear the window; what it held does not come back to this conversation by recall."""
        self.left |= {turn.id for turn in self.turns() if turn.id}
        self.clear()

    def clear(self) -> None:
        """Let the short-term window start anew."""
        self.moment += 1
        self._exchange = []
        self._unsaved = []
        self._unsaved_clear = True
        self.failures.guarded(
            lambda: self._store([]),
            otherwise=False,
            consequence="The store could not begin the conversation anew; this is tried again.",
        )

    def _store(self, turns: Sequence[Turn]) -> bool:
        if self._unsaved_clear:
            self._memory.clear_short_term(**self._scope)
            self._unsaved_clear = False
        self._written += len(self._memory.add(turns, branch=BRANCH, **self._scope))
        return True

    def _supersede(self, gone: Set[tuple[str, str]]) -> None:
        """Let the turns that say this be superseded: it was edited or dropped."""
        ids = {turn.id for turn in self._history() if turn.id and (turn.role, turn.text) in gone}
        if ids:
            branch = replace(BRANCH, replaced=ids)
            self.failures.guarded(
                lambda: self._memory.follow(branch, **self._scope),
                None,
                "What was replaced in the conversation may still be recalled.",
            )

    def _history(self) -> Sequence[Turn]:
        return self.failures.guarded(
            lambda: self._memory.history(**self._scope), (), "The history cannot be read."
        )
