"""Kinds of records: which tables and columns go to another ledger, and which are made anew there.

Columns are those of the schema: a new one comes along by itself, unless it is named here as
derived. A row is called what it is called in public: a session by its name, a turn by its session
and its name, an episode, fact or conflict by its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from sqlalchemy import Column, Table

from lightmem_integrations.storage.schema import (
    assertions,
    conflicts,
    documents,
    episode_turns,
    episodes,
    evidence,
    facts,
    grants,
    namespaces,
    quarantine,
    refusals,
    sessions,
    turns,
    users,
)

AnyColumn = Column[object]

DERIVED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # follows from a name, a text or the rows themselves
        "users": frozenset(
            {"key", "searchable", "terms", "revision", "rewritten", "indexed", "staged"}
        ),
        "sessions": frozenset({"key"}),
        "turns": frozenset({"key", "terms", "digest", "guidance", "wishes"}),
        "episodes": frozenset({"terms"}),
        "facts": frozenset({"terms", "revision"}),
        "assertions": frozenset({"terms"}),
        "grants": frozenset({"member"}),
        "documents": frozenset({"key", "embedded"}),
        # tables as a whole: counted or looked up anew, embedded anew, or of one process and moment
        **dict.fromkeys(
            (
                "meta", "speakers", "mentions", "turn_metadata", "namespaces", "namespace_prefixes",
                "vectors", "episode_vectors", "fact_vectors", "document_vectors",
                "shared_support", "shared_statements", "shared_seen",
                "work", "leases", "failures", "revisions", "tombstones",
            ),
            frozenset({"*"}),
        ),
    }
)  # fmt: skip
"""By table, the columns that no record holds; ``*`` stands for all of them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record.

    Attributes:
        name: In the records.
        table: Whose rows they are.
        owner: Which column says whose memory it belongs to.
        members: Which column, of a table that ties turns to it, names the row.
    """

    name: str
    table: Table
    owner: AnyColumn | None = None
    members: AnyColumn | None = None

    @property
    def columns(self) -> tuple[AnyColumn, ...]:
        """The columns that a record holds."""
        return _columns(self)


@cache
def _columns(kind: Kind) -> tuple[AnyColumn, ...]:
    left_out = {"id", *DERIVED.get(kind.table.name, ())}
    if kind.owner is not None:
        left_out.add(kind.owner.name)
    return tuple(column for column in kind.table.c if column.name not in left_out)


# In this order they stand in a file: a record names only rows of records before it, but for what
# took a fact's place.
KINDS = (
    Kind("user", users),
    Kind("session", sessions, sessions.c.user),
    Kind("turn", turns, turns.c.user),
    Kind("episode", episodes, episodes.c.user, episode_turns.c.episode),
    Kind("fact", facts, facts.c.user),
    Kind("claim", assertions, assertions.c.user, evidence.c.assertion),
    Kind("conflict", conflicts, conflicts.c.user),
    Kind("refusal", refusals, refusals.c.user),
    Kind("set_aside", quarantine, quarantine.c.user),
    Kind("grant", grants, grants.c.space),
    Kind("document", documents),
)
BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in KINDS})

LATER = facts.c.superseded_by
"""The one column that names a row of a later record: the fact that took a fact's place."""


@cache
def target_of(column: AnyColumn) -> Table | None:
    """The table whose row a column names, if it names one."""
    if column is LATER:
        return facts
    return next((key.column.table for key in column.foreign_keys), None)


NAMES: Mapping[str, tuple[AnyColumn, ...]] = MappingProxyType(
    {
        "sessions": (sessions.c.name,),
        "turns": (sessions.c.name, turns.c.name),
        "episodes": (episodes.c.key,),
        "facts": (facts.c.key,),
        "namespaces": (namespaces.c.path,),
    }
)
"""What a row of each table is called in a record."""
