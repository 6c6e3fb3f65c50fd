"""The file of an export: JSON lines between a header and a last line with number and checksum."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from lightmem_integrations.errors import (
    InvalidImportError,
    InvalidRequestError,
    StorageError,
)
from lightmem_integrations.safety import short_repr, type_of
from lightmem_integrations.storage.migrations.runner import VERSION as SCHEMA
from lightmem_integrations.storage.transfer.read import Record
from lightmem_integrations.storage.transfer.resolve import refused

FORMAT, VERSION = "lightmem", 1

_LINE_ENDS = "\x85\u2028\u2029"  # those that JSON leaves as they are, and some readers break at
_LONGEST = 2**30
"""Bytes of a line at most: a row of SQLite holds 10^9. Who reads a file needs room for a few of its
longest line."""


def header(embedder: str, terms: str, user_id: str | None) -> Record:
    """The first line: what wrote the file, and whose memory it holds; ``None`` for everybody's."""
    return {
        "format": FORMAT, "version": VERSION, "schema": SCHEMA, "embedder": embedder,
        "terms": terms, "user": user_id,
    }  # fmt: skip


def checked_file(given: object) -> Path:
    """The path of a file, given as an argument.

    Raises:
        InvalidRequestError: It is none.
    """
    text = os.fspath(given) if isinstance(given, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidRequestError(f"file is {short_repr(given)}. Pass the path of a file.")
    if Path(text).is_dir():
        raise InvalidRequestError(f"{short_repr(text)} is a folder. Pass the path of a file.")
    return Path(text).expanduser()


def write_lines(stream: BinaryIO, records: Iterable[Mapping[str, Any]]) -> None:
    """Write records, the header first, and the last line.

    Raises:
        StorageError: A record takes a line that would not be read back.
    """
    seen, count = hashlib.sha256(), 0
    for record in records:
        line = _line(record)
        if len(line) > _LONGEST:
            session = record.get("session")
            within = "" if session is None else f" of the session {short_repr(session)}"
            raise StorageError(
                f"Line {count + 1} of the export, the {record.get('record')} "
                f"{short_repr(record.get('name', record.get('key')))}{within}, would take "
                f"{len(line):,} bytes; no import reads more than {_LONGEST:,}. Nothing was "
                "written. Keep large data elsewhere and a reference to it in the memory: forget "
                "it, or add it anew without what is large."
            )
        seen.update(line)
        stream.write(line)
        count += 1
    stream.write(_line({"record": "end", "lines": count, "sha256": seen.hexdigest()}))


class Lines:
    """The records of a file, read once from begin to end.

    Attributes:
        header: Its first line.
        digest: Of all lines but the last, once they are read.
        lines: Their number.

    Raises:
        InvalidImportError: It is no export, was cut or changed, or comes from a newer version.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = hashlib.sha256()
        self.lines = 0
        self.header: Mapping[str, Any] = {}

    @property
    def digest(self) -> str:
        """SHA-256 of the lines that were read."""
        return self._seen.hexdigest()

    def __iter__(self) -> Iterator[tuple[int, Record]]:
        try:
            with self._file.open("rb") as stream:
                self.header = self._header(stream)
                yield from self._records(stream)
        except OSError as error:
            raise InvalidImportError(
                f"The file {str(self._file)!r} cannot be read: {error}. Nothing was imported."
            ) from error

    def _header(self, stream: BinaryIO) -> Record:
        line = stream.readline(_LONGEST + 1)
        try:
            found = _parsed(1, line)
        except InvalidImportError:
            found = {}
        if found.get("format") != FORMAT:
            raise refused(
                1, "is not that of an export of this library: it has no \"format\": \"lightmem\". "
                "Exports of other products take --from.",
            )  # fmt: skip
        for name, newest in (("version", VERSION), ("schema", SCHEMA)):
            given = found.get(name)
            if not isinstance(given, int) or isinstance(given, bool) or given < 1:
                raise refused(1, f"has the {name} {short_repr(given)}, which is no number.")
            if given > newest:
                raise refused(
                    1, f"says that a newer version of this library wrote the file: {name} {given}, "
                    f"and {newest} is the last one known here. Update lightmem-integrations.",
                )  # fmt: skip
        self._count(line)
        return found

    def _records(self, stream: BinaryIO) -> Iterator[tuple[int, Record]]:
        while line := stream.readline(_LONGEST + 1):
            number = self.lines + 1
            record = _parsed(number, line)
            if record.get("record") == "end":
                self._check_end(number, record)
                if stream.read(1):
                    raise refused(number + 1, "stands behind the last line of the export.")
                return
            self._count(line)
            yield number, record
        raise refused(self.lines + 1, "is missing: the file was cut, it lacks its last line.")

    def _check_end(self, number: int, record: Record) -> None:
        if record.get("lines") != self.lines:
            raise refused(
                number, f"says that {short_repr(record.get('lines'))} lines precede it, and "
                f"{self.lines} do.",
            )  # fmt: skip
        if record.get("sha256") != self.digest:
            raise refused(
                number, f"has the checksum {short_repr(record.get('sha256'))}, and that of the "
                f"lines before is {self.digest}: the file was changed or damaged.",
            )  # fmt: skip

    def _count(self, line: bytes) -> None:
        self._seen.update(line)
        self.lines += 1


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    for character in _LINE_ENDS:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode() + b"\n"


def _parsed(number: int, line: bytes) -> Record:
    if len(line) > _LONGEST:
        raise refused(number, f"is longer than {_LONGEST:,} bytes.")
    if not line.endswith(b"\n"):
        raise refused(number, "ends in the middle: the file was cut.")
    try:
        found = json.loads(line.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise refused(number, f"is no JSON: {type(error).__name__}: {error}.") from error
    if not isinstance(found, dict):
        raise refused(number, f"is no record, but {type_of(found)}.")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
