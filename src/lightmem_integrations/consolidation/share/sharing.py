"""Shared knowledge: made of what several users say, and withdrawn when they no longer do."""

from __future__ import annotations

from collections.abc import Callable, Collection

from lightmem_integrations.consolidation.share.deidentify import PersonalData, candidate
from lightmem_integrations.engine.store import Store
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage.shared import (
    Candidate,
    agreed,
    changed_users,
    facts_in_force,
    insert_shared,
    leave_out,
    names_in_memory,
    set_support,
    withdraw_unsupported,
)

SHARED_BY = "Several users"
"""Subject of a shared statement, as it is shown."""


def share(
    store: Store,
    detects: PersonalData,
    *,
    private_users: Collection[str],
    now: float,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Bring shared knowledge up to date with the facts of those users whose memory changed.

    Args:
        store: Where.
        detects: Finds data of a person in a text.
        private_users: Ids of users whose facts take no part.
        now: The time, in seconds since 1970.
        should_stop: Asked between users whether to end early.

    Returns:
        How many statements are shared now that were not before.

    Raises:
        ModelError: The embedder failed; what was withdrawn is withdrawn.
        StorageError: The ledger does not answer.
    """
    ledger = store.ledger
    with ledger.write() as connection:
        leave_out(connection, private_users)
    with ledger.read() as connection:
        changed = changed_users(connection, private_users)
    for seen in changed:
        if should_stop():
            break
        support = list(_candidates(store, seen.user, detects, now).values())
        with ledger.write() as connection:
            set_support(connection, seen, support)
    with ledger.write() as connection:
        withdraw_unsupported(connection, now)
    with ledger.read() as connection:
        wanted = agreed(connection, now)
    texts: dict[str, str] = {}
    for user in {user for _, _, user in wanted}:
        found = _candidates(store, user, detects, now)
        for digest, row, whose in wanted:
            # Said anew since it was looked at, it is looked at again by the next run.
            if whose == user and row in found and found[row].digest == digest:
                texts[digest] = found[row].text
    if not texts:
        return 0
    made = store.embedder.documents(list(texts.values()))
    vectors = dict(zip(texts, made, strict=True))
    with ledger.write() as connection:
        store.embedder.record_dimension(connection, made.shape[1])
        shown = {digest: f"{SHARED_BY}: {text}" for digest, text in texts.items()}
        return insert_shared(connection, shown, vectors, now)


def sharing(store: Store, settings: Settings) -> Callable[[Callable[[], bool]], int] | None:
    """A function that brings shared knowledge up to date; ``None`` where it is turned off."""
    if not settings.shared_knowledge:
        return None

    def update(should_stop: Callable[[], bool]) -> int:
        from lightmem_integrations.models.personal_data import personal_data_detector

        return share(
            store,
            personal_data_detector(settings.names_model),
            private_users=settings.private_users,
            now=store.ledger.now(),
            should_stop=should_stop,
        )

    return update


def _candidates(
    store: Store, user_row: int, detects: PersonalData, now: float
) -> dict[int, Candidate]:
    """Candidates for sharing among a user's facts, by the rows of the facts."""
    with store.ledger.read() as connection:
        facts = facts_in_force(connection, user_row, now)
        people, names = names_in_memory(connection, user_row)
    found = [candidate(fact, said, people, names, detects) for fact, said in facts]
    return {one.fact: one for one in found if one is not None}
