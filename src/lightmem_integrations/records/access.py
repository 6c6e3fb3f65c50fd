"""Records of access: which user may read a space, and which may also write there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from lightmem_integrations.display import Displayed, Grid, counted

SpacesRead = Collection[str] | Literal["all"]
"""Names of the spaces that a recall asks besides the user's own memory; or all that may be read."""


def spaces_read(spaces: SpacesRead, written: str | None) -> SpacesRead:
    """The spaces that are asked where one is written: what is said there is found there."""
    if isinstance(spaces, str):
        return spaces
    return list(dict.fromkeys([*([] if written is None else [written]), *spaces]))


def label_of(space: str | None) -> str:
    """What precedes what is shown of a space: ``[family] ``; nothing for the user's own."""
    return "" if space is None else f"[{' '.join(space.split())}] "


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One user's access to a space.

    Attributes:
        space: Name of the space.
        user_id: Who has it.
        write: Whether they may also add, correct and forget; all who have access read.
        granted_at: Since when.
    """

    space: str
    user_id: str
    write: bool
    granted_at: dt.datetime


class Grants(Displayed, tuple[Grant, ...]):
    """Grants, by space. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def grid(self) -> Grid:
        """A line for each grant."""
        return Grid(
            counted(len(self), "grant"),
            ("space", "user", "may", "since") if self else (),
            [
                (
                    grant.space,
                    grant.user_id,
                    "read and write" if grant.write else "read",
                    f"{grant.granted_at:%Y-%m-%d}",
                )
                for grant in self
            ],
        )
