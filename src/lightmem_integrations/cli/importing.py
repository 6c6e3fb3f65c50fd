"""The command that moves memory in: of another store, or of another product."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lightmem_integrations.cli.options import place
from lightmem_integrations.cli.output import JsonOption, print_result
from lightmem_integrations.cli.progress import progress_bars
from lightmem_integrations.errors import InvalidImportError, InvalidRequestError, ScopeError
from lightmem_integrations.safety import short_repr
from lightmem_integrations.storage.postgresql.url import is_postgres_url
from lightmem_integrations.storage.sqlite.folder import LEDGER, folder_of

if TYPE_CHECKING:
    from lightmem_integrations import LightMem
    from lightmem_integrations.records.report import Imported
    from lightmem_integrations.records.transfer import Transfer

_OURS = "lightmem"  # the form of an export of this library


def run(
    *,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="What to import: a JSON or JSONL file, or the ZIP or folder of an export.",
            exists=True,
            show_default=False,
        ),
    ],
    store: Annotated[
        Path,
        typer.Argument(
            metavar="STORE",
            help="Folder of the store, made if need be, or the URL of one in PostgreSQL.",
            parser=place,
            show_default=False,
        ),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--from",
            help="Its form: lightmem (of `lightmem export`), chatgpt, claude, openai (lists of "
            "messages), mem0, langgraph, langmem.",
        ),
    ] = _OURS,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            "-u",
            help="Whose memory it becomes; may be left out where the file names its users.",
            show_default=False,
        ),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            help="Of a LangGraph store: where the user stands, such as 'memories/{user_id}'.",
            show_default=False,
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="The user's time zone, such as Europe/Berlin.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Import what `lightmem export` wrote, or conversations and memories of another product.

    Everything is checked before anything is written. Doing it again adds what is new; of an export
    that is all or nothing.
    """
    from lightmem_integrations.importers import FORMS, import_conversations

    if form not in (_OURS, *FORMS):
        known = ", ".join((_OURS, *FORMS))
        raise InvalidRequestError(f"--from is {short_repr(form)}; pass one of {known}.")
    if form == _OURS and (namespace or timezone):
        raise InvalidRequestError("--namespace and --timezone are for what --from names.")
    with _store(store) as memory:
        with progress_bars() as show:

            def tell(done: Imported, total: Imported | None) -> None:
                of = total or done
                show("Importing" if total else "Checking", done.turns, of.turns)

            done: Imported | Transfer
            if form == _OURS:
                done = memory.load(
                    file, into_user=user, on_progress=lambda now, of: show("Importing", now, of)
                )
            else:
                done = import_conversations(
                    memory,
                    file,
                    form=form,
                    user_id=user,
                    namespace=namespace,
                    timezone=timezone,
                    on_progress=tell,
                )
        with Console(stderr=True).status("Embedding what is new"):
            memory.index_pending()
    shown = replace(done.grid(), title=f"Imported from {file.name}")
    print_result(done, shown, as_json=as_json)


@contextmanager
def _store(path: Path) -> Iterator[LightMem]:
    """The store to import into; a new one is not left behind where all of the import is refused."""
    from lightmem_integrations import LightMem, Settings

    settings = Settings(background_indexing=False)
    if is_postgres_url(path):
        with LightMem(path, settings=settings) as memory:
            yield memory
        return
    folder = folder_of(path)
    before = set(folder.iterdir()) if folder.is_dir() else None
    try:
        with LightMem(folder, settings=settings) as memory:
            yield memory
    except (InvalidImportError, InvalidRequestError, ScopeError):  # then nothing was written
        if folder / LEDGER not in (before or ()):
            _remove_what_is_new(folder, before)
        raise


def _remove_what_is_new(folder: Path, before: set[Path] | None) -> None:
    if before is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for each in set(folder.iterdir()) - before:
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)
