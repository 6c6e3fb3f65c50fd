"""Generations of Chroma collections, and how one gives way to the next.

Chroma neither reclaims deleted vectors nor removes their files, so an index is cleaned, repaired
and re-embedded in one way: a new generation is built beside the old one, a pointer moves, and the
old one is removed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lightmem_integrations.storage.chroma.collection import NAMES
from lightmem_integrations.storage.sqlite.folder import make_private_files, make_private_folder

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.config import Settings


# How header.bin begins: version, offset, items that fit, items that are there, bytes of an item.
_HEADER = struct.Struct("<IQQQQ")
_FLOAT_BYTES = 4


class FolderGenerations:
    """Generations, numbered from 0, as sub-folders, the pointer and the marker as small files."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._pointer = folder / "current"
        self._marker = folder / "closed-cleanly.json"
        self._clients: dict[int, ClientAPI] = {}

    def __repr__(self) -> str:
        return repr(str(self._root))

    def folder(self, generation: int) -> Path:
        """The folder of a generation."""
        return self._root / f"generation-{generation:06d}"

    def current(self) -> int:
        """The generation that serves."""
        try:
            return int(self._pointer.read_text())
        except (FileNotFoundError, ValueError):
            # The pointer itself may be the damaged file; the newest folder is checked then.
            found = [int(path.name[-6:]) for path in self._root.glob("generation-*")]
            return max(found, default=0)

    def client(self, generation: int) -> ClientAPI:
        """A client of the generation's folder, opened once."""
        if generation not in self._clients:
            self._marker.unlink(missing_ok=True)
            make_private_folder(self._root)
            self._clients[generation] = open_folder(self.folder(generation))
        return self._clients[generation]

    def prefix(self, generation: int) -> str:  # noqa: ARG002 - the folder tells generations apart
        """Beginning of its collections' names."""
        return "shard-"

    def discard(self, generation: int) -> None:
        """Remove a generation that does not serve."""
        client = self._clients.pop(generation, None)
        if client is not None:  # of a build that failed; it would write into removed files
            client.close()  # type: ignore[attr-defined]
        shutil.rmtree(self.folder(generation), ignore_errors=True)

    def switch(self, generation: int) -> None:
        """Serve from this generation, and remove all others."""
        moved = self._pointer.with_suffix(".new")
        make_private_folder(self._root)
        moved.write_text(str(generation))
        moved.replace(self._pointer)
        for old in [each for each in self._clients if each != generation]:
            self._clients.pop(old).close()  # type: ignore[attr-defined]
        for path in self._root.glob("generation-*"):
            if path != self.folder(generation):
                shutil.rmtree(path, ignore_errors=True)
        self.blank()
        make_private_files(self._root)

    def blank(self) -> None:
        """Overwrite what files hold beyond items; loading a collection writes such, too."""
        blank_unused(self.folder(self.current()))

    def counts(self) -> Mapping[str, int]:
        """Number of items in each collection of the current generation."""
        client = self.client(self.current())
        return {each.name: each.count() for each in client.list_collections()}

    def counts_if_untouched(self) -> Mapping[str, int] | None:
        """The counts at the last clean close, if no file changed since; else ``None``."""
        try:
            marker = json.loads(self._marker.read_text())
            if marker["names"] == NAMES and marker["files"] == self._files():
                counts: dict[str, int] = marker["counts"]
                return counts
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None

    def close(self, *, whole: bool) -> None:
        """Close the clients; if all is whole, note the counts and the state of every file."""
        if not self._clients:
            return
        counts = dict(self.counts()) if whole else {}
        for generation in list(self._clients):
            self._clients.pop(generation).close()  # type: ignore[attr-defined]
            blank_unused(self.folder(generation))
        if whole:
            known = {"names": NAMES, "files": self._files(), "counts": counts}
            with suppress(OSError):  # without it the next opening looks more closely, and no more
                self._marker.write_text(json.dumps(known))
        make_private_files(self._root)

    def _files(self) -> dict[str, list[int]]:
        folder = self.folder(self.current())
        return {
            str(path.relative_to(folder)): [path.stat().st_size, path.stat().st_mtime_ns]
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


class ClientGenerations:
    """Generations by the names of collections, the pointer in the metadata of one of them."""

    def __init__(self, client: ClientAPI, namespace: str, *, owned: bool = False) -> None:
        self._client = client
        self._owned = owned
        self._namespace = namespace
        self._pointer = f"{namespace}-current"

    def __repr__(self) -> str:
        return repr(self._namespace)

    def current(self) -> int:
        """The generation that serves."""
        pointer = self._client.get_or_create_collection(
            self._pointer, metadata=None, embedding_function=None
        )
        return int((pointer.metadata or {}).get("generation", 0))

    def client(self, generation: int) -> ClientAPI:  # noqa: ARG002 - one client sees them all
        """The client."""
        return self._client

    def prefix(self, generation: int) -> str:
        """Beginning of its collections' names."""
        return f"{self._namespace}-{generation:06d}-"

    def discard(self, generation: int) -> None:
        """Remove the collections of a generation that does not serve."""
        self._remove(lambda each: each == generation)

    def switch(self, generation: int) -> None:
        """Serve from this generation, and remove the collections of all others."""
        pointer = self._client.get_or_create_collection(self._pointer, embedding_function=None)
        pointer.modify(metadata={"generation": generation})
        self._remove(lambda each: each != generation)

    def blank(self) -> None:
        """Nothing to overwrite: a server's files are its own."""

    def counts(self) -> Mapping[str, int]:
        """Number of items in each collection of the current generation."""
        prefix = self.prefix(self.current())
        return {
            each.name: each.count()
            for each in self._client.list_collections()
            if each.name.startswith(prefix)
        }

    def counts_if_untouched(self) -> Mapping[str, int] | None:
        """Nothing can be known of what others did on the server."""
        return None

    def close(self, *, whole: bool) -> None:  # noqa: ARG002 - a server knows nothing of it
        """Close the client if it is ours; a server needs no goodbye."""
        if not self._owned:
            return
        self._client.close()  # type: ignore[attr-defined]
        # Chroma's own close leaves the connections open: its own, and those of its admin client.
        for each in (self._client, getattr(self._client, "_admin_client", None)):
            session = getattr(getattr(each, "_server", None), "_session", None)
            if session is not None:
                session.close()

    def _remove(self, gone: Callable[[int], bool]) -> None:
        # In full: the namespace "a" must not touch the collections of "a-b" beside it.
        ours = re.compile(rf"{re.escape(self._namespace)}-(\d{{6}})-\d{{3}}")
        for each in self._client.list_collections():
            found = ours.fullmatch(each.name)
            if found and gone(int(found[1])):
                self._client.delete_collection(each.name)


Generations = FolderGenerations | ClientGenerations
"""Somewhere that holds generations of collections."""


def blank_unused(folder: Path) -> None:
    """Overwrite what the files of a folder hold beyond their items.

    The graph's files are as large as what they may hold one day, and the rest of them is memory
    of this process as it lay there: erased vectors and text among it.
    """
    for header in folder.glob("*/header.bin"):
        with suppress(OSError, struct.error):  # damage is dealt with when the folder is checked
            _, _, most, count, size = _HEADER.unpack_from(header.read_bytes())
            for name, width in (("data_level0.bin", size), ("length.bin", _FLOAT_BYTES)):
                with header.with_name(name).open("r+b") as file:
                    used, whole = count * width, file.seek(0, os.SEEK_END)
                    if used < whole == most * width:
                        file.seek(used)
                        file.write(bytes(whole - used))


def open_folder(folder: Path) -> ClientAPI:
    """An embedded client of a folder."""
    import chromadb

    return chromadb.PersistentClient(path=str(folder), settings=chroma_settings())


def chroma_settings() -> Settings:
    """Settings for every client: no telemetry, no ``.env`` of the working directory."""
    from chromadb.config import Settings

    # _env_file: Chroma otherwise obeys a .env that lies around, reset rights included.
    return Settings(anonymized_telemetry=False, _env_file=None)  # type: ignore[call-arg]
