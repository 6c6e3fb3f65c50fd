"""Reports: what was erased, what a store holds, what a run of consolidation did."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, fields

from lightmem_integrations.display import Displayed, Grid, counted, sized

_SHOWN_PROBLEMS = 5  # a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Displayed):
    """Counts of all that ``forget`` erased. Prints as a table with rich and in notebooks.

    Attributes:
        turns: Turns erased from the ledger.
        sessions: Sessions that are gone altogether.
        vectors: Vectors erased from the index.
        purged: Whether the files of index and ledger hold no byte of anything erased.
        episodes: Episodes erased; what else they held is consolidated anew.
        facts: Facts erased.
        remains: Where bytes of it may still lie, in words; empty where it was purged. In a database
            that is more than this library reaches, such as the server's log. Backups are not known.
    """

    turns: int
    sessions: int
    vectors: int
    purged: bool
    episodes: int = 0
    facts: int = 0
    remains: tuple[str, ...] = ()

    def __add__(self, other: Receipt) -> Receipt:
        """The counts of both, and whether both were purged."""
        apart = {"purged", "remains"}
        names = [figure.name for figure in fields(self) if figure.name not in apart]
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        remains = tuple(dict.fromkeys(self.remains + other.remains))
        return Receipt(**sums, purged=self.purged and other.purged, remains=remains)

    def records(self) -> int:
        """How many turns, episodes and facts were erased."""
        return self.turns + self.episodes + self.facts

    def grid(self) -> Grid:
        """Counts of what was erased, one a line."""
        rows = [
            ("turns", f"{self.turns:,}"),
            ("sessions gone", f"{self.sessions:,}"),
            ("episodes", f"{self.episodes:,}"),
            ("facts", f"{self.facts:,}"),
            ("vectors", f"{self.vectors:,}"),
            ("index files rewritten", "yes" if self.purged else "no"),
        ]
        warnings = [f"may still lie in {place}" for place in self.remains]
        return Grid("Erased", (), rows, warnings=warnings)


@dataclass(frozen=True, slots=True)
class Imported(Displayed):
    """Counts of an import. Prints as a table with rich and in notebooks.

    Attributes:
        turns: Turns that are now in the memory, those that were there before included.
        skipped: Messages or memories that were left out: without content, or of another branch.
        sessions: Sessions in which they stand.
    """

    turns: int = 0
    skipped: int = 0
    sessions: int = 0

    def grid(self) -> Grid:
        """Counts of what was imported, one a line, and of what was left out if anything was."""
        rows = [
            ("turns now in memory", f"{self.turns:,}"),
            ("in sessions", f"{self.sessions:,}"),
        ]
        rows += [("left out", f"{self.skipped:,}")] if self.skipped else []
        return Grid("Imported", (), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(Displayed):
    """Size and state of a store. Prints as a table with rich and in notebooks.

    Attributes:
        users: Number of users (1 when asked for one user).
        sessions: Number of sessions.
        turns: Number of turns.
        searchable: Turns that recall may find.
        pending: Searchable turns without a vector yet (found lexically).
        episodes: Episodes that consolidation made of the turns, without those dropped.
        facts: Facts that stand: neither retracted nor superseded.
        set_aside: Turns that consolidation leaves out, as a writer failed at them too often;
            ``consolidate(retry_set_aside=True)`` tries them again.
        due: Sessions with turns that consolidation has not read yet.
        failing: Those among them that it tries again later, as a writer failed at them.
        consolidated_at: When the newest episode was written; ``None`` before the first one.
        embedder: Name of the embedding model that the store was built with.
        dimension: Length of its vectors; ``None`` before the first one was made.
        index: ``ready``; ``unchecked`` before it was first needed; ``rebuilding`` or
            ``unavailable``, when recall compares the ledger's vectors one by one.
        bytes: Size on disk of the store's folder, or of its tables in PostgreSQL; ``None`` for one
            user, or without a folder.
        user_id: Whose memory it is about; ``None`` for everybody's.
        space: The space whose memory it is about, instead of that user's own.
        spaces: Number of spaces, whose turns, episodes and facts are counted with all others.
    """

    users: int
    sessions: int
    turns: int
    searchable: int
    pending: int
    episodes: int
    facts: int
    set_aside: int
    embedder: str | None
    dimension: int | None
    index: str
    bytes: int | None
    user_id: str | None = None
    spaces: int = 0
    space: str | None = None
    due: int = 0
    failing: int = 0
    consolidated_at: dt.datetime | None = None

    def grid(self) -> Grid:
        """Size and state, one figure a line."""
        dimension = "" if self.dimension is None else f" ({self.dimension} dimensions)"
        rows = [
            (
                "users",
                f"{self.users:,}" + (f" (and {counted(self.spaces, 'space')})" * bool(self.spaces)),
            ),
            ("sessions", f"{self.sessions:,}"),
            ("turns", f"{self.turns:,}"),
            ("searchable", f"{self.searchable:,}"),
            ("not embedded yet", f"{self.pending:,}"),
            ("episodes", f"{self.episodes:,}"),
            ("facts", f"{self.facts:,}"),
            ("sessions to consolidate", f"{self.due:,}"),
            ("failed, tried again later", f"{self.failing:,}"),
            ("set aside by consolidation", f"{self.set_aside:,}"),
            ("embedder", f"{self.embedder or 'none yet'}{dimension}"),
            ("vector index", self.index),
        ]
        if self.user_id is not None:
            whose = f"user {self.user_id}" if self.space is None else f"space {self.space}"
            return Grid(f"Stored of {whose}", (), rows[1:])
        kept = ("kept", "in memory: a temporary folder, gone at close")
        rows.append(kept if self.bytes is None else ("size on disk", sized(self.bytes)))
        return Grid("Stored", (), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run of consolidation is, what it cost so far, and what is left at that rate.

    Attributes:
        done: Sessions that were looked at; 0 before the first.
        total: Sessions to look at.
        written: Episodes written.
        calls: Calls of models.
        tokens: Tokens that models read and wrote.
        seconds: Since the run began.
        tokens_left: Tokens that the rest will take: what was taken so far, scaled by the turns
            that wait and their length. Before the first episode, what was measured elsewhere.
        seconds_left: The same of the time; ``None`` before the first episode.
    """

    done: int
    total: int
    written: int
    calls: int
    tokens: int
    seconds: float
    tokens_left: int
    seconds_left: float | None

    @property
    def spent(self) -> str:
        """What it cost so far and will cost, in words; empty without a model."""
        if not (self.tokens or self.tokens_left):
            return ""
        seconds = "" if self.seconds_left is None else f" and {self.seconds_left:,.0f} seconds"
        return f"{self.tokens:,} tokens, about {self.tokens_left:,}{seconds} left"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationReport(Displayed):
    """Counts of what one run of consolidation did. Prints as a table with rich and in notebooks.

    Attributes:
        written: Episodes written.
        facts: New facts.
        merged: Facts that only brought new evidence for known ones.
        superseded: Facts whose place a newer one took.
        conflicts: Contradictions left open.
        dropped: Facts thrown away: without evidence, refused by a person, or rejected; and
            summaries that are not about what was said.
        compressed: Episodes reduced to their summary, for lack of room.
        evicted: Episodes dropped, for lack of room.
        failed: Sessions put back, or turns of them set aside, because something failed.
        resting: Sessions that were not tried, as they failed in an earlier run not long ago: twice
            as long each time. ``consolidate(retry_set_aside=True)`` tries them now.
        set_aside: Turns set aside in this run: a writer answered nothing usable for them
            ``ConsolidationSettings.max_tries`` times. ``consolidate(retry_set_aside=True)`` tries
            them again; ``stats()`` says how many there are in all.
        busy: Users left to another worker that has them.
        waiting: Sessions left with turns that may still go on.
        shared: Statements that all users of the store may read from now on.
        tokens: Tokens that models read and wrote; counted here where a runner does not say.
        calls: How often a model was asked.
        seconds: How long it took.
        stopped: The limit that ended the run, in words; empty if none did.
        turns_left: Turns that wait for the next run, where a limit or failures in a row ended this
            one, and in a dry run.
        tokens_left: About what a writer with a model will take for them.
        problems: Why something failed, in words.
        refused: What of a writer's answers was thrown away, and why, in words.
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
    resting: int = 0
    set_aside: int = 0
    busy: int = 0
    waiting: int = 0
    shared: int = 0
    tokens: int = 0
    calls: int = 0
    seconds: float = 0.0
    stopped: str = ""
    turns_left: int = 0
    tokens_left: int = 0
    problems: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

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
            ("facts and summaries dropped", self.dropped),
            ("episodes compressed", self.compressed),
            ("episodes evicted", self.evicted),
            ("failed, tried again later", self.failed),
            ("sessions at rest after a failure, until a retry", self.resting),
            ("turns set aside until a retry", self.set_aside),
            ("users left to another worker", self.busy),
            ("sessions that may still go on", self.waiting),
            ("statements newly shared", self.shared),
            ("tokens", self.tokens),
            ("calls of a model", self.calls),
            ("turns left for the next run", self.turns_left),
            ("tokens that a model will take for them, about", self.tokens_left),
        ]
        rows = [("episodes written", f"{self.written:,}"), ("new facts", f"{self.facts:,}")]
        rows += [(name, f"{count:,}") for name, count in figures if count]
        rows.append(("seconds", f"{self.seconds:.2f}"))
        counts = Counter([*self.problems, *(f"refused: {each}" for each in self.refused)])
        found = [f"{text} ({times} times)" if times > 1 else text for text, times in counts.items()]
        problems = found[:_SHOWN_PROBLEMS]
        if len(found) > len(problems):
            problems.append(f"and {counted(len(found) - len(problems), 'problem')} more")
        if self.stopped:
            problems.insert(0, f"stopped by {self.stopped}")
        return Grid("Consolidated", (), rows, warnings=problems)
