"""Searches in facts, by what they say and how they are marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.records.knowledge import FactKind, Teller
from lightmem_integrations.safety import short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSearch:
    """Which facts to find: those that meet all that is given.

    Attributes:
        words: All of these occur in what the fact says, in upper or lower case.
        kind: Of this kind.
        told_by: Told by the user alone, the assistant alone, or both.
        pinned: Only those that are pinned.
        doubted: Only those that something speaks against.
        past: Only those that do not hold now: that are over, not yet true, or not believed.

    Raises:
        InvalidRequestError: ``words``, ``kind`` or ``told_by`` is none.
    """

    words: str = ""
    kind: FactKind | None = None
    told_by: Teller | None = None
    pinned: bool = False
    doubted: bool = False
    past: bool = False

    def __post_init__(self) -> None:
        """Refuse what would find nothing, whatever is stored."""
        if not isinstance(self.words, str):
            raise InvalidRequestError(f"words is {short_repr(self.words)}; pass a string.")
        for name, known in (("kind", get_args(FactKind)), ("told_by", get_args(Teller))):
            given = getattr(self, name)
            if given is not None and given not in known:
                raise InvalidRequestError(
                    f"{name} is {short_repr(given)}; it is one of {', '.join(known)}."
                )
