"""The view of an agent or a chat engine: the window, with recalled memory in its place."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, cast

from llama_index.core.base.llms.types import ChatMessage

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.llama_index.messages import calls_of, is_shown, question_of, to_message
from lightmem_integrations.llama_index.session import ChatSession
from lightmem_integrations.llama_index.window import (
    from_first_user,
    led_by,
    tokens_of,
    under_system,
    without_orphans,
    without_placeholders,
    without_template_marks,
)
from lightmem_integrations.models.protocols import TokenCounter
from lightmem_integrations.records.access import SpacesRead
from lightmem_integrations.records.conversation import Turn
from lightmem_integrations.records.filters import FilterLike
from lightmem_integrations.records.profile import Profile

logger = logging.getLogger(__name__)

InsertMethodName = Literal["auto", "user", "system"]

# A guess: in less room than this there is no space for the fence and one line.
_LEAST_TOKENS = 64

# Every ``get`` measures the whole session; turns never change. How many to keep is a guess.
_SIZES_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class _Recalled:
    """The text recalled for a moment, and the turns that others had stored for this user then."""

    moment: tuple[object, ...]
    text: str
    stored: int


def checked_insert_method(value: InsertMethodName | Enum) -> InsertMethodName:
    """The place of recalled text, also when it is given as LlamaIndex's ``InsertMethod``.

    Raises:
        InvalidRequestError: There is no such place.
    """
    name = value.value if isinstance(value, Enum) else value
    if name not in ("auto", "user", "system"):
        raise InvalidRequestError(f"insert_method is {name!r}; use auto, user or system.")
    return cast("InsertMethodName", name)


class View:
    """Builds what ``get`` returns. Recalls once for each moment of a session."""

    def __init__(
        self,
        memory: LightMem,
        user_id: str,
        *,
        count_tokens: TokenCounter,
        token_limit: int | None,
        recall_tokens: int | None,
        k: int | None,
        insert_method: InsertMethodName,
        profile: bool,
        timezone: str | None,
        spaces: SpacesRead,
        filter: FilterLike | None,  # noqa: A002
    ) -> None:
        settings = memory.settings

        self._memory = memory
        self._user_id = user_id
        self._timezone = timezone
        self._spaces = spaces
        self._filter = filter
        self._count = count_tokens
        self._token_limit = token_limit
        self._default_limit = settings.short_term_tokens + settings.max_tokens
        wanted = settings.max_tokens if recall_tokens is None else recall_tokens
        tokens = min(wanted, (token_limit or self._default_limit) // 2)
        self._recall_tokens = tokens if tokens >= _LEAST_TOKENS else 0
        self._k = k
        self._insert_method = insert_method
        self._profile = profile
        self._shown: tuple[int, Profile | None] = (-1, None)
        self._recalled: _Recalled | None = None
        self._live: tuple[tuple[object, ...], ChatMessage] | None = None
        self._sizes: dict[str, int] = {}

    def messages(
        self, session: ChatSession, asked: str | None, tokens_used: int
    ) -> list[ChatMessage]:
        """The window that fits, and what was recalled for the question.

        Args:
            session: The conversation to read.
            asked: The question; ``None``: the last message of the user.
            tokens_used: Tokens that the prompt holds besides.
        """
        room = self._room(tokens_used)
        if not room:
            return []
        session.look()
        profile = self._profile_of(session)
        room -= 0 if profile is None else profile.tokens
        turns = session.window(room - self._recall_tokens, self._measure)
        if profile and self._token_limit and sum(map(self._measure, turns)) > room:
            room, profile = room + profile.tokens, None  # one exchange leaves no room for it
        live = _live_turn(turns, asked)
        if asked is not None and live is None:
            # A question that is not in the store comes on top of what we return.
            session.ask(asked)
            room -= self._count(asked)
            turns = session.window(room - self._recall_tokens, self._measure)
        query = asked if live is None else question_of(to_message(live))
        memory = self._memory_text(session, turns, live, query, room)
        into_user = live is not None and self._insert_method != "system"
        if profile is not None:
            memory = "\n".join(filter(None, (profile.ahead, memory)))
        standing = "" if profile is None else profile.text
        if into_user and self._insert_method == "user":
            memory, standing = "\n".join(filter(None, (standing, memory))), ""

        messages = []
        for turn in turns:
            if turn is live:
                block = memory if into_user else ""
                messages.append(self._live_message(session, turn, block))
            elif is_shown(turn):
                messages.append(to_message(turn))
        messages = from_first_user(without_orphans(messages))
        if live is None:
            # Only engines with a prompt template ask before they store the question.
            messages = [without_template_marks(message) for message in messages]
            memory, standing = without_placeholders(memory), without_placeholders(standing)
        # What changes from turn to turn stands last.
        blocks = (standing,) if into_user else (standing, memory)
        for text in filter(None, blocks):
            messages = under_system(text, messages)
        return messages

    def _profile_of(self, session: ChatSession) -> Profile | None:
        """The user's profile, the same in all rounds of an agent in one moment."""
        if not self._profile:
            return None
        if self._shown[0] != session.moment:
            wanted = self._memory.settings.profile_tokens
            tokens = min(wanted, (self._token_limit or self._default_limit) // 4)
            profile = session.failures.profile_of(
                self._memory, self._user_id, self._count, max(tokens, 1)
            )
            self._shown = (session.moment, profile)
        return self._shown[1]

    def _room(self, tokens_used: int) -> int:
        if self._token_limit is None:
            return self._default_limit
        if tokens_used > self._token_limit:
            logger.error(
                "The prompt holds %d tokens besides its messages; token_limit is %d. Raise the "
                "limit or shorten the system prompt.",
                tokens_used,
                self._token_limit,
            )
            # LlamaIndex's own words, which callers look for.
            raise InvalidRequestError("Initial token count exceeds token limit")
        return self._token_limit - tokens_used

    def _measure(self, turn: Turn) -> int:
        if turn.id is None:
            return tokens_of(to_message(turn), self._count)
        if turn.id not in self._sizes:
            if len(self._sizes) >= _SIZES_KEPT:
                self._sizes.clear()
            self._sizes[turn.id] = tokens_of(to_message(turn), self._count)
        return self._sizes[turn.id]

    def _live_message(self, session: ChatSession, turn: Turn, memory: str) -> ChatMessage:
        # Agents write their state into the message they got and expect it there in the next
        # round, but not in the next turn.
        moment = (session.moment, turn.id)
        if self._live is None or self._live[0] != moment:
            message = to_message(turn)
            self._live = (moment, led_by(memory, message) if memory else message)
        return self._live[1]

    def _memory_text(
        self,
        session: ChatSession,
        turns: Sequence[Turn],
        live: Turn | None,
        query: str | None,
        room: int,
    ) -> str:
        if not self._recall_tokens or query is None or not query.strip():
            return ""
        moment = (session.moment, live.id if live else query)
        stored = session.stored_otherwise
        known = self._recalled
        if known is None or known.moment != moment or stored < known.stored:
            tokens = self._recall_tokens
            if self._token_limit is not None:  # which a long question may fill by itself
                tokens = min(tokens, room - sum(self._measure(turn) for turn in turns))
            text = self._recall(session, turns, query, tokens)
            self._recalled = known = _Recalled(moment, text, stored)
            self._live = None
        return known.text

    def _recall(self, session: ChatSession, turns: Sequence[Turn], query: str, tokens: int) -> str:
        if tokens < _LEAST_TOKENS:
            return ""
        in_prompt = session.left | {turn.id for turn in turns if turn.id}
        if any(turn.role == "user" and not turn.searchable for turn in turns):
            # These were put a second time: their first copies must not come back either.
            in_prompt |= session.said_again(turns)
        return session.failures.text_of(
            lambda: self._memory.recall(
                query,
                user_id=self._user_id,
                k=self._k,
                max_tokens=tokens,
                exclude=in_prompt,
                timezone=self._timezone,
                count_tokens=self._count,
                strict=session.failures.strict,
                spaces=self._spaces,
                filter=self._filter,
            )
        )


def _live_turn(turns: Sequence[Turn], asked: str | None) -> Turn | None:
    """The user's turn that the question is, if it is in the store and not answered yet."""
    for turn in reversed(turns):
        if turn.role == "user":
            message = to_message(turn)
            same = asked is None or asked.strip() == (message.content or "").strip()
            return turn if same else None
        if asked is not None and turn.role == "assistant" and not calls_of(to_message(turn)):
            return None
    return None
