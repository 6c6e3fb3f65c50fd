"""Commands for what lasts and counts: pins, importance, and what has expired."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lightmem_integrations.cli.options import (
    SpaceOption,
    StoreArgument,
    UserOption,
    check_stored,
    open_existing,
    whole_ids,
)
from lightmem_integrations.cli.output import JsonOption, print_result
from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.safety import short_repr

IdsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        help="Ids of facts, episodes or turns, or the beginnings that tables show.",
        show_default=False,
    ),
]
SessionOption = Annotated[
    str | None,
    typer.Option(
        "--session",
        "-s",
        help="All turns of this session; with ids, only those of it.",
        show_default=False,
    ),
]


def pin(
    *,
    store: StoreArgument,
    ids: IdsArgument = None,
    user: UserOption,
    space: SpaceOption = None,
    session: SessionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pin facts, episodes and turns, so that nothing but forgetting takes them away."""
    count = _marked(store, ids, user, space, session, "pin")
    _tell(count, "pinned", as_json=as_json)


def unpin(
    *,
    store: StoreArgument,
    ids: IdsArgument = None,
    user: UserOption,
    space: SpaceOption = None,
    session: SessionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Undo `lightmem pin`."""
    count = _marked(store, ids, user, space, session, "unpin")
    _tell(count, "unpinned", as_json=as_json)


def importance(
    *,
    store: StoreArgument,
    value: Annotated[
        float,
        typer.Argument(
            metavar="VALUE",
            min=0,
            max=1,
            help="From 0, as any other, to 1: of what is found, it scores as the best does.",
            show_default=False,
        ),
    ],
    ids: IdsArgument = None,
    user: UserOption,
    space: SpaceOption = None,
    session: SessionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set what facts, episodes and turns count at least where they are found."""
    count = _marked(store, ids, user, space, session, "set_importance", value)
    _tell(count, "weighed", as_json=as_json)


def sweep(
    *,
    store: StoreArgument,
    lifetime_days: Annotated[
        float | None,
        typer.Option(help="Erase turns older than this, too, as Settings.lifetime_days does."),
    ] = None,
    session_lifetime_days: Annotated[
        float | None,
        typer.Option(help="The same of sessions without a turn for so long."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Erase what has expired or was forgotten without a purge from every file of the store."""
    from lightmem_integrations import Settings

    settings = Settings(
        background_indexing=False,
        lifetime_days=lifetime_days,
        session_lifetime_days=session_lifetime_days,
    )
    with open_existing(store, settings=settings) as memory:
        receipt = memory.sweep()
    print_result(receipt, as_json=as_json)


def _marked(
    store: Path,
    ids: Sequence[str] | None,
    user: str,
    space: str | None,
    session: str | None,
    mark: str,
    *given: float,
) -> int:
    """How many facts and turns a method of a memory, by its name, marked.

    Raises:
        InvalidRequestError: Nothing is named, or ids of nothing or of several: mistyped, what was
            to be kept would be lost.
    """
    with open_existing(store) as memory:
        check_stored(memory, user, session, space)
        if not ids and session is None:
            raise InvalidRequestError("Nothing is named: give ids, or --session for all its turns.")
        ids = ids and whole_ids(memory, ids, user, space)
        chosen = partial(
            getattr(memory, mark), *given, user_id=user, session_id=session, space=space
        )
        count: int = chosen(memory_ids=ids or None)
        count += chosen(turn_ids=ids) if ids else 0
    if ids and not count:
        within = "" if session is None else f" of the session {session!r}"
        raise InvalidRequestError(
            f"Nothing{within} that stands has the id {' or '.join(map(short_repr, ids))}."
        )
    return count


def _tell(count: int, done: str, *, as_json: bool) -> None:
    print_result({done: count}, f"Facts and turns {done}: {count:,}.", as_json=as_json)
