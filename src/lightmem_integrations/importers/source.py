"""Sources of an import: a file, a ZIP or folder of an export, or data that is loaded already."""

from __future__ import annotations

import io
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from lightmem_integrations.errors import InvalidImportError, InvalidRequestError
from lightmem_integrations.importers.json_stream import MalformedJSONError, json_values
from lightmem_integrations.records.storable import as_json
from lightmem_integrations.safety import typed_repr

# ChatGPT cuts a large export into conversations-000.json and so on.
_EXPORT = re.compile(r"conversations(-\d+)?\.json")


class Item(NamedTuple):
    """One element of a source, and where it stands, for errors."""

    where: str
    value: Any


class Source:
    """What is imported; it can be gone through several times.

    Args:
        given: A path, or the items themselves.
        form: Its form, for errors.

    Attributes:
        name: What sessions without an id of their own are named after.

    Raises:
        InvalidImportError: There is no such file, or nothing to import in it.
        InvalidRequestError: It is something else.
    """

    def __init__(self, given: object, form: str) -> None:
        self._path = Path(given) if isinstance(given, (str, os.PathLike)) else None
        self._items: tuple[Any, ...] = ()
        self.name = form
        if self._path is not None:
            self.name = self._path.stem
            if not self._path.exists():
                raise InvalidImportError(f"There is no file {str(self._path)!r}. Pass its path.")
        elif isinstance(given, Mapping):
            self._items = (given,)
        elif isinstance(given, Iterable) and not isinstance(given, (bytes, bytearray)):
            self._items = tuple(given)
        else:
            raise InvalidRequestError(
                f"source is {typed_repr(given)}. Pass the path of a file "
                "or what was loaded from it."
            )

    def items(self) -> Iterator[Item]:
        """All items, in their order.

        Raises:
            InvalidImportError: A file is cut, damaged, or no JSON.
        """
        if self._path is None:
            for place, value in enumerate(self._items, start=1):
                yield Item(f"item {place}", _plain(value))
            return
        name, place = self._path.name, 0
        try:
            for name, opened in _files(self._path):
                place = 0
                with io.TextIOWrapper(opened(), encoding="utf-8-sig") as text:
                    for place, (line, value) in enumerate(json_values(text), start=1):
                        yield Item(f"{name}, item {place} (line {line})", value)
        except MalformedJSONError as error:
            raise InvalidImportError(f"{name}, after item {place}, {error}.") from error
        except UnicodeDecodeError as error:
            raise InvalidImportError(
                f"{name}, after item {place}: it is not encoded in UTF-8 ({error.reason})."
            ) from error
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
            # RuntimeError: the archive asks for a password.
            raise InvalidImportError(f"{name} cannot be read: {error}.") from error


def _plain(value: Any) -> Any:
    """The item as JSON data: LangGraph's ``Item``, LangMem's memories, pydantic's models."""
    if isinstance(value, Mapping):
        return value
    for name in ("model_dump", "_asdict", "dict"):
        if hasattr(value, name):
            return as_json(getattr(value, name)())
    return value


def _files(path: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    if path.is_dir():
        inside = sorted(each for each in path.rglob("*.json") if _EXPORT.fullmatch(each.name))
        for each in inside or _nothing_in(path):
            yield each.name, partial(each.open, "rb")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = sorted(
                each for each in archive.namelist() if _EXPORT.fullmatch(each.rpartition("/")[2])
            )
            for name in names or _nothing_in(path):
                yield name, partial(archive.open, name)
    else:
        yield path.name, partial(path.open, "rb")


def _nothing_in(path: Path) -> NoReturn:
    raise InvalidImportError(
        f"{path.name} holds no conversations.json. Pass the file that is to be imported."
    )
