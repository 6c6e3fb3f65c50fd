"""Import of an export: checked wholly first, then written in batches, then shown at once."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from lightmem_integrations.engine.store import Store
from lightmem_integrations.errors import InvalidImportError, LightMemError
from lightmem_integrations.knowledge.vectors import embed_missing
from lightmem_integrations.records.transfer import Transfer
from lightmem_integrations.safety import digest, short_repr
from lightmem_integrations.storage.ledger import TERMS_NAME
from lightmem_integrations.storage.transfer.read import Record, read_memory
from lightmem_integrations.storage.transfer.resolve import NumberedRecord, refused
from lightmem_integrations.storage.transfer.tables import KINDS
from lightmem_integrations.storage.transfer.write import (
    Stage,
    close_stage,
    drop_stages,
    open_stage,
    show,
    write_batch,
    write_documents,
)
from lightmem_integrations.storage.users import find_user, memory_of_space
from lightmem_integrations.text.terms import VERSION as TERMS
from lightmem_integrations.transfer.check import check_record, completed, read_record
from lightmem_integrations.transfer.export import OnTransfer, Tally
from lightmem_integrations.transfer.lines import Lines

logger = logging.getLogger(__name__)

_BATCH = 500  # records written in a transaction; a guess: some 20 ms, for which others wait

_ORDER = {kind.name: place for place, kind in enumerate(KINDS)}
_NAMING = ("key", "fact", "episode", "first", "second", "superseded_by")
"""Fields that hold the public ids of episodes, facts and conflicts."""

_VOLATILE = ("accesses", "accessed_at")
"""Fields that a recall changes: they make no other memory of one."""


def load(
    store: Store, file: Path, into_user: str | None, on_progress: OnTransfer | None = None
) -> Transfer:
    """Write what a file holds into a store: all of it or, on an error, nothing.

    Stopped at any point, the next call with the same file goes on there.

    Args:
        store: Where to.
        file: Of an export.
        into_user: Whose memory it becomes; ``None`` for whose it was.
        on_progress: Hears how many lines are written, and of how many.

    Raises:
        InvalidImportError: The file is no whole export, or the store holds something else there.
        StorageError: The store cannot be written.
    """
    store.ledger.check_writable()
    now = dt.datetime.fromtimestamp(store.ledger.now(), dt.timezone.utc)
    reading = _Reading(store, file, into_user, now)
    reading.check()
    writing = _Writing(store, reading, on_progress)
    try:
        stages = writing.run()
    except InvalidImportError:
        with store.ledger.write() as connection:
            drop_stages(connection, reading.digest)
        raise
    if reading.lines.header.get("terms") != TERMS:
        store.ledger.put(
            TERMS_NAME, ""
        )  # cut by other rules: they are cut anew at the next opening
    for stage in stages:
        try:
            embed_missing(store, stage.row)
        except LightMemError as error:
            logger.warning("Facts and episodes get their vectors later: %s", error)
    return writing.tally.transfer(unchanged=len(reading.unchanged))


class _Reading:
    """A file that is read twice, its records as they are to be written.

    Attributes:
        unchanged: Ids of memories that the store holds already, just as they are in the file.
        lines: The last reading.
        digest: Of the file, and whose it is to be.
    """

    def __init__(self, store: Store, file: Path, into_user: str | None, now: dt.datetime) -> None:
        self._store = store
        self._file = file
        self._into = into_user
        self._now = now
        self.unchanged: set[str] = set()
        self._other: InvalidImportError | None = None
        self.lines = Lines(file)
        self.digest = ""
        self.count = 0

    def __iter__(self) -> Iterator[tuple[int, Record]]:
        self.lines = Lines(self._file)
        for number, record in self.lines:
            yield number, self._renamed(record)

    def completed(self, number: int, record: Record) -> NumberedRecord:
        """A record that was checked, as it is to be written."""
        return completed(read_record(number, record), self._store.settings, self._now)

    def check(self) -> None:
        """Read the file to its end, and compare it with what is there already.

        Raises:
            InvalidImportError: Nothing of it may be written.
        """
        place, memory, same, may_hold_grants = -1, "", None, False
        with self._store.ledger.read() as connection:
            for number, record in self:
                read = read_record(number, record)
                check_record(read, self._store.settings, self._now)
                kind, before = read.kind, place
                place = _ORDER[kind.name]
                if kind.name in ("user", "document"):
                    self._end(number, memory, same)
                    memory, same = "", None
                    self._check_owner(number, read.values)
                    may_hold_grants = kind.name == "user" and read.values["space"]
                    if kind.name == "user":
                        if before == _ORDER["document"]:
                            raise refused(number, "holds a user behind the documents.")
                        memory = memory_named(read.values)
                        same = self._known(connection, memory)
                elif before < 0 or place < before:
                    raise refused(number, f"holds a {kind.name} where none may stand.")
                elif kind.name == "grant" and not may_hold_grants:
                    raise refused(
                        number, "holds a grant on a user's memory; spaces alone have any."
                    )
                if same is not None and not _same(next(same, {}), read.values):
                    self._note(number, memory)
            self._end(self.lines.lines, memory, same)
        if self._other is not None:  # now that the file is known to be whole
            raise self._other
        self.digest = self.digest_now()
        self.count = self.lines.lines

    def digest_now(self) -> str:
        """The digest of what was read last."""
        return digest(f"{self.lines.digest} {self._into}", 16)

    def _known(self, connection: Connection, memory: str) -> Iterator[Record] | None:
        user = find_user(connection, memory)
        return None if user is None else read_memory(connection, user.row)

    def _end(self, number: int, memory: str, same: Iterator[Record] | None) -> None:
        if same is None:
            return
        if next(same, None) is not None:
            self._note(number, memory)
        self.unchanged.add(memory)

    def _note(self, number: int, memory: str) -> None:
        """Note the first line in which the store's memory is another one."""
        self._other = self._other or refused(
            number, f"is not what the store holds of {short_repr(memory)}. Import it with "
            "into_user= (--user) as somebody else's, or forget that memory first.",
        )  # fmt: skip

    def _check_owner(self, number: int, record: Record) -> None:
        """Refuse another user's memory in the file of one."""
        whose = self.lines.header.get("user")
        if whose is None:
            if self._into is not None:
                raise refused(1, "says that the file holds a whole store: it is of no one user.")
        elif not isinstance(whose, str) or record["record"] != "user" or (
            record["space"] or record["name"] != (self._into or whose)
        ):  # fmt: skip
            raise refused(number, f"is not of the user {short_repr(whose)}, whose file this is.")

    def _renamed(self, record: Record) -> Record:
        """The record as that of the user into whose memory it goes, with ids of its own."""
        whose = self.lines.header.get("user")
        if self._into is None or self._into == whose:
            return record
        names = {name: record[name] for name in _NAMING if isinstance(record.get(name), str)}
        new = {name: digest(f"{self._into}\0{key}", 16) for name, key in names.items()}
        if record.get("record") == "user" and record.get("name") == whose:
            new["name"] = self._into
        return record | new


class _Writing:
    """The second reading of a file, written batch by batch."""

    def __init__(self, store: Store, reading: _Reading, on_progress: OnTransfer | None) -> None:
        self._store = store
        self._reading = reading
        self._on_progress = on_progress
        self._batch: list[NumberedRecord] = []
        self._replaced: list[tuple[int, str, str]] = []  # of one memory; see close_stage
        self.stages: list[Stage] = []
        self.tally = Tally()

    def run(self) -> list[Stage]:
        """Write everything, and show it.

        Raises:
            InvalidImportError: A record names what is not there, or the file was changed meanwhile.
        """
        stage: Stage | None = None
        records = iter(self._reading)
        first_document: NumberedRecord | None = None
        for number, record in records:
            if record["record"] in ("user", "document"):
                self._close(stage)
                checked = self._reading.completed(number, record)
                if record["record"] == "document":
                    first_document = checked
                    break
                stage = self._open(checked)
            if stage is None:
                continue
            self.tally.add(record)
            if record["record"] == "fact" and record.get("superseded_by") is not None:
                self._replaced.append((number, record["key"], record["superseded_by"]))
            if number > stage.line:
                self._add(stage, self._reading.completed(number, record))
        else:
            self._close(stage)
        with self._store.ledger.write() as connection:
            show(connection, self.stages)
            if first_document is not None:
                self._documents(connection, first_document, records)
            if self._reading.digest_now() != self._reading.digest:
                raise refused(
                    1, "and others are not what they were: the file was changed meanwhile."
                )
        self._tell(self._reading.count)
        return self.stages

    def _open(self, first: NumberedRecord) -> Stage | None:
        memory = memory_named(first.values)
        if memory in self._reading.unchanged:
            return None
        with self._store.ledger.write() as connection:
            stage = open_stage(connection, memory, first, self._reading.digest)
        self.stages.append(stage)
        return stage

    def _add(self, stage: Stage, record: NumberedRecord) -> None:
        if self._batch and (len(self._batch) >= _BATCH or self._batch[0].kind != record.kind):
            self._flush(stage)
        self._batch.append(record)

    def _flush(self, stage: Stage) -> None:
        if self._batch:
            with self._store.ledger.write() as connection:
                write_batch(connection, stage, self._batch, self._reading.digest)
            self._tell(self._batch[-1].line)
            self._batch = []

    def _close(self, stage: Stage | None) -> None:
        if stage is not None:
            self._flush(stage)
            with self._store.ledger.write() as connection:
                close_stage(connection, stage, self._replaced)
            self._replaced = []

    def _documents(
        self, connection: Connection, first: NumberedRecord, records: Iterator[tuple[int, Record]]
    ) -> None:
        write_documents(connection, [first])
        self.tally.add(first.values)
        for number, record in records:
            write_documents(connection, [self._reading.completed(number, record)])
            self.tally.add(record)

    def _tell(self, line: int) -> None:
        if self._on_progress is not None:
            self._on_progress(line, self._reading.count)


def memory_named(record: Record) -> str:
    """The id of the memory that a record of a user or a space begins."""
    return memory_of_space(record["name"]) if record["space"] else str(record["name"])


def _same(known: Record, given: Record) -> bool:
    return _lasting(known) == _lasting(given)


def _lasting(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in _VOLATILE}
