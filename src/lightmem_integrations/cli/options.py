"""Arguments that several commands share, and how they open a store."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightmem_integrations.errors import ScopeError, StorageError
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


def open_existing(path: Path, *, writer: object | None = None) -> LightMem:
    """The store in that folder; ``writer`` is what ``LightMem`` takes as such.

    A command is over before a model would be loaded in the background: it loads what it needs.

    Raises:
        StorageError: There is none.
    """
    from lightmem_integrations import LightMem, Settings

    settings = Settings(background_indexing=False)
    return LightMem(existing(path), writer=writer, settings=settings)


def check_stored(memory: LightMem, user: str | None, session: str | None = None) -> None:
    """Refuse a user or session of which nothing is stored: mistyped, it looks like an empty memory.

    Raises:
        ScopeError: There is no such user or session, or the id can name none.
    """
    reason = unknown(memory, user, session)
    if reason:
        raise ScopeError(reason)


def unknown(memory: LightMem, user: str | None, session: str | None = None) -> str:
    """Message on a user or session that is not stored, with the names near it; empty if it is.

    Raises:
        ScopeError: The id can name no user.
    """
    if user is None:
        return ""
    sessions = memory.sessions(user_id=user)
    users = memory.users()
    if user not in users:
        return (
            f"no such user {user!r}{near(user, users)} `lightmem users {memory.path}` lists them."
        )
    if session is not None and session not in sessions:
        listed = f"`lightmem inspect {memory.path} --user {user} --json` lists them."
        return f"no such session {session!r} of user {user!r}{near(session, sessions)} {listed}"
    return ""


def near(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: those that it may be, if any."""
    by_key = {each.casefold(): each for each in known}
    keys = get_close_matches(name.casefold(), by_key)
    return f"; did you mean {' or '.join(repr(by_key[key]) for key in keys)}?" if keys else "."
