"""Knowledge of users: what is believed and why, and what a person can correct.

Nothing is overwritten: a correction is a new fact that takes the old one's place, and what was
retracted can still be explained.
"""

from __future__ import annotations

import logging
import time

from sqlalchemy import Connection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import InvalidRequestError, LightMemError
from lightmem_integrations.knowledge.corrections import Correction, check_text, correct
from lightmem_integrations.knowledge.retraction import retract_fact
from lightmem_integrations.knowledge.to_records import Records
from lightmem_integrations.knowledge.vectors import embed_missing
from lightmem_integrations.records.knowledge import (
    Conflict,
    Conflicts,
    Episodes,
    Explanation,
    Fact,
    Facts,
)
from lightmem_integrations.safety import check_names, short_repr
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.conflicts import decide_conflict, read_conflicts
from lightmem_integrations.storage.episodes import read_episodes
from lightmem_integrations.storage.fact_links import chain_of, linked_facts
from lightmem_integrations.storage.facts import StoredFact, find_fact, next_revision, read_facts
from lightmem_integrations.storage.shared import read_shared
from lightmem_integrations.storage.users import row_of

logger = logging.getLogger(__name__)


class Knowledge:
    """Facts, episodes and conflicts of a store's users: asking for them and correcting them.

    Every method takes the id of the user whose memory it is about, checked by the caller; a user
    of whom nothing was stored has no facts.

    Args:
        store: An open store.
        settings: Policies and thresholds, and whether knowledge is shared.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def facts(self, user_id: str, *, include_past: bool = False) -> Facts:
        """A user's facts, oldest first: those that hold now, or with ``include_past`` all."""
        now = time.time()
        with self._store.ledger.read() as connection:
            user = row_of(connection, user_id)
            stored = read_facts(connection, user, retracted=include_past)
            if not include_past:
                stored = [fact for fact in stored if fact.holds(now)]
            return Facts(self._records(connection, user, now).facts(stored))

    def episodes(self, user_id: str) -> Episodes:
        """A user's episodes, oldest first, with their turns."""
        with self._store.ledger.read() as connection:
            user = row_of(connection, user_id)
            stored = read_episodes(connection, user)
            return Episodes(self._records(connection, user, time.time()).episodes(stored))

    def conflicts(self, user_id: str, *, only_open: bool = True) -> Conflicts:
        """Contradictions between a user's facts, the oldest first."""
        with self._store.ledger.read() as connection:
            user = row_of(connection, user_id)
            found = read_conflicts(connection, user, only_open=only_open)
            return Conflicts(self._records(connection, user, time.time()).conflicts(found))

    def explain(self, fact_id: str, user_id: str) -> Explanation:
        """A fact with the turns that prove it, its history, and what is related or contradicts.

        Raises:
            InvalidRequestError: The user has no such fact.
        """
        now = time.time()
        with self._store.ledger.read() as connection:
            fact = self._fact(connection, fact_id, user_id)
            user = fact.user
            near = linked_facts(connection, user, [fact.row])
            linked = {each.row: each for each in read_facts(connection, user, near)}
            related = [linked[row] for row in near if linked[row].superseded_by is None]
            history = chain_of(connection, fact)
            conflicts = read_conflicts(connection, user, fact_rows=[fact.row])
            records = self._records(connection, user, now)
            return Explanation(
                fact=records.facts([fact])[0],
                evidence=tuple(records.evidence(fact.row)),
                history=tuple(records.facts(history)),
                related=tuple(records.facts(related)),
                conflicts=tuple(records.conflicts(conflicts)),
            )

    def shared(self) -> tuple[str, ...]:
        """Statements that several users made and all may read; none unless sharing is on."""
        if not self._settings.shared_knowledge:
            return ()
        with self._store.ledger.read() as connection:
            return tuple(each.text for each in read_shared(connection, None, time.time()))

    def edit(self, fact_id: str, user_id: str, change: Correction) -> Fact:
        """Correct a fact: a new one takes its place, with the same evidence; returns the new one.

        What had been said until then cannot bring the old one back; what is said later can change
        it.

        Raises:
            InvalidRequestError: The user has no such fact that stands, or nothing is to be changed.
        """
        change.check()
        now = time.time()
        with self._store.ledger.write() as connection:
            old = self._standing(connection, fact_id, user_id)
            new = correct(connection, old, change, self._settings.consolidation, now)
            (record,) = self._records(connection, new.user, now).facts([new])
        self._embed(new.user)
        return record

    def retract(
        self, fact_id: str, user_id: str, *, reason: str = "Retracted by a person."
    ) -> Fact:
        """Stop believing a fact, without erasing it; what it had replaced holds again.

        Raises:
            InvalidRequestError: The user has no such fact that stands.
        """
        check_text(reason, "reason")
        now = time.time()
        with self._store.ledger.write() as connection:
            old = self._standing(connection, fact_id, user_id)
            self._stop_believing(connection, old, reason, now)
            gone = read_facts(connection, old.user, [old.row], retracted=True)
            return self._records(connection, old.user, now).facts(gone)[0]

    def resolve(self, conflict_id: str, user_id: str, *, keep: str) -> Conflict:
        """Decide a conflict: the fact with the id ``keep`` stays, the other one is retracted.

        Raises:
            InvalidRequestError: The user has no such open conflict, or ``keep`` is no part of it.
        """
        (conflict_id,) = check_names([conflict_id], "conflict_id")
        (keep,) = check_names([keep], "keep")
        now = time.time()
        with self._store.ledger.write() as connection:
            user = row_of(connection, user_id)
            found = read_conflicts(connection, user, key=conflict_id, only_open=True)
            if not found:
                raise InvalidRequestError(
                    f"There is no open conflict {short_repr(conflict_id)} of this user; "
                    "conflicts() lists them."
                )
            records = self._records(connection, user, now)
            (conflict,) = records.conflicts(found)
            sides = {conflict.first.id: conflict.second.id, conflict.second.id: conflict.first.id}
            if keep not in sides:
                raise InvalidRequestError(
                    f"keep is {short_repr(keep)}; it must be the id of one of the two facts."
                )
            decide_conflict(connection, user, conflict_id, "Decided by a person.", now)
            loser = self._standing(connection, sides[keep], user_id)
            self._stop_believing(connection, loser, "Another fact was kept.", now)
            found = read_conflicts(connection, user, key=conflict_id)
            return records.conflicts(found)[0]

    def _records(self, connection: Connection, user: int, now: float) -> Records:
        return Records(connection, user, now, self._settings.consolidation.half_life_days)

    def _stop_believing(
        self, connection: Connection, fact: StoredFact, reason: str, now: float
    ) -> None:
        revision = next_revision(connection, fact.user)
        retract_fact(connection, fact, reason, self._settings.consolidation, revision, now)

    def _fact(self, connection: Connection, fact_id: str, user_id: str) -> StoredFact:
        (fact_id,) = check_names([fact_id], "fact_id")
        fact = find_fact(connection, row_of(connection, user_id), fact_id)
        if fact is None:
            raise InvalidRequestError(f"This user has no fact {short_repr(fact_id)}.")
        return fact

    def _standing(self, connection: Connection, fact_id: str, user_id: str) -> StoredFact:
        fact = self._fact(connection, fact_id, user_id)
        if fact.retracted_at is not None:
            raise InvalidRequestError(
                f"The fact {short_repr(fact_id)} was retracted already; explain() says what took "
                "its place."
            )
        return fact

    def _embed(self, user: int) -> None:
        """Give a corrected fact its vector; without one it is found by its words."""
        try:
            embed_missing(self._store, user)
        except LightMemError as error:
            logger.warning("A corrected fact has no vector yet (%s).", type(error).__name__)
