"""Knowledge of users: what is believed and why, and what a person can correct.

Nothing is overwritten: a correction is a new fact that takes the old one's place, and what was
retracted can still be explained.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row

from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import InvalidRequestError, LightMemError, NotFoundError
from lightmem_integrations.knowledge.corrections import Correction, check_text, correct
from lightmem_integrations.knowledge.listing import list_facts
from lightmem_integrations.knowledge.profile import profile_of
from lightmem_integrations.knowledge.retraction import retract_fact
from lightmem_integrations.knowledge.to_records import Records
from lightmem_integrations.knowledge.vectors import embed_missing
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.records.fact_search import FactSearch
from lightmem_integrations.records.filters import Filter
from lightmem_integrations.records.knowledge import (
    Conflict,
    Conflicts,
    Episodes,
    Explanation,
    Fact,
    Facts,
)
from lightmem_integrations.records.profile import Profile
from lightmem_integrations.safety import (
    check_counts,
    check_moment,
    check_names,
    short_repr,
    typed_repr,
)
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.conflicts import decide_conflict, last_of, read_conflicts
from lightmem_integrations.storage.episodes import read_episodes
from lightmem_integrations.storage.expiry import Expired, expired
from lightmem_integrations.storage.fact_links import chain_of, linked_facts
from lightmem_integrations.storage.facts import StoredFact, find_fact, next_revision, read_facts
from lightmem_integrations.storage.filtered_turns import episodes_meeting
from lightmem_integrations.storage.shared import read_shared
from lightmem_integrations.storage.transcripts import Part
from lightmem_integrations.storage.undone import done_again
from lightmem_integrations.storage.users import row_of
from lightmem_integrations.text.timezone import moment_in

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
        self._now = store.ledger.now

    def facts(
        self,
        user_id: str,
        *,
        include_past: bool = False,
        as_of: dt.datetime | None = None,
        filter: Filter | None = None,  # noqa: A002
        search: FactSearch | None = None,
        part: Part,
    ) -> Facts:
        """Part of a user's facts: see `list_facts`."""
        if not isinstance(search, FactSearch | None):
            raise InvalidRequestError(
                f"search is {short_repr(search)}; pass one such as FactSearch(words='Lisbon')."
            )
        now, then = self._now(), check_moment(as_of, "as_of")
        with self._store.ledger.read() as connection:
            user = row_of(connection, user_id)
            records = self._records(connection, user, now if then is None else then)
            return list_facts(
                replace(records, as_of=then), search or FactSearch(), filter, part,
                self._over(connection, user, now), include_past=include_past,
            )  # fmt: skip

    def episodes(self, user_id: str, filter: Filter | None = None) -> Episodes:  # noqa: A002
        """A user's episodes, oldest first, with their turns; those with one that meets a filter."""
        with self._store.ledger.read() as connection:
            user = row_of(connection, user_id)
            now = self._now()
            within = None if filter is None else episodes_meeting(connection, user, filter)
            stored = read_episodes(connection, user, within)
            over = self._over(connection, user, now).episodes
            stored = [episode for episode in stored if episode.row not in over]
            return Episodes(self._records(connection, user, now).episodes(stored))

    def conflicts(self, user_id: str, part: Part, *, only_open: bool = True) -> Conflicts:
        """The last contradictions between a user's facts, the oldest first; see `last_of`."""
        check_counts(limit=part.limit)
        with self._store.ledger.read() as connection:
            user = row_of(connection, user_id)
            now = self._now()
            over = self._over(connection, user, now)
            found = _conflicts(connection, user, over, only_open=only_open)
            records = self._records(connection, user, now)
            return Conflicts(records.conflicts(last_of(found, part)), len(found))

    def explain(self, fact_id: str, user_id: str) -> Explanation:
        """A fact with the turns that prove it, its history, and what is related or contradicts.

        Raises:
            NotFoundError: The user has no such fact.
        """
        now = self._now()
        with self._store.ledger.read() as connection:
            fact = self._fact(connection, fact_id, user_id)
            user = fact.user
            near = linked_facts(connection, user, [fact.row])
            linked = {each.row: each for each in read_facts(connection, user, near)}
            over = self._over(connection, user, now)
            related = [
                linked[row]
                for row in near
                if linked[row].superseded_by is None and not over.hides(row)
            ]
            history = [each for each in chain_of(connection, fact) if not over.hides(each.row)]
            conflicts = _conflicts(connection, user, over, fact_rows=[fact.row])
            records = self._records(connection, user, now)
            return Explanation(
                fact=records.facts([fact])[0],
                evidence=tuple(records.evidence(fact.row)),
                history=tuple(records.facts(history)),
                related=tuple(records.facts(related)),
                conflicts=tuple(records.conflicts(conflicts)),
            )

    def profile(
        self,
        user_id: str,
        *,
        space: str | None,
        max_tokens: int,
        ahead: bool,
        as_of: dt.datetime | None,
        count_tokens: TokenCounter,
    ) -> Profile:
        """What stands in a user's every prompt: see `profile_of`."""
        now = moment_in(self._settings.timezone, self._now())
        with self._store.ledger.read() as connection:
            user = row_of(connection, user_id)
            return profile_of(
                connection, user, space=space, max_tokens=max_tokens,
                ahead=ahead, count_tokens=count_tokens, now=now, as_of=as_of,
                over=self._over(connection, user, max(now, as_of or now).timestamp()),
            )  # fmt: skip

    def shared(self) -> tuple[str, ...]:
        """Statements that several users made and all may read; none unless sharing is on."""
        if not self._settings.shared_knowledge:
            return ()
        with self._store.ledger.read() as connection:
            return tuple(each.text for each in read_shared(connection, None, self._now()))

    @done_again
    def edit(self, fact_id: str, user_id: str, change: Correction) -> Fact:
        """Correct a fact: a new one takes its place, with the same evidence; returns the new one.

        One that was retracted is believed again so. What had been said until then cannot bring the
        old one back; what is said later can change it.

        Raises:
            InvalidRequestError: The user has no such fact, it was replaced, or nothing is to be
                changed.
        """
        change.check()
        now = self._now()
        with self._store.ledger.write() as connection:
            old = self._standing(connection, fact_id, user_id, or_retracted=any(change.says))
            new = correct(connection, old, change, self._settings.consolidation, now)
            (record,) = self._records(connection, new.user, now).facts([new])
        self._embed(new.user)
        return record

    @done_again
    def retract(
        self, fact_id: str, user_id: str, *, reason: str = "Retracted by a person."
    ) -> Fact:
        """Stop believing a fact, without erasing it; what it had replaced holds again.

        Raises:
            InvalidRequestError: The user has no such fact that stands.
        """
        check_text(reason, "reason")
        now = self._now()
        with self._store.ledger.write() as connection:
            old = self._standing(connection, fact_id, user_id)
            self._stop_believing(connection, old, reason, now)
            gone = read_facts(connection, old.user, [old.row], retracted=True)
            return self._records(connection, old.user, now).facts(gone)[0]

    @done_again
    def resolve(self, conflict_id: str, user_id: str, *, keep: str) -> Conflict:
        """Decide a conflict: the fact with the id ``keep`` stays, the other one is retracted.

        Raises:
            InvalidRequestError: The user has no such open conflict, or ``keep`` is no part of it.
        """
        (conflict_id,) = check_names([conflict_id], "conflict_id")
        (keep,) = check_names([keep], "keep")
        now = self._now()
        with self._store.ledger.write() as connection:
            user = row_of(connection, user_id)
            over = self._over(connection, user, now)
            found = _conflicts(connection, user, over, key=conflict_id, only_open=True)
            if not found:
                raise NotFoundError(
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
            (decided,) = read_conflicts(connection, user, key=conflict_id)
            return records.conflicts([decided])[0]

    def _over(self, connection: Connection, user: int, now: float) -> Expired:
        return expired(connection, user, self._store.settings, now)

    def _records(self, connection: Connection, user: int, now: float) -> Records:
        return Records(connection, user, now, self._settings.consolidation.half_life_days)

    def _stop_believing(
        self, connection: Connection, fact: StoredFact, reason: str, now: float
    ) -> None:
        revision = next_revision(connection, fact.user)
        retract_fact(connection, fact, reason, self._settings.consolidation, revision, now)

    def _fact(self, connection: Connection, fact_id: str, user_id: str) -> StoredFact:
        if not isinstance(fact_id, str):
            raise InvalidRequestError(
                f"fact_id is {typed_repr(fact_id)}. Pass the id of a fact: fact.id."
            )
        check_names([fact_id], "fact_id")
        fact = find_fact(connection, row_of(connection, user_id), fact_id)
        if fact is None or self._over(connection, fact.user, self._now()).hides(fact.row):
            raise NotFoundError(
                f"This user has no fact {short_repr(fact_id)}. Pass a whole id, as the facts of "
                "facts() have it; tables show its beginning."
            )
        return fact

    def _standing(
        self, connection: Connection, fact_id: str, user_id: str, *, or_retracted: bool = False
    ) -> StoredFact:
        """A fact that stands; ``or_retracted``: or one in whose place no other was put."""
        fact = self._fact(connection, fact_id, user_id)
        if fact.retracted_at is not None and not (or_retracted and fact.superseded_by is None):
            raise InvalidRequestError(
                f"The fact {short_repr(fact_id)} was retracted already; explain() says what took "
                "its place."
            )
        return fact

    def _embed(self, user: int) -> None:
        """Give a corrected fact its vector; without one it is found by its words."""
        try:
            embed_missing(self._store, user, tokens=False)
        except LightMemError as error:
            logger.warning("A corrected fact has no vector yet (%s).", type(error).__name__)


def _conflicts(connection: Connection, user: int, over: Expired, **wanted: Any) -> list[Row[Any]]:
    """Conflicts, but for those of facts that have expired."""
    return [
        row
        for row in read_conflicts(connection, user, **wanted)
        if not (over.hides(row.first) or over.hides(row.second))
    ]
