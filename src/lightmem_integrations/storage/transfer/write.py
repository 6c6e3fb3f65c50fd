"""Records written to a ledger: behind a curtain first, batch by batch, and shown all at once.

A memory that is being imported stands under a key that no user and no space has. An import that
was stopped goes on where its mark says; one that fails leaves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from lightmem_integrations.errors import InvalidImportError, StorageError
from lightmem_integrations.safety import key_of, short_repr
from lightmem_integrations.settings import Settings
from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.erase.turns import erase_user, recount_user
from lightmem_integrations.storage.expiry import NOTHING, expired
from lightmem_integrations.storage.index_contents import mark_purge
from lightmem_integrations.storage.namespaces import ensure_namespace, path_of
from lightmem_integrations.storage.new_turns import EMBED
from lightmem_integrations.storage.schema import (
    conflicts,
    episodes,
    facts,
    mentions,
    revisions,
    sessions,
    turns,
    users,
    work,
)
from lightmem_integrations.storage.sql import insert_new, insert_rows, select_in
from lightmem_integrations.storage.transfer.resolve import (
    NumberedRecord,
    find_rows,
    hashable,
    own_columns,
    refused,
    resolved,
    there_already,
)
from lightmem_integrations.storage.transfer.tables import BY_NAME, Kind
from lightmem_integrations.storage.turn_metadata import insert_metadata
from lightmem_integrations.storage.users import find_user, is_space, lock_users
from lightmem_integrations.storage.work_queue import Due, make_due, select_unread
from lightmem_integrations.text.names import entity_keys

# Half a surrogate pair, as before the name of a space, but another one.
_CURTAIN = "\udc01"

_BESIDE = (
    "Another process imports the same memory now, or erased what was imported of it. Wait until "
    "none does, and import the file again: that goes on where it was stopped."
)
_WRITTEN = "The user or space was written to while it was imported. Nothing was imported."

_BATCH = 500  # rows read at a time; a guess


@dataclass(frozen=True, slots=True)
class Stage:
    """A memory that is being imported: its row, whose it is to be, and the last line written."""

    row: int
    memory: str
    line: int


def open_stage(connection: Connection, memory: str, first: NumberedRecord, mark: str) -> Stage:
    """Begin to import a memory, or go on where the import of the same file was stopped."""
    query = select(users.c.id, users.c.staged).where(users.c.key == key_of(_CURTAIN + memory))
    known = connection.execute(query.with_for_update(key_share=True)).first()
    if known is not None:
        of, _, line = known.staged.rpartition(":")
        if of == mark:
            return Stage(known.id, memory, int(line))
        _drop(connection, known.id)
    row = insert_new(
        connection, users, **own_columns(first) | {"space": False}, key=key_of(_CURTAIN + memory),
        searchable=0, terms=0, staged=f"{mark}:{first.line}",
    )  # fmt: skip
    if row is None:
        raise StorageError(_BESIDE)
    return Stage(row, memory, first.line)


def write_batch(
    connection: Connection, stage: Stage, batch: Sequence[NumberedRecord], mark: str
) -> None:
    """Write records of one kind.

    Raises:
        InvalidImportError: One of them names what is not there, or is there already.
        StorageError: Another process imports the same, or erased it.
    """
    query = select(users.c.staged).where(users.c.id == stage.row).with_for_update(key_share=True)
    of, _, line = (connection.execute(query).scalar() or "").rpartition(":")
    if of != mark or int(line) >= batch[0].line:
        raise StorageError(_BESIDE)
    kind = batch[0].kind
    rows = resolved(connection, stage.row, batch)
    if kind.owner is not None:
        rows = [row | {kind.owner.name: stage.row} for row in rows]
    written = _insert(connection, kind, stage.row, batch, rows)
    if kind.members is not None:
        _tie(connection, kind.members, stage.row, batch, rows, written)
    both = list(zip(written, rows, strict=False))  # none where the table has no row ids
    if kind.table is turns:
        searchable = [(row, at["terms"]) for row, at in both if at["searchable"]]
        lexical.add(connection, stage.row, searchable)
        metadata = [(row, json.loads(at["metadata"] or "{}")) for row, at in both]
        insert_metadata(connection, stage.row, metadata)
    if kind.table is facts:
        named = [
            {"fact": row, "entity": entity, "user": stage.row}
            for row, at in both
            for entity in entity_keys(at["subject"], json.loads(at["entities"]))
        ]
        insert_rows(connection, mentions, named)
    note = update(users).where(users.c.id == stage.row)
    connection.execute(note.values(staged=f"{mark}:{batch[-1].line}"))


def close_stage(
    connection: Connection, stage: Stage, replaced: Sequence[tuple[int, str, str]]
) -> None:
    """Complete a memory whose records are all written: say what took facts' places, and count.

    Args:
        connection: Of a write transaction.
        stage: The memory.
        replaced: By line, the key of each fact that gave way, and of the fact that took its place.

    Raises:
        InvalidImportError: A fact gave way to one that is not there.
    """
    query = select(facts.c.key, facts.c.id).where(facts.c.user == stage.row)
    keys = {key for _, old, new in replaced for key in (old, new)}
    rows = dict(select_in(connection, query, facts.c.key, keys))
    for line, _, new in replaced:
        if new not in rows:
            raise refused(line, f"names the fact {short_repr(new)}, which the file does not hold.")
    if replaced:
        replace = update(facts).where(facts.c.id == bindparam("old"))
        connection.execute(
            replace.values(superseded_by=bindparam("new")),
            [{"old": rows[old], "new": rows[new]} for _, old, new in replaced],
        )
    if connection.execute(select(facts.c.id).where(facts.c.user == stage.row).limit(1)).first():
        there = select(revisions.c.user).where(revisions.c.user == stage.row)
        if connection.execute(there).first() is None:
            insert_rows(connection, revisions, [{"user": stage.row, "revision": 1, "erased": 0}])
    recount_user(connection, stage.row)


def show(connection: Connection, stages: Collection[Stage]) -> None:
    """Show memories that were imported, and give to do what is to be done with them.

    Raises:
        InvalidImportError: One of them came into being meanwhile.
    """
    for stage in stages:
        if find_user(connection, stage.memory) is not None:
            raise InvalidImportError(_WRITTEN)
        to_embed = select(literal(EMBED), turns.c.user, turns.c.id).where(
            turns.c.user == stage.row, turns.c.searchable
        )
        connection.execute(insert(work).from_select(["kind", "user", "item"], to_embed))
        mine = select(sessions.c.id).where(sessions.c.user == stage.row).order_by(sessions.c.id)
        for session in connection.execute(mine).scalars().all():
            unread = select_unread(Due(stage.row, session), turns.c.id).limit(1)
            if connection.execute(unread).first() is not None:
                make_due(connection, stage.row, [session])
        shown = {"key": key_of(stage.memory), "space": is_space(stage.memory), "staged": None}
        try:
            connection.execute(update(users).where(users.c.id == stage.row).values(**shown))
        except IntegrityError:
            raise InvalidImportError(_WRITTEN) from None


def drop_stages(connection: Connection, mark: str) -> None:
    """Erase what was imported of a file that was not shown yet."""
    query = select(users.c.id).where(users.c.staged.startswith(f"{mark}:", autoescape=True))
    for row in connection.execute(query).scalars().all():
        _drop(connection, row)


def drop_expired_stages(connection: Connection, settings: Settings, at: float) -> None:
    """Erase what imports left that were stopped, where some of it is over: nobody may go on."""
    query = select(users.c.id).where(users.c.staged.is_not(None))
    for row in connection.execute(query).scalars().all():
        if expired(connection, row, settings, at) != NOTHING:
            _drop(connection, row)


def _drop(connection: Connection, row: int) -> None:
    lock_users(connection, [row])
    found = select(turns.c.id, turns.c.terms).where(turns.c.user == row, turns.c.searchable)
    for part in connection.execute(found, execution_options={"yield_per": _BATCH}).partitions():
        lexical.remove(connection, row, [(turn, terms) for turn, terms in part])
    erase_user(connection, row)
    mark_purge(connection)


def erase_stage(connection: Connection, memory: str) -> None:
    """Erase what an import of a memory left that was stopped."""
    query = select(users.c.id).where(users.c.key == key_of(_CURTAIN + memory))
    row = connection.execute(query).scalar()
    if row is not None:
        _drop(connection, row)


def write_documents(connection: Connection, batch: Sequence[NumberedRecord]) -> int:
    """Write documents; returns how many were not there yet.

    Raises:
        InvalidImportError: One has another value here.
    """
    kind, new = BY_NAME["document"], 0
    for each in batch:
        space = ensure_namespace(connection, path_of(each.values["namespace"]))
        table, values = kind.table, own_columns(each) | {"namespace": space}
        query = select(table).where(table.c.namespace == space, table.c.key == values["key"])
        known = connection.execute(query).first()
        if known is None:
            connection.execute(insert(table).values(**values))
            new += 1
        elif any(known._mapping[name] != values[name] for name in ("name", "value", "fields")):
            raise refused(each.line, f"holds the document {short_repr(values['name'])}, and the "
                          "store has another one of that name.")  # fmt: skip
    return new


def _insert(
    connection: Connection, kind: Kind, user: int, batch: Sequence[NumberedRecord],
    rows: Sequence[dict[str, Any]],
) -> list[int]:  # fmt: skip
    """Insert rows; returns their row ids, where the table has such.

    Raises:
        InvalidImportError: One of them is there already.
    """
    if kind.table in (episodes, facts, conflicts):  # their ids are of the store, not of a user
        column = kind.table.c.key
        others = select(column).where(kind.table.c.user != user)
        taken = {key for (key,) in select_in(connection, others, column, [r["key"] for r in rows])}
        for each, row in zip(batch, rows, strict=True):
            if row["key"] in taken:
                raise there_already(each)
    try:
        with connection.begin_nested():
            connection.execute(insert(kind.table), rows)
    except IntegrityError:
        for each, row in zip(batch, rows, strict=True):
            try:
                connection.execute(insert(kind.table).values(**row))
            except IntegrityError:
                raise there_already(each) from None
        raise
    if "id" not in kind.table.c or kind.owner is None:
        return []
    last = select(kind.table.c.id).where(kind.owner == user).order_by(kind.table.c.id.desc())
    return list(connection.execute(last.limit(len(rows))).scalars())[::-1]


def _tie(
    connection: Connection, members: ColumnElement[Any], user: int,
    batch: Sequence[NumberedRecord], rows: Sequence[dict[str, Any]], written: Sequence[int],
) -> None:  # fmt: skip
    """Tie turns to what was written of them."""
    named = [(each.line, name) for each in batch for name in each.values["turns"]]
    found = find_rows(connection, user, turns, named)
    table: Table = members.table
    ties = []
    for each, row, row_id in zip(batch, rows, written, strict=True):
        tie = {members.name: row_id, "user": user}
        if "fact" in table.c:
            tie["fact"] = row["fact"]
        ties += [tie | {"turn": found[hashable(name)]} for name in each.values["turns"]]
    try:
        insert_rows(connection, table, ties)
    except IntegrityError:
        raise refused(
            batch[0].line, f"or one up to line {batch[-1].line} names a turn that is taken already."
        ) from None
