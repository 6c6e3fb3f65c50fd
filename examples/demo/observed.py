"""A store that keeps what the frameworks asked of it, so that the demo can show it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from lightmem_integrations import LightMem
from lightmem_integrations.aio import awaitable
from lightmem_integrations.records.conversation import Recall, Turn


class ObservedMemory(LightMem):
    """A ``LightMem`` that keeps every recall with the user it was made for.

    Attributes:
        recalls: Pairs of user id and recall, in the order in which they were made.
        questions_only: Set once the conversations are told. What agents add from then on, which
            are the demo's own questions and answers, is stored but not searched: every question
            meets the same memory, whoever asked it before.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.recalls: list[tuple[str, Recall]] = []
        self.questions_only = False

    def add(self, turns: Turn | Iterable[Turn], *, user_id: str, **named: Any) -> tuple[Turn, ...]:
        """Add turns, as any store does; not searchable if ``questions_only``."""
        batch = [turns] if isinstance(turns, Turn) else list(turns)
        if self.questions_only:
            batch = [dataclasses.replace(each, searchable=False) for each in batch]
        return super().add(batch, user_id=user_id, **named)

    def recall(self, query: str, *, user_id: str, **named: Any) -> Recall:
        """Recall, as any store does, and keep what came back."""
        found = super().recall(query, user_id=user_id, **named)
        self.recalls.append((user_id, found))
        return found

    # The base class types its twins by the full signatures, which ``named`` stands for here.
    aadd = awaitable(add)  # type: ignore[arg-type]
    arecall = awaitable(recall)  # type: ignore[arg-type]
