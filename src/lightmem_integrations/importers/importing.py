"""Importing: conversations and memories of other products become turns; all, or on an error none.

The source is gone through twice: everything is checked before anything is written. Ids are those of
the source, or follow from place and words, so that a run that was cut off is simply run again, and
a newer export of the same conversations adds what is new.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from lightmem_integrations.aio import awaitable
from lightmem_integrations.errors import (
    InvalidImportError,
    InvalidRequestError,
    LightMemError,
    ScopeError,
)
from lightmem_integrations.importers.chatgpt import read_chatgpt
from lightmem_integrations.importers.claude import read_claude
from lightmem_integrations.importers.conversation import (
    USER,
    Asked,
    Conversation,
    Reader,
    distinct,
)
from lightmem_integrations.importers.memories import read_langgraph, read_mem0
from lightmem_integrations.importers.openai import read_openai
from lightmem_integrations.importers.source import Source
from lightmem_integrations.lightmem import LightMem, checked_memory
from lightmem_integrations.records.conversation import Branch, Turn
from lightmem_integrations.records.report import Imported
from lightmem_integrations.records.storable import storable
from lightmem_integrations.safety import check_scope_id, check_user_id, short_repr
from lightmem_integrations.settings import Settings
from lightmem_integrations.text.timezone import check_timezone, moment_in
from lightmem_integrations.validation import checked_turns

FORMS: Mapping[str, Reader] = {
    "chatgpt": read_chatgpt,
    "claude": read_claude,
    "langgraph": read_langgraph,
    "langmem": read_langgraph,
    "mem0": read_mem0,
    "openai": read_openai,
}
"""Forms that can be imported."""

_STORES = ("langgraph", "langmem")
_PATTERN = f"namespace='memories/{USER}'"

OnImport = Callable[[Imported, "Imported | None"], None]
"""Hears what was done so far, and of how much; of ``None`` while the source is being checked."""

_AT_ONCE = 500  # turns in one transaction: a guess


def import_conversations(
    memory: LightMem,
    source: object,
    *,
    form: str,
    user_id: str | None = None,
    namespace: str | None = None,
    timezone: str | None = None,
    on_progress: OnImport | None = None,
) -> Imported:
    """Move conversations or memories of another product in. Doing it again adds what is new.

    Everything is checked before the first turn is written. Messages that say nothing, branches
    that were left and reasoning are left out and counted. What was said is kept verbatim, in
    sessions under the ids of the source. Memories of mem0, LangGraph and LangMem have no verbatim:
    they become turns as they are worded, in sessions named after where they come from. Where a
    newer export holds other words under an id, they supersede the old ones.

    Args:
        memory: Where to.
        source: The path of a file (JSON or JSONL), of an export's ZIP or folder, or the list that
            ``get_all()`` or ``store.search()`` gave.
        form: ``chatgpt``, ``claude``, ``openai`` (lists of messages), ``mem0``, ``langgraph``
            (items of a store) or ``langmem``.
        user_id: Whose memory it becomes. Of a source that holds what belongs to several, only what
            is this user's. ``None``: of each its own, where the source names users.
        namespace: For a LangGraph store: where in a namespace the user stands, such as
            ``memories/{user_id}``. Other namespaces are left out.
        timezone: The user's time zone, for "yesterday"; times that name none are of it. By default
            ``settings.timezone``, or as the source has them, and UTC.
        on_progress: Called with what was done so far, and of how much.

    Returns:
        What is in the memory now.

    Raises:
        InvalidImportError: The source is cut, damaged or of another form, or holds something that
            cannot be stored; it says which item, and why. Nothing is written.
        ScopeError: It is not clear whose it is.
        InvalidRequestError: Another argument makes no sense.
        StorageError: The store cannot be written.
    """
    checked_memory(memory)
    settings = memory.settings
    if form not in FORMS:
        raise InvalidRequestError(f"form is {short_repr(form)}; pass one of {', '.join(FORMS)}.")
    zone = check_timezone(timezone) or settings.timezone
    if user_id is not None:
        check_user_id(user_id, settings.max_id_chars)
    elif form in _STORES and namespace is None:
        raise ScopeError(f"Pass user_id= (--user), or {_PATTERN}: whose memory this becomes.")
    given = Source(source, form)
    asked = Asked(
        form=form,
        name=given.name,
        timezone=dt.timezone.utc if zone is None else zoneinfo.ZoneInfo(zone),
        namespace=_pattern(namespace),
    )

    now = dt.datetime.now(dt.timezone.utc)

    def read() -> Iterator[Conversation]:
        try:
            for each in FORMS[form](given.items(), asked):
                yield _kept(each, settings, zone, now)
        except RecursionError as error:
            raise InvalidImportError("The source is nested too deep to be read.") from error

    tell = on_progress or (lambda done, total: None)  # noqa: ARG005
    total, owners = _checked(read(), settings, user_id, now, tell)
    only = user_id if len(owners) > 1 or (owners and namespace is not None) else None
    if only is not None and only not in owners:
        raise ScopeError(
            f"The source belongs to several: {', '.join(map(short_repr, sorted(owners)))}; "
            f"user_id={short_repr(only)} would put them together. "
            + (
                f"Say where the user stands: {_PATTERN}."
                if form in _STORES
                else "Leave it out to import each under its own id, or pass one of them."
            )
        )
    done = Imported()
    tell(done, total)
    for each in read():
        is_wanted = only is None or each.owner == only
        if is_wanted:
            _write(memory, each, user_id or each.owner or "", form)
        done = _counted(done, each, is_wanted=is_wanted)
        tell(done, total)
    return done


aimport_conversations = awaitable(import_conversations)


def add_turns(
    memory: LightMem,
    turns: Sequence[Turn],
    *,
    user_id: str,
    session_id: str,
    agent_id: str | None = None,
    branch: Branch | None = None,
) -> None:
    """Add any number of turns to a session, some hundred in one transaction."""
    add = partial(memory.add, user_id=user_id, session_id=session_id, agent_id=agent_id)
    for start in range(0, len(turns), _AT_ONCE):
        batch = turns[start : start + _AT_ONCE]
        stored = add(batch, branch=branch)
        if len(stored) < len(batch):
            # Forgotten in this process, where an agent's run could not bring it back: a person can.
            add(batch)


def _kept(
    given: Conversation, settings: Settings, zone: str | None, now: dt.datetime
) -> Conversation:
    """The conversation as it can be stored, on the user's calendar, without what has expired."""
    turns = []
    for each in distinct(given.turns):
        turn = each
        if zone is not None and turn.time is not None:
            turn = replace(turn, time=moment_in(zone, turn.time.timestamp()))
        turn = storable(turn, settings)
        says_something = turn.text.strip() or turn.message
        if says_something and (turn.expires_at is None or turn.expires_at > now):
            turns.append(turn)
    return replace(given, turns=turns, skipped=given.skipped + len(given.turns) - len(turns))


def _pattern(namespace: str | None) -> tuple[str, ...]:
    if namespace is None:
        return ()
    parts = tuple(namespace.strip("/").split("/")) if isinstance(namespace, str) else ()
    if parts.count(USER) != 1:
        raise InvalidRequestError(
            f"namespace is {short_repr(namespace)}; {USER} must stand in it once: {_PATTERN}."
        )
    return parts


def _checked(
    read: Iterator[Conversation],
    settings: Settings,
    user_id: str | None,
    now: dt.datetime,
    tell: OnImport,
) -> tuple[Imported, set[str]]:
    """How much there is, and whose; raises where something cannot be stored."""
    total = Imported()
    owners: set[str] = set()
    for each in read:
        try:
            check_scope_id(each.session_id, "session_id", settings.max_id_chars)
            if each.agent_id is not None:
                check_scope_id(each.agent_id, "agent_id", settings.max_id_chars)
            if each.owner is not None and each.turns:
                owners.add(check_user_id(each.owner, settings.max_id_chars))
            if user_id is None and each.owner is None and each.turns:
                raise ScopeError("it does not say whose it is. Pass user_id=, or --user.")
            checked_turns(each.turns, settings, now)
        except LightMemError as error:
            raise InvalidImportError(f"{each.where}: {error}") from error
        total = _counted(total, each)
        tell(total, None)
    return total, owners


def _counted(so_far: Imported, conversation: Conversation, *, is_wanted: bool = True) -> Imported:
    turns = len(conversation.turns)
    return Imported(
        turns=so_far.turns + turns * is_wanted,
        skipped=so_far.skipped + conversation.skipped + turns * (not is_wanted),
        sessions=so_far.sessions + bool(turns and is_wanted),
    )


def _write(memory: LightMem, conversation: Conversation, user_id: str, form: str) -> None:
    ids = [turn.id for turn in conversation.turns if turn.id]
    add_turns(
        memory,
        conversation.turns,
        user_id=user_id,
        session_id=conversation.session_id,
        agent_id=conversation.agent_id,
        # A history is all that is known of it here: memories of another agent are of another one.
        branch=Branch(history=f"{form} {conversation.agent_id or ''}", turn_ids=ids),
    )
