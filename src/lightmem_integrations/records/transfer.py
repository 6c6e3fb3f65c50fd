"""Reports of what went out of a store, came in, or was copied."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields

from lightmem_integrations.display import Displayed, Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Displayed):
    """Counts of what an export holds, or of what an import wrote. Prints as a table.

    Attributes:
        users: Users.
        spaces: Memories that several users share.
        sessions: Their sessions.
        turns: What was said.
        episodes: Episodes made of it.
        facts: Facts, those of the past included.
        documents: Documents of LangGraph's store.
        unchanged: Users and spaces that were there already, with the same memory.
    """

    users: int = 0
    spaces: int = 0
    sessions: int = 0
    turns: int = 0
    episodes: int = 0
    facts: int = 0
    documents: int = 0
    unchanged: int = 0

    def grid(self) -> Grid:
        """The counts, one a line; those that are 0 left out but for turns."""
        counts = {each.name: getattr(self, each.name) for each in fields(self)}
        counts["there already, unchanged"] = counts.pop("unchanged")
        rows = [(name, f"{n:,}") for name, n in counts.items() if n or name == "turns"]
        return Grid("Transfer", (), rows)


_CHECKSUM_SHOWN = 12  # digits of a checksum in a table: enough to see that two differ


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table of a store and of its copy.

    Attributes:
        name: Of the table.
        rows: How many the source has.
        checksum: Of all of them, in whatever order they come.
        copied_rows: How many the copy has.
        copied_checksum: Of those.
    """

    name: str
    rows: int
    checksum: str
    copied_rows: int
    copied_checksum: str

    @property
    def same(self) -> bool:
        """Whether both hold the same."""
        return (self.rows, self.checksum) == (self.copied_rows, self.copied_checksum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied(Displayed):
    """What a store and its copy hold, table by table. Prints as a table.

    Attributes:
        tables: All tables.
        last_turn: When the turn came in that was stored last in the source; ``None`` without turns.
    """

    tables: tuple[CopiedTable, ...]
    last_turn: dt.datetime | None

    def grid(self) -> Grid:
        """A table a line; those without rows left out."""
        rows = [
            (
                each.name, f"{each.rows:,}", f"{each.copied_rows:,}",
                each.checksum[:_CHECKSUM_SHOWN], each.copied_checksum[:_CHECKSUM_SHOWN],
                "" if each.same else "differs",
            )
            for each in self.tables
            if each.rows or each.copied_rows
        ]  # fmt: skip
        last = "none" if self.last_turn is None else f"{self.last_turn:%Y-%m-%d %H:%M:%S} UTC"
        columns = ("table", "rows", "copied", "checksum", "of the copy", "but")
        return Grid("Copy", columns, rows, [f"Last turn stored in the source: {last}."])
