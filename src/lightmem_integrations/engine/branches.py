"""Branches: a session's memory follows the history that an application keeps of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import IndexUnavailableError
from lightmem_integrations.records.conversation import Branch, Turn
from lightmem_integrations.safety import key_of
from lightmem_integrations.storage.branches import (
    BranchChange,
    apply_change,
    change_of_branch,
    place_wordings,
)
from lightmem_integrations.storage.turns import NewTurn, insert_turns
from lightmem_integrations.storage.undone import done_again
from lightmem_integrations.storage.users import find_session, find_user

logger = logging.getLogger(__name__)


def write_turns(
    store: Store,
    new: Sequence[NewTurn],
    branch: Branch | None,
    known: Sequence[NewTurn],
    *,
    user_id: str,
    session_id: str,
    agent_id: str | None = None,
) -> list[Turn]:
    """Let a session follow its branch, if one is given, then write turns; returns them as stored.

    Turns of a branch that were forgotten since they were said are left out.
    Where nothing is to be written and nothing has changed, this only reads.

    Args:
        store: Where.
        new: The turns to be written.
        branch: The branch that they belong to.
        known: The turns of it whose words are known.
        user_id: Whose.
        session_id: In which session.
        agent_id: Which agent writes.

    Raises:
        StorageError: The ledger does not answer.
    """

    def look(connection: Connection) -> tuple[int, int, BranchChange]:
        if branch is None:
            return 0, 0, BranchChange(new=new)
        user = find_user(connection, user_id)  # first: nobody forgets from here on
        left = store.tombstones.spared(
            connection, new, user_id=user_id, session_id=session_id, agent_id=agent_id
        )
        session = find_session(connection, user, session_id)
        if user is None or session is None:
            return 0, 0, BranchChange(new=left)
        return user.row, session, change_of_branch(connection, session, branch, known, left)

    @done_again
    def written(*, alone: bool) -> list[Turn] | None:
        with store.ledger.write() as connection:
            user_row, session_row, change = look(connection)
            if change.superseded and not alone:
                return None
            archived = []
            if session_row:
                archived = apply_change(
                    connection, user_row, session_row, change, store.ledger.now()
                )
            stored = insert_turns(
                connection, change.new, user_id=user_id,
                session_id=session_id, agent_id=agent_id, now=store.ledger.now(),
                history=None if branch is None else branch.history,
            ) if change.new else []  # fmt: skip
            place_wordings(connection, session_row, change.places)
        if archived:
            try:
                store.indexer.forget(key_of(user_id), archived)
            except IndexUnavailableError as error:  # what is superseded comes back to nobody
                logger.warning("The index still holds superseded turns: %s", error)
        return stored

    if not new:
        if branch is None:
            return []
        with store.ledger.read() as connection:
            change = look(connection)[-1]
        if not (change.new or change.superseded or change.restored):
            return []
    stored = written(alone=False)
    if stored is None:  # nobody may index a turn between the ledger's and the index's forgetting it
        with store.indexer.exclusively():
            stored = written(alone=True)
    return stored or []
