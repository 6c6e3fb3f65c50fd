"""Folder of a store: where its path leads, what lies in it, and who may read that."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from lightmem_integrations.errors import LedgerError, SettingsError, StorageError
from lightmem_integrations.safety import has_lone_surrogates, short_repr, typed_repr

LEDGER = "ledger.sqlite"
"""Name of the ledger's file in a store's folder."""

INDEX = "index"
"""Name of the vector index's folder in a store's folder."""

# Written once the ledger is: a ledger that is missing beside it was lost, and is no new one.
_USED = "ledger.created"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600  # vectors give away the text they were made of

_FLATTENED = re.compile(r"postgres(ql)?(\+\w+)?:/(?!/)")


def folder_of(path: object) -> Path:
    """The absolute path of a store's folder, as every way to open a store understands it.

    A name is never parsed: only a leading ``~`` means the home folder, as in a shell.

    Raises:
        SettingsError: It is no path, or one that cannot be a folder.
    """
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise SettingsError(
            f"The store's path is {typed_repr(path)}. Pass the path of a "
            "folder, such as './memory'; None keeps everything in a temporary one."
        )
    text = str(os.fspath(path))
    reason = _refusal(text)
    if reason:
        is_url = "://" in text or _FLATTENED.match(text)  # and may hold a password
        shown = f"{text.partition(':')[0]}:..." if is_url else text
        raise SettingsError(f"The store's path {short_repr(shown)} {reason}")
    folder = Path(os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path forgets a leading ./
    if ".." in folder.parts:
        folder = folder.resolve()
    if os.path.exists(folder) and not os.path.isdir(folder):  # noqa: PTH110, PTH112 - never raise
        raise SettingsError(f"The store's path {str(folder)!r} is a file; pass a folder.")
    return folder


def _refusal(text: str) -> str | None:
    if not text:
        return "is empty. Pass the path of a folder; '.' is the working directory."
    if _FLATTENED.match(text):
        return (
            "is the URL of a database that went through Path, which swallows a slash. Pass the "
            "URL as a text."
        )
    if "://" in text:
        return (
            "is a URL of no database that can hold a store. Pass the path of a folder, or "
            "postgresql+psycopg://user:password@host/database; one of SQLite goes into ledger=, "
            "and ChromaIndex.server(...) into index=."
        )
    if "\0" in text or has_lone_surrogates(text):
        return "holds a NUL character or a lone surrogate. Pass a name without."
    return None


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can read; one that exists keeps its mode.

    Raises:
        OSError: It cannot be made.
    """
    if not folder.is_dir():
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)


def make_private_file(file: Path) -> None:
    """Make an empty file that only its owner can read, unless it exists."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE_FILE))


def make_private_files(folder: Path) -> None:
    """Take from others what another library made in a folder of ours."""
    for place, folders, files in os.walk(folder):
        for name, mode in (
            *((each, _PRIVATE_FOLDER) for each in folders),
            *((each, _PRIVATE_FILE) for each in files),
        ):
            with suppress(OSError):  # gone meanwhile
                Path(place, name).chmod(mode)


def size_in_bytes(folder: Path) -> int:
    """Size of all files in a folder, those left out that go while it is measured."""
    size = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                size += Path(place, name).stat().st_size
    return size


def check_ledger_is_there(folder: Path, ledger: Path) -> None:
    """Refuse a folder whose ledger was lost: opened as new, what is left of it would go as well.

    Args:
        folder: Of the store.
        ledger: The ledger's file, in the folder or elsewhere.

    Raises:
        LedgerError: The ledger is missing or empty, and the folder was used as a store.
    """
    if ledger.is_file() and ledger.stat().st_size:
        return
    vectors = any((folder / INDEX).glob("generation-*"))
    if vectors or (folder / _USED).exists():
        state = "is empty" if ledger.exists() else "is missing"
        left = f", and its vector index {str(folder / INDEX)!r} is still there" if vectors else ""
        raise LedgerError(
            f"The ledger {str(ledger)!r} {state}{left}. It holds everything that was remembered: "
            "restore it from a backup. To begin anew instead, remove "
            f"{INDEX!r} and {_USED!r} from {str(folder)!r}."
        )


def note_ledger_created(folder: Path) -> None:
    """Note that the folder has a ledger, so that it is missed when it is lost."""
    with suppress(OSError):  # a full disk shows at the first write that matters
        make_private_file(folder / _USED)


def check_readable(path: Path | None, ledger_url: str | None, index: object | None) -> None:
    """Refuse to read only what is not there, or what nobody else can have written.

    Raises:
        SettingsError: It has no folder, or an index, which is not asked.
        StorageError: There is no ledger.
    """
    if path is None or index is not None:
        raise SettingsError(
            "read_only=True reads the folder of a store and compares the vectors in its ledger: "
            "pass path=, and leave index= out."
        )
    # Loads SQLAlchemy, which `lightmem --help` does without.
    from lightmem_integrations.storage.sqlite.ledger_url import file_of

    file = path / LEDGER if ledger_url is None else file_of(ledger_url)
    if not file.is_file():
        raise StorageError(
            f"There is no store in {str(path)!r}: it has no {str(file)!r}. Without read_only=True "
            "it is made."
        )
