"""Contents of the vector index: the turns of large users, and documents of large namespaces.

All others are compared one by one. A user is marked in the ledger before any of its turns goes to
the index. What that holds of others, such as users of earlier versions, is never asked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator

from sqlalchemy import Connection, and_, delete, func, literal, select, update

from lightmem_integrations.errors import IndexUnavailableError, SettingsError
from lightmem_integrations.storage.document_vectors import FIRST_ID, HELD
from lightmem_integrations.storage.index import Batch, LedgerIndex, VectorIndex
from lightmem_integrations.storage.ledger import Ledger, claim_meta, get_meta, put_meta
from lightmem_integrations.storage.new_turns import EMBED
from lightmem_integrations.storage.schema import (
    document_vectors,
    meta,
    namespaces,
    turns,
    users,
    vectors,
    work,
)
from lightmem_integrations.storage.sql import upsert
from lightmem_integrations.storage.vector_bytes import unpack_rows

# Who has at most this share of the turns over which users are indexed is left out of a rebuild: a
# guess, so that nobody goes in and out with every few turns.
_SHRUNK = 0.9
_BATCH = 1_000  # vectors read at a time; a guess

PURGE = "index.purge"
"""Set in the ledger while the vector index holds something that it is not to hold.

Each erasure sets another value: whoever rewrites the index clears only the one from before that.
"""

HOLDER = "index.holder"
"""Under this name a ledger keeps which of its own indexes holds what is on no work list."""

KIND = "index.kind"
"""Under this name a ledger that several processes share keeps which kind of index they use."""

SETTLED = "index.settled"
"""Under this name a ledger keeps for how few turns of a user the index last got all of them."""

# Of each kind of vector: whose they are, by which column; their rows; the id in the index of row 0;
# and which of them the index must hold.
_WAITS = select(work.c.item).where(work.c.kind == EMBED)
_MARKED = users.alias()
_KINDS = (
    (
        users,
        vectors.c.user,
        vectors.c.turn,
        0,
        and_(
            vectors.c.user.in_(select(_MARKED.c.id).where(_MARKED.c.indexed)),
            vectors.c.turn.not_in(_WAITS),
        ),
    ),
    (
        namespaces,
        document_vectors.c.namespace,
        document_vectors.c.id,
        FIRST_ID,
        document_vectors.c.indexed == HELD,
    ),
)


def expected(connection: Connection, *, indexed: bool = False) -> dict[str, int]:
    """Number of vectors that the index may hold by scope; ``indexed``: that it must hold."""
    counts: dict[str, int] = {}
    for owners, owner, _, _, held in _KINDS:
        query = select(owners.c.key, func.count()).join(owner.table, owner == owners.c.id)
        query = query.where(held) if indexed else query
        counts |= dict(connection.execute(query.group_by(owners.c.key)).all())
    return counts


def checked(ledger: Ledger, index: VectorIndex) -> tuple[bool, bool]:
    """Whether the index holds what it should and nothing to be purged, and whether it is searched.

    One in the ledger's own database is right by the keys of that, unless another one was used
    since, and needs no search before the first.
    """
    if isinstance(index, LedgerIndex):
        return index.healthy({}, {}), False
    if ledger.get(HOLDER):  # what an index in the ledger held goes on without it
        ledger.put(HOLDER, "")
    with ledger.read() as connection:
        most, least = expected(connection), expected(connection, indexed=True)
    return not ledger.get(PURGE) and index.healthy(least, most), bool(least)


def check_kind(ledger: Ledger, index: VectorIndex, *, replace: bool) -> str:
    """Let all who share a ledger use one kind of index: what one of them took up is in no other.

    Args:
        ledger: That they share.
        index: To be used with it.
        replace: Use it from now on, and have it built anew, where another kind was used.

    Returns:
        The name of its kind.

    Raises:
        SettingsError: The ledger is used with another kind.
    """
    with ledger.write() as connection:
        kept = claim_meta(connection, KIND, mine := type(index).__name__)
        if kept != mine and replace:
            put_meta(connection, KIND, mine)
            put_meta(connection, HOLDER, "")
            mark_purge(connection)  # an index that was used earlier may hold what is gone since
            kept = mine
    if kept != mine:
        raise SettingsError(
            f"The store {ledger.name} is used with a {kept}, and this would open it with a {mine}: "
            "each would lack what the other was told. Give the same index= everywhere; or, to "
            "change it for all, end all who use the store and open it once with "
            "replace_index=True, which builds the new index from the ledger."
        )
    return mine


def check_used(connection: Connection, kind: str | None, *, alone: bool = False) -> None:
    """Make sure that no other kind of index took the place of one that is open.

    Args:
        connection: On the ledger.
        kind: Of the index; ``None`` where no other process can have another one.
        alone: Let nobody change it before the transaction, which writes, has ended.

    Raises:
        IndexUnavailableError: One did.
    """
    if kind is None:
        return
    kept = claim_meta(connection, KIND, kind) if alone else get_meta(connection, KIND)
    if kept != kind:
        raise IndexUnavailableError(
            f"a {kept} took the place of this {kind} (replace_index=True); open the store anew"
        )


def batches(ledger: Ledger) -> Iterator[Batch]:
    """Everything that the index is rebuilt from, scope by scope.

    Each batch is read in a transaction of its own.
    """
    for owners, owner, row, first_id, held in _KINDS:
        with ledger.read() as connection:
            holding = owners.c.id.in_(select(owner).where(held))
            scopes = connection.execute(select(owners.c.id, owners.c.key).where(holding)).all()
        for owner_row, scope in scopes:
            query = select(row, owner.table.c.vector).where(owner == owner_row, held)
            query = query.order_by(row).limit(_BATCH)
            rows = [0]
            while rows:
                with ledger.read() as connection:
                    rows, found = unpack_rows(connection.execute(query.where(row > rows[-1])))
                if rows:
                    yield Batch(scope, [first_id + each for each in rows], found)


def settle(connection: Connection, over: int, rows: Collection[int] | None = None) -> None:
    """Let turns that have their vector wait for the index only if their users belong into it.

    That are those with more searchable turns than ``over``, from then on with all their turns.

    Args:
        connection: A write transaction on the ledger.
        over: How many turns of a user are compared one by one.
        rows: Only these turns, and their users; ``None`` for all.
    """
    new = select(users.c.id).where(users.c.searchable > over, ~users.c.indexed)
    done = select(vectors.c.turn).join(users, users.c.id == vectors.c.user).where(~users.c.indexed)
    if rows is not None:
        new = new.where(users.c.id.in_(select(turns.c.user).where(turns.c.id.in_(list(rows)))))
        done = done.where(vectors.c.turn.in_(list(rows)))
    held = select(literal(EMBED), vectors.c.user, vectors.c.turn)
    held = held.where(vectors.c.user.in_(new), vectors.c.turn.not_in(_WAITS))
    queue = upsert(work).from_select(["kind", "user", "item"], held)
    connection.execute(queue.on_conflict_do_nothing())
    connection.execute(update(users).where(users.c.id.in_(new)).values(indexed=True))
    connection.execute(delete(work).where(work.c.kind == EMBED, work.c.item.in_(done)))


def settle_all(connection: Connection, over: int) -> None:
    """Settle for everybody, unless that was done for as few turns: it looks at all of them."""
    known = get_meta(connection, SETTLED)
    if not known or over < int(known):
        settle(connection, over)
        put_meta(connection, SETTLED, str(over))


def leave_out_small(connection: Connection, over: int) -> None:
    """Leave users with clearly fewer searchable turns than that out of an index built anew."""
    small = users.c.indexed, users.c.searchable <= _SHRUNK * over
    connection.execute(update(users).where(*small).values(indexed=False))
    settle(connection, over)
    put_meta(connection, SETTLED, str(over))


def mark_purge(connection: Connection) -> None:
    """Note, with an erasure, that the files of index and ledger must be rewritten."""
    put_meta(connection, PURGE, uuid.uuid4().hex)


def clear_purge(connection: Connection, mark: str) -> None:
    """Note that they were, unless something was erased after that mark was read."""
    mine = meta.c.name == PURGE, meta.c.value == mark
    connection.execute(update(meta).where(*mine).values(value=""))
