"""An audit: all checks over one memory or all, read in one transaction, changing nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row

from lightmem_integrations.audit.exact import merge_duplicates
from lightmem_integrations.audit.facts import Found, check_facts
from lightmem_integrations.audit.turns import LEAST_TERMS, junk_of
from lightmem_integrations.engine.store import Store
from lightmem_integrations.knowledge.beliefs import PERSON
from lightmem_integrations.records.audit import (
    CHECKS,
    Audit,
    Check,
    Finding,
    Findings,
    MemorySize,
    MemorySizes,
)
from lightmem_integrations.safety import check_flags
from lightmem_integrations.storage import audit_reads as reads
from lightmem_integrations.storage.expiry import NOTHING, Expired, expired, memories_with_expired
from lightmem_integrations.storage.knowledge_reads import MOST
from lightmem_integrations.storage.turns import moment
from lightmem_integrations.storage.users import row_of
from lightmem_integrations.text.terms import terms


def audit(
    store: Store, memory: str | None, *, limit: int, fix: bool, recalled: Collection[str]
) -> Audit:
    """Look for junk in one memory, by the id that the layers below know, or in all.

    Args:
        store: An open store.
        memory: Whose; ``None`` for everybody's and every space's.
        limit: Findings listed of each check, and sizes of memories.
        fix: Merge exact duplicates of facts before.
        recalled: Public ids of episodes that came back from a recall that is not written down yet.

    Raises:
        InvalidRequestError: ``fix`` is neither true nor false.
        ReadOnlyError: ``fix``, and the store is only read.
        StorageError: The ledger does not answer.
    """
    check_flags(fix=fix)
    now = store.ledger.now()
    merged = 0
    if fix:
        with store.ledger.read() as connection:
            row = None if memory is None else row_of(connection, memory)
        merged = merge_duplicates(store, row)
    with store.ledger.read() as connection:
        row = None if memory is None else row_of(connection, memory)
        whose = reads.memories(connection, row)
        over = {
            each: expired(connection, each, store.settings, now)
            for each in (
                row_of(connection, name)
                for name in memories_with_expired(connection, store.settings, now)
            )
        }
        look = _Look(connection, row, now, _List(whose, limit), over)
        look.facts(store)
        look.proof()
        look.episodes(recalled)
        look.turns()
        return replace(look.report(), merged=merged)


@dataclass(slots=True)
class _List:
    """Findings as they come: all counted, the first of each check kept."""

    whose: Mapping[int, reads.Whose]
    limit: int
    counts: Counter[Check] = field(default_factory=Counter)
    kept: dict[Check, list[tuple[int, Found]]] = field(default_factory=dict)

    def add(self, user: int, found: Found) -> None:
        self.counts[found.check] += 1
        kept = self.kept.setdefault(found.check, [])
        if len(kept) < self.limit:
            kept.append((user, found))


@dataclass(slots=True)
class _Look:
    """One audit under way.

    Attributes:
        connection: Of a read transaction.
        user: Row of the user; ``None`` for all.
        now: The time, in seconds since 1970.
        found: What was found.
        over: What has expired, by user: nobody is shown it.
    """

    connection: Connection
    user: int | None
    now: float
    found: _List
    over: Mapping[int, Expired]
    seen: int = 0
    notes: list[str] = field(default_factory=list)

    def _shown(self, rows: Iterable[Row[Any]], kind: str) -> Iterator[Row[Any]]:
        """Rows of memories that are shown, without what has expired."""
        for row in rows:
            if row.user in self.found.whose and not self._hides(row.user, kind, row.id):
                yield row

    def _hides(self, user: int, kind: str, row: int) -> bool:
        over = self.over.get(user, NOTHING)
        if kind == "fact":
            return over.hides(row)
        return row in (over.episodes if kind == "episode" else over.turns)

    def facts(self, store: Store) -> None:
        """Check facts by their words, times and vectors, one memory after another."""
        conflicts: dict[int, set[frozenset[int]]] = {}
        for each in reads.open_conflicts(self.connection, self.user):
            hidden = any(self._hides(each.user, "fact", row) for row in (each.first, each.second))
            if each.user not in self.found.whose or hidden:
                continue
            conflicts.setdefault(each.user, set()).add(frozenset((each.first, each.second)))
            why = f"in conflict with: {each.second_statement}"
            both = each.first_key, each.second_key
            found = Found("contradiction", both, each.first_statement, why, conflict_id=each.key)
            self.found.add(each.user, found)
        standing = reads.standing_facts(self.connection, self.user)
        for user, group in groupby(standing, key=lambda each: each[0].user):
            facts = sorted(
                (each for each in group if not self._hides(user, "fact", each[0].row)),
                key=lambda each: each[0].row,
            )
            if user not in self.found.whose:
                continue
            self.seen += len(facts)
            if len(facts) > MOST:
                name = self.found.whose[user]
                self.notes.append(
                    f"Of {name.user_id or name.space} only the newest {MOST:,} facts were compared "
                    "by meaning."
                )
            settings = store.settings.consolidation
            for found in check_facts(facts, conflicts.get(user, set()), self.now, settings):
                self.found.add(user, found)

    def proof(self) -> None:
        """Check that facts rest on turns that are there and say something of it."""
        proof = self._shown(reads.proof_of_facts(self.connection, self.user, self.now), "fact")
        for _, group in groupby(proof, key=lambda row: row.id):
            fact, *more = group
            said = {term for row in (fact, *more) for term in (row.said or "").split()}
            words = set(fact.terms.split()) - set(terms(fact.subject))
            if all(row.said is None for row in (fact, *more)):
                why = "no turn is left that proves it"
            elif words and not words & said and fact.author != PERSON:
                why = "none of its words stands in the turns that it points to"
            else:
                continue
            self.found.add(fact.user, Found("unsupported", (fact.key,), fact.statement, why))

    def episodes(self, recalled: Collection[str]) -> None:
        """Find episodes that no recall brought back."""
        found = reads.episodes_without_access(self.connection, self.user)
        for row in self._shown(found, "episode"):
            if row.key not in recalled:
                why = f"not since {moment(row.ends):%Y-%m-%d}"
                self.found.add(row.user, Found("never_recalled", (row.key,), row.summary, why))

    def turns(self) -> None:
        """Find turns that were said again, and those that hold nothing to find."""
        for row in reads.repeated_turns(self.connection, self.user, LEAST_TERMS):
            rows = [int(each) for each in row.rows.split(",")]
            rows = sorted(each for each in rows if not self._hides(row.user, "turn", each))
            if row.user in self.found.whose and len(rows) > 1:
                why = f"said {len(rows)} times"
                found = Found("duplicate_turn", (), row.text, why, turns=tuple(rows))
                self.found.add(row.user, found)
        for row in self._shown(reads.searched_turns(self.connection, self.user), "turn"):
            why = junk_of(row.text)
            if why:
                self.found.add(row.user, Found("junk_turn", (), row.text, why, turns=(row.id,)))

    def report(self) -> Audit:
        """All that was found, with public ids, and the sizes of the memories."""
        sizes = reads.sizes(self.connection, self.user)
        held = [
            MemorySize(user_id=each.user_id, space=each.space, **sizes[row])
            for row, each in self.found.whose.items()
            if row in sizes
        ]
        held.sort(key=lambda each: -each.bytes)
        return Audit(
            at=dt.datetime.fromtimestamp(self.now, dt.timezone.utc),
            user_id=None,
            space=None,
            users=len(self.found.whose),
            turns=sum(each.turns for each in held),
            facts=self.seen,
            episodes=sum(each.episodes for each in held),
            counts={check: self.found.counts[check] for check in CHECKS},
            findings=Findings(self._findings()),
            sizes=MemorySizes(held[: self.found.limit]),
            notes=tuple(self.notes[: self.found.limit]),
        )

    def _findings(self) -> Iterator[Finding]:
        kept = [each for check in CHECKS for each in self.found.kept.get(check, ())]
        rows = [row for _, found in kept for row in found.turns]
        names = reads.names_of_turns(self.connection, rows)
        for user, found in kept:
            said = [names[row] for row in found.turns]
            whose = self.found.whose[user]
            yield Finding(
                check=found.check, ids=found.ids + tuple(turn for turn, _ in said), text=found.text,
                why=found.why, user_id=whose.user_id, space=whose.space,
                session_ids=tuple(session for _, session in said), conflict_id=found.conflict_id,
            )  # fmt: skip
