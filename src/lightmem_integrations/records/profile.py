"""Record of a profile: what always stands in a prompt of what is known of a user."""

from __future__ import annotations

from dataclasses import dataclass, field

from lightmem_integrations.display import Displayed, Grid, counted
from lightmem_integrations.records.knowledge import FactKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLine:
    """One line of a profile, with what proves it.

    Attributes:
        text: As it stands in the profile, without the dash before it.
        kind: What kind of statement it is.
        fact_id: The fact that it states; ``None`` where the user's own words stand.
        session_id: The session of the first turn that proves it.
        turn_ids: The ids of the turns that prove it.
    """

    text: str
    kind: FactKind
    fact_id: str | None
    session_id: str
    turn_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Displayed):
    """A user's standing instructions, preferences and circumstances: current ones only.

    Prints as a table with rich and in notebooks.

    Attributes:
        text: What is put before a conversation, fenced. Byte by byte the same until a fact or an
            instruction changes, so that a provider's prompt cache keeps it; empty if nothing is
            known.
        ahead: What lies ahead as of now, fenced and apart, as it changes from day to day.
        lines: What stands in both, in their order, each with what proves it.
        tokens: Size of both.
    """

    text: str = field(repr=False)
    ahead: str = field(repr=False)
    lines: tuple[ProfileLine, ...]
    tokens: int

    def grid(self) -> Grid:
        """A line for each of the profile's."""
        rows = [
            (each.kind, each.session_id, (each.fact_id or "as said")[:8], each.text)
            for each in self.lines
        ]
        return Grid(
            f"Profile: {counted(len(rows), 'line')}, {counted(self.tokens, 'token')}",
            ("kind", "session", "fact", "text") if rows else (),
            rows,
            () if rows else ("Nothing that a profile holds was said yet.",),
        )
