"""Arguments that several commands share, and how they open a store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightmem_integrations.display import printable
from lightmem_integrations.errors import InvalidRequestError, ScopeError, StorageError
from lightmem_integrations.safety import short_repr
from lightmem_integrations.storage.postgresql.url import is_postgres_url, postgres_url
from lightmem_integrations.storage.sqlite.folder import LEDGER, folder_of

if TYPE_CHECKING:
    from lightmem_integrations import LightMem, Settings

_SHOWN_CANDIDATES = 5  # a guess


def place(given: str) -> Path | str:
    """A folder, or the URL of a database as it is."""
    return given if is_postgres_url(given) else Path(given)


StoreArgument = Annotated[
    Path,  # or a text, the URL: a path would swallow one of its slashes
    typer.Argument(
        metavar="STORE",
        help="Folder of the store, or the URL of one in PostgreSQL.",
        parser=place,
        show_default=False,
    ),
]
UserOption = Annotated[
    str, typer.Option("--user", "-u", help="Whose memory: the user id.", show_default=False)
]
OnlyUserOption = Annotated[
    str | None,
    typer.Option("--user", "-u", help="Only this user's memory.", show_default="everybody's"),
]
SessionOption = Annotated[
    str | None,
    typer.Option("--session", "-s", help="Only this session.", show_default=False),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        help="Only what meets this filter of metadata, agent_id, session_id, speaker, role or "
        'time: topic=travel, or JSON such as \'{"rank": {"$gte": 2}}\'. Several must all be met.',
        show_default=False,
    ),
]
SpaceOption = Annotated[
    str | None,
    typer.Option(
        "--space", help="The space's memory, as this user, not the user's own.", show_default=False
    ),
]
ReadOnlyOption = Annotated[
    bool,
    typer.Option(
        "--read-only", help="Read beside the process that has the store open; change nothing."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
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

WriterOption = Annotated[
    str | None,
    typer.Option(
        "--writer",
        "-w",
        help="Model that writes: a .gguf file, or a name that LangChain knows. Without it there "
        "are no facts.",
        show_default=False,
    ),
]
EmbedderOption = Annotated[
    str | None,
    typer.Option(
        "--embedder",
        help="The embedder that fills the store: multilingual, or the name or folder of a model "
        "of sentence-transformers. Without it, the built-in one.",
        show_default=False,
    ),
]


def existing(path: Path) -> Path:
    """The folder of a store that is there, or the URL of a database.

    Raises:
        StorageError: There is none: to make one by a mistyped path would help nobody.
        SettingsError: The path cannot be a folder.
    """
    if is_postgres_url(path):
        return path
    folder = folder_of(path)
    if not (folder / LEDGER).is_file():
        raise StorageError(f"There is no store in {str(folder)!r}: it has no {LEDGER}.")
    return folder


def open_existing(
    path: Path, *, embeds: bool = False, embedder: str | None = None,
    settings: Settings | None = None, **options: Any,
) -> LightMem:  # fmt: skip
    """The store in that folder or database.

    A command is over before a model would be loaded in the background: it loads what it needs.

    Args:
        path: Of the store.
        embeds: Whether the command makes vectors. One that makes none works on a store that any
            embedder filled.
        embedder: Makes them, by name; the built-in one by default.
        settings: Without work in the background; all others by default.
        **options: What else ``LightMem`` takes.

    Raises:
        StorageError: There is none.
        EmbeddingMismatchError: Another embedder filled it, and vectors are to be made.
    """
    from lightmem_integrations import LightMem, Settings
    from lightmem_integrations.models.unneeded import UnneededEmbedder

    settings = settings or Settings(background_indexing=False)
    chosen = embedder if embeds else UnneededEmbedder()
    return LightMem(existing(path), embedder=chosen, settings=settings, **options)


def shown(store: Path) -> str:
    """Where a store is, for people: without a password."""
    return postgres_url(str(store)).name if is_postgres_url(store) else str(store)


def condition_of(where: Sequence[str] | None) -> dict[str, Any] | None:
    """The filter that ``--where`` names; ``None`` for none.

    Raises:
        InvalidRequestError: A part of it is neither JSON nor a name and its value.
    """
    parts = [_condition(each) for each in where or ()]
    return {"$and": parts} if parts else None


def _condition(text: str) -> Any:
    name, equals, value = text.partition("=")
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise InvalidRequestError(f"--where {short_repr(text)} is no JSON: {error}.") from error
    if not equals:
        raise InvalidRequestError(
            f"--where is {short_repr(text)}; write topic=travel, or JSON such as "
            '{"topic": "travel"}.'
        )
    try:
        return {name.strip(): json.loads(value)}
    except ValueError:  # plain text
        return {name.strip(): value}


def check_stored(
    memory: LightMem, user: str | None, session: str | None = None, space: str | None = None
) -> None:
    """Refuse a user or session of which nothing is stored: mistyped, it looks like an empty memory.

    Raises:
        ScopeError: There is no such user or session, or the id can name none.
        AccessError: The user may not read the space, if one is named.
    """
    reason = unknown(memory, user, session, space)
    if reason:
        raise ScopeError(reason)


def unknown(
    memory: LightMem, user: str | None, session: str | None = None, space: str | None = None
) -> str:
    """Message on a user or session that is not stored, with the names near it; empty if it is.

    Raises:
        ScopeError: The id can name no user.
        AccessError: The user may not read the space, if one is named.
    """
    if user is None:
        return ""
    path = memory.place
    sessions = memory.sessions(user_id=user, space=space)  # whoever may read a space is known
    users = memory.users()
    if space is None and user not in users and not memory.spaces.of(user_id=user):
        return f"no such user {user!r}{near(user, users)} `lightmem users {path}` lists them."
    if session is not None and session not in sessions:
        within = "" if space is None else f" --space {space}"
        listed = f"`lightmem inspect {path} --user {user}{within} --json` lists them."
        whose = f"user {user!r}" if space is None else f"space {space!r}"
        return f"no such session {session!r} of {whose}{near(session, sessions)} {listed}"
    return ""


def whole_ids(
    memory: LightMem,
    beginnings: Iterable[str],
    user: str,
    space: str | None = None,
    *,
    only_facts: bool = False,
) -> list[str]:
    """The ids that are these or, as tables cut them, begin so: of facts, episodes and turns.

    Where some are known, a warning names those that are not.

    Raises:
        InvalidRequestError: None is known, or one may be several; the error names those.
    """
    known = dict(_identified(memory, user, space, only_facts=only_facts))
    whose = f"user {user!r}" if space is None else f"space {space!r}"
    path, found, missing = memory.place, [], []
    for beginning in beginnings:
        met = [each for each in known if beginning and each.startswith(beginning)]
        if beginning in known:  # a turn "1" beside a turn "10"
            met = [beginning]
        if len(met) > 1:
            shown = [f"{known[each]} {each}" for each in met[:_SHOWN_CANDIDATES]]
            more = f" and {len(met) - len(shown)} more" if len(met) > len(shown) else ""
            raise InvalidRequestError(
                f"{len(met)} ids of {whose} begin with {short_repr(beginning)}: "
                f"{', '.join(shown)}{more}. Give more of the one that is meant."
            )
        found += met
        missing += [] if met else [short_repr(beginning)]
    if missing:
        within = "" if space is None else f" --space {space}"
        reason = (
            f"No {'fact' if only_facts else 'fact, episode or turn'} of {whose} has an id that "
            f"begins with {' or '.join(missing)}. `lightmem inspect {path} --user {user}"
            f"{within} --past` lists facts; --json there and of `lightmem recall` shows all ids."
        )
        if not found:
            raise InvalidRequestError(reason)
        typer.echo(printable(f"Warning: {reason}"), err=True)
    return found


def _identified(
    memory: LightMem, user: str, space: str | None, *, only_facts: bool
) -> Iterator[tuple[str, str]]:
    """Ids, each with the kind of what has it."""
    for fact in memory.facts(user_id=user, space=space, include_past=True):
        yield fact.id, "fact"
    if only_facts:
        return
    for episode in memory.episodes(user_id=user, space=space):
        yield episode.id, "episode"
    for session in memory.sessions(user_id=user, space=space):
        for turn in memory.history(user_id=user, session_id=session, space=space):
            yield turn.id or "", "turn"


def near(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: those that it may be, if any."""
    by_key = {each.casefold(): each for each in known}
    keys = get_close_matches(name.casefold(), by_key)
    return f"; did you mean {' or '.join(repr(by_key[key]) for key in keys)}?" if keys else "."
