"""Records of an audit: what of a memory is junk, in figures, with the ids of what is meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from lightmem_integrations.display import Displayed, Grid, clipped, counted, sized

Check = Literal[
    "duplicate", "near_duplicate", "unsupported", "vague", "stale", "contradiction",
    "never_recalled", "duplicate_turn", "junk_turn",
]  # fmt: skip
"""What an audit looks for; see ``Audit.counts``."""

CHECKS: tuple[Check, ...] = get_args(Check)

NAMES: Mapping[Check, str] = {
    "duplicate": "facts said twice, word for word",
    "near_duplicate": "facts that mean nearly the same",
    "unsupported": "facts without support",
    "vague": "vague facts",
    "stale": "stale facts",
    "contradiction": "contradictions",
    "never_recalled": "episodes never recalled",
    "duplicate_turn": "turns said again, word for word",
    "junk_turn": "turns of markup, or of orders to a model",
}
"""What people read of each check."""

_SHORT_ID = 8  # characters of an id that a table shows, as in the tables of facts
_LONGEST_TEXT = 120  # characters of what is said, before what is wrong with it: a guess
_SHOWN_IDS = 2  # in a table: a guess, as wide as a narrow terminal has room for


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that an audit found, and what it is about.

    Attributes:
        check: What was looked for.
        ids: Public ids of the facts, episodes or turns, to be looked at with ``explain``, corrected
            or forgotten. Of exact duplicates the first is the one that stays if they are merged.
        text: What the first of them says, or its beginning.
        why: What is wrong with it, in words.
        user_id: Whose memory; ``None`` for a space's.
        space: The space.
        session_ids: Of turns, the session of each.
        conflict_id: Of a contradiction, the open conflict, for ``resolve``; ``None`` where none is
            open.
    """

    check: Check
    ids: tuple[str, ...]
    text: str = field(repr=False)
    why: str = field(repr=False)
    user_id: str | None
    space: str | None = None
    session_ids: tuple[str, ...] = ()
    conflict_id: str | None = None


class Findings(Displayed, tuple[Finding, ...]):
    """Findings, check by check. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def grid(self) -> Grid:
        """A line for each finding."""
        return Grid(
            counted(len(self), "finding"),
            ("found", "whose", "id", "text") if self else (),
            [
                (
                    each.check.replace("_", " "),
                    each.user_id or f"[{each.space}]",
                    _ids(each.ids),
                    f"{clipped(each.text, _LONGEST_TEXT)} ({'; '.join(_reasons(each))})",
                )
                for each in self
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySize:
    """What is kept of one user, or of one space.

    Attributes:
        user_id: Whose memory; ``None`` for a space's.
        space: The space.
        turns: Turns.
        facts: Facts, those of the past too.
        episodes: Episodes that were not dropped.
        bytes: What their texts and vectors take, without the database's indexes.
    """

    user_id: str | None
    space: str | None
    turns: int
    facts: int
    episodes: int
    bytes: int


class MemorySizes(Displayed, tuple[MemorySize, ...]):
    """Sizes of memories, the largest first. Prints as a table with rich and in notebooks."""

    __slots__ = ()

    def grid(self) -> Grid:
        """A line for each memory."""
        return Grid(
            "The largest memories",
            ("memory", "turns", "facts", "episodes", "size") if self else (),
            [
                (
                    each.user_id or f"[{each.space}]",
                    f"{each.turns:,}",
                    f"{each.facts:,}",
                    f"{each.episodes:,}",
                    sized(each.bytes),
                )
                for each in self
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit(Displayed):
    """Junk in a memory, in figures. Prints as a table with rich and in notebooks.

    Attributes:
        at: As of when.
        user_id: Whose memory was looked at; ``None`` for everybody's.
        space: The space whose memory it was, instead of that user's own.
        users: How many memories were looked at.
        turns: Turns in them.
        facts: Facts in them that were neither retracted nor superseded.
        episodes: Episodes that were not dropped.
        counts: How much was found by each check, all of it. ``duplicate``: facts of the same words;
            ``near_duplicate``: facts about one subject whose vectors are as near as
            ``ConsolidationSettings.same_meaning`` asks; ``unsupported``: no turn is left, or no
            word of theirs stands in the turns that they point to; ``vague``: about a pronoun,
            without a value, or in doubt; ``stale``: plans whose day passed without a word, states
            and preferences that nothing confirmed for ``ConsolidationSettings.half_life_days``;
            ``contradiction``: open conflicts, and facts that hold of what has one value at a time;
            ``never_recalled``: episodes; ``duplicate_turn`` and ``junk_turn``: turns that recall
            may find.
        findings: Of each check the first ones, at most ``limit``.
        sizes: The largest memories, at most ``limit``.
        merged: Facts that were merged into others of the same words, where that was asked for.
        notes: What was not looked at, in words.
    """

    at: dt.datetime
    user_id: str | None
    space: str | None
    users: int
    turns: int
    facts: int
    episodes: int
    counts: Mapping[Check, int] = field(hash=False)
    findings: Findings
    sizes: MemorySizes
    merged: int = 0
    notes: tuple[str, ...] = ()

    def grid(self) -> Grid:
        """A line for each check."""
        rows = [(NAMES[check], f"{self.counts[check]:,}") for check in CHECKS]
        everybody = "1 memory" if self.users == 1 else f"{self.users:,} memories"
        whose = self.space if self.space is not None else self.user_id
        held = ((self.turns, "turn"), (self.facts, "fact"), (self.episodes, "episode"))
        notes = [f"Looked at: {', '.join(counted(*each) for each in held)}."]
        notes += [f"{counted(self.merged, 'fact')} merged into others."] * bool(self.merged)
        return Grid(
            f"Audit of {everybody if whose is None else whose}", (), rows, [*notes, *self.notes]
        )


def _ids(ids: tuple[str, ...]) -> str:
    more = len(ids) - _SHOWN_IDS
    return " ".join(each[:_SHORT_ID] for each in ids[:_SHOWN_IDS]) + f" +{more}" * (more > 0)


def _reasons(finding: Finding) -> list[str]:
    sessions = list(dict.fromkeys(finding.session_ids))
    return [finding.why, *([f"in {', '.join(sessions)}"] if sessions else [])]
