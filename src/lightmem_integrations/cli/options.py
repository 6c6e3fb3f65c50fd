"""Arguments that several commands share, and how they open a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightmem_integrations.errors import StorageError
from lightmem_integrations.storage.folder import LEDGER, folder_of

if TYPE_CHECKING:
    from lightmem_integrations import LightMem

StoreArgument = Annotated[
    Path, typer.Argument(metavar="STORE", help="Folder of the store.", show_default=False)
]
UserOption = Annotated[
    str, typer.Option("--user", "-u", help="Whose memory: the user id.", show_default=False)
]
SessionOption = Annotated[
    str | None,
    typer.Option("--session", "-s", help="Only this session.", show_default=False),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Chat model for the answers: a .gguf file, or a name that LangChain knows, such as "
        "openai:gpt-4o-mini. Without it, a stand-in quotes what it remembers.",
        show_default=False,
    ),
]


def existing(path: Path) -> Path:
    """The folder of a store that is there.

    Raises:
        StorageError: There is none: to make one by a mistyped path would help nobody.
        SettingsError: The path cannot be a folder.
    """
    folder = folder_of(path)
    if not (folder / LEDGER).is_file():
        raise StorageError(f"There is no store in {str(folder)!r}: it has no {LEDGER}.")
    return folder


def open_existing(path: Path, *, writer: str | None = None) -> LightMem:
    """The store in that folder; ``writer`` is what ``LightMem`` takes as such.

    Raises:
        StorageError: There is none.
    """
    from lightmem_integrations import LightMem

    return LightMem(existing(path), writer=writer)
