"""The record of a run of consolidation."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lightmem_integrations.display import Displayed, Grid, counted

_SHOWN_PROBLEMS = 5  # a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationReport(Displayed):
    """Counts of what one run of consolidation did. Prints as a table with rich and in notebooks.

    Attributes:
        written: Episodes written.
        facts: New facts.
        merged: Facts that only brought new evidence for known ones.
        superseded: Facts whose place a newer one took.
        conflicts: Contradictions left open.
        dropped: Facts thrown away: without evidence, refused by a person, or rejected.
        compressed: Episodes reduced to their summary, for lack of room.
        evicted: Episodes dropped, for lack of room.
        failed: Sessions put back, or turns of them set aside, because something failed.
        set_aside: Turns set aside in this run: a writer answered nothing usable for them
            ``ConsolidationSettings.max_tries`` times. ``consolidate(retry_set_aside=True)`` tries
            them again; ``stats()`` says how many there are in all.
        busy: Users left to another worker that has them.
        waiting: Sessions left with turns that may still go on.
        shared: Statements that all users of the store may read from now on.
        tokens: Tokens that models read and wrote.
        seconds: How long it took.
        problems: Why something failed or was dropped, in words.
    """

    written: int = 0
    facts: int = 0
    merged: int = 0
    superseded: int = 0
    conflicts: int = 0
    dropped: int = 0
    compressed: int = 0
    evicted: int = 0
    failed: int = 0
    set_aside: int = 0
    busy: int = 0
    waiting: int = 0
    shared: int = 0
    tokens: int = 0
    seconds: float = 0.0
    problems: tuple[str, ...] = ()

    def __add__(self, other: ConsolidationReport) -> ConsolidationReport:
        """The counts of both runs, or parts of a run, together."""
        names = [figure.name for figure in fields(self)]
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return ConsolidationReport(**sums)

    def grid(self) -> Grid:
        """A line for each figure, those that are 0 left out but for the first two."""
        figures = [
            ("evidence merged into known facts", self.merged),
            ("facts superseded", self.superseded),
            ("conflicts left open", self.conflicts),
            ("facts dropped", self.dropped),
            ("episodes compressed", self.compressed),
            ("episodes evicted", self.evicted),
            ("failed, tried again later", self.failed),
            ("turns set aside until a retry", self.set_aside),
            ("users left to another worker", self.busy),
            ("sessions that may still go on", self.waiting),
            ("statements newly shared", self.shared),
            ("tokens", self.tokens),
        ]
        rows = [("episodes written", f"{self.written:,}"), ("new facts", f"{self.facts:,}")]
        rows += [(name, f"{count:,}") for name, count in figures if count]
        rows.append(("seconds", f"{self.seconds:.2f}"))
        problems = list(self.problems[:_SHOWN_PROBLEMS])
        if len(self.problems) > len(problems):
            problems.append(f"and {counted(len(self.problems) - len(problems), 'problem')} more")
        return Grid("Consolidated", (), rows, warnings=problems)
