"""Memory for classic LangChain chains: ``ConversationChain``, ``LLMChain``, ``AgentExecutor``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langchain_classic.base_memory import BaseMemory
from langchain_classic.memory.utils import get_prompt_input_key
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, get_buffer_string

from lightmem_integrations.errors import InvalidRequestError, ScopeError
from lightmem_integrations.langchain.arguments import OnMemory
from lightmem_integrations.langchain.messages import text_of, to_message, to_turn
from lightmem_integrations.langchain.scope import DEFAULT_SESSION, RunLimits, Scope
from lightmem_integrations.records.access import spaces_read
from lightmem_integrations.records.conversation import TIERS, Tier, Turn
from lightmem_integrations.records.filters import Filter
from lightmem_integrations.records.storable import cleaned, labelled
from lightmem_integrations.safety import check_scope_id, check_user_id

logger = logging.getLogger(__name__)

_ACKNOWLEDGED = "Noted."


class LightMemMemory(OnMemory, BaseMemory):
    """Variables for the prompt: what is recalled from before, and the recent conversation.

    The conversation is rendered as ``ConversationBufferMemory`` does it (``Human: ...`` and
    ``AI: ...``), as far as the short-term window reaches. What the user's memory holds about the
    input, and what the window does not show, stands before it as one fenced block. Nothing is
    recalled without an input. With ``return_messages``, the block is a human message which an AI
    message acknowledges, so that the two keep taking turns; some models insist on that.

    All of it is one variable, ``history``, unless others are named: ``memories_key`` takes what
    was recalled out of it, and ``facts_key`` the facts that consolidation made of it. With
    ``memory_key=None`` the conversation is left out.

    Classic chains hand no configuration to their memory, so it is made for one user, or told
    which of the chain's inputs names the user. A memory that fails does not fail the chain: the
    chain goes on without it, and a warning is logged.

    Args:
        memory: The memory.
        user_id: Whose memory.
        user_id_key: The chain's input that names the user, if ``user_id`` is not given.
        session_id: The session in which the conversation is recorded.
        memory_key: Name of the prompt's variable with the recent conversation, or ``None``.
        memories_key: Name of a variable of its own for what is recalled, such as
            ``relevant_memories``.
        facts_key: Name of a variable of its own for facts, such as ``facts``.
        human_prefix: What stands before the user's words.
        ai_prefix: What stands before the model's words.
        return_messages: Give messages instead of a string.
        input_key: The chain's input that is the user's message; needed if it has several inputs.
        output_key: The chain's output that is the answer; needed if it has several outputs.
        k: How many memories a recall returns. ``None``: as the memory's settings say.
        max_tokens: Size of the recalled block, in tokens. ``None``: as the settings say.
        window_tokens: Size of the short-term window, in tokens. ``None``: as the settings say.
        recall_answers: ``False`` keeps the model's replies out of recall; they stay in the
            conversation.
        strict: Raise what the memory raises, instead of going on without it.
        space: The space in whose memory it is recorded, instead of the user's own.
        spaces: Spaces to recall from besides the user's own memory and ``space``; ``"all"`` for
            every one that the user may read.
        filter: What recalled turns must meet, as in ``LightMem.recall``, or a function of the
            chain's inputs that gives it.
        metadata: Metadata of what is recorded, or such a function.

    Raises:
        ScopeError: Neither ``user_id`` nor ``user_id_key`` is given, or an id is not valid.
        InvalidRequestError: No variable is named, two have the same name, or ``filter`` is none.
        InvalidTurnError: ``metadata`` is none.
    """

    user_id: str | None = None
    user_id_key: str | None = None
    session_id: str = DEFAULT_SESSION
    memory_key: str | None = "history"
    memories_key: str | None = None
    facts_key: str | None = None
    human_prefix: str = "Human"
    ai_prefix: str = "AI"
    return_messages: bool = False
    input_key: str | None = None
    output_key: str | None = None
    k: int | None = None
    max_tokens: int | None = None
    window_tokens: int | None = None
    recall_answers: bool = True
    strict: bool = False
    space: str | None = None
    spaces: Any = ()
    filter: Any = None
    metadata: Any = None

    def __init__(self, *, session_id: str = DEFAULT_SESSION, **fields: Any) -> None:
        check_scope_id(session_id, "session_id")
        RunLimits(filter=fields.get("filter"), metadata=fields.get("metadata")).checked()
        super().__init__(**(fields | {"session_id": session_id}))
        if self.user_id is None and self.user_id_key is None:
            raise ScopeError("No user is named. Pass user_id=, or user_id_key= and that input.")
        names = self.memory_variables
        if not names or len({*names}) < len(names):
            raise InvalidRequestError(
                f"The prompt's variables are {names}; name one at least, and each differently."
            )

    @property
    def memory_variables(self) -> list[str]:
        """The variables that this memory adds to a chain's inputs."""
        keys = (self.memory_key, self.memories_key, self.facts_key)
        return [key for key in keys if key is not None]

    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The recalled memories and the recent conversation, under the variables' names.

        Raises:
            ScopeError: ``user_id_key`` is not among the inputs, or names no valid user.
        """
        user_id = self._user(inputs)
        window: tuple[Turn, ...] = ()
        recalled, facts = "", ""
        with self._guarded("Recall failed"):
            window = self.memory.short_term(
                user_id=user_id, session_id=self.session_id, max_tokens=self.window_tokens,
                space=self.space,
            )  # fmt: skip
            query, wanted = self._query(inputs), self._narrowed(inputs).filter
            if self.memory_key is not None or self.memories_key is not None:
                tiers = tuple(t for t in TIERS if t != "ltm") if self.facts_key else TIERS
                recalled = self._recalled(user_id, query, window, tiers, wanted)
            if self.facts_key is not None:
                facts = self._recalled(user_id, query, window, ("ltm",), wanted)
        messages = [each for each in map(to_message, window) if each is not None]
        rendered: dict[str, Any] = {}
        if self.memories_key is not None:
            rendered[self.memories_key] = self._rendered(recalled, [])
            recalled = ""
        if self.memory_key is not None:
            rendered[self.memory_key] = self._rendered(recalled, messages)
        if self.facts_key is not None:
            rendered[self.facts_key] = self._rendered(facts, [])
        return rendered

    def save_context(self, inputs: dict[str, Any], outputs: dict[str, str]) -> None:
        """Record the user's message and the answer to it.

        Raises:
            ScopeError: ``user_id_key`` is not among the inputs, or names no valid user.
            ValueError: It is not clear which input or output is meant.
        """
        user_id = self._user(inputs)
        asked, answered = inputs[self._input_key(inputs)], outputs[self._output_key(outputs)]
        with self._guarded("Recording failed"):
            said = (HumanMessage(content=text_of(asked)), AIMessage(content=text_of(answered)))
            settings, recalled = self.memory.settings, self.recall_answers
            turns = [to_turn(each, settings, recall_answers=recalled) for each in said]
            metadata = self._narrowed(inputs).said
            turns = [labelled(turn, metadata, settings) for turn in turns]
            self.memory.add(turns, user_id=user_id, session_id=self.session_id, space=self.space)

    def clear(self) -> None:
        """Start the conversation anew; what was said before can still be recalled.

        Raises:
            ScopeError: The memory was made without ``user_id``, so it is not clear whose.
        """
        self.memory.clear_short_term(
            user_id=self._user({}), session_id=self.session_id, space=self.space
        )

    @contextmanager
    def _guarded(self, failure: str) -> Iterator[None]:
        """Goes on without what fails, unless that is to be raised; a user is always to be named."""
        try:
            yield
        except Exception as error:
            if self.strict or isinstance(error, ScopeError):
                raise
            logger.warning("%s: %s: %s", failure, type(error).__name__, error)

    def _user(self, inputs: dict[str, Any]) -> str:
        if self.user_id is not None:
            return self.user_id
        return check_user_id(inputs.get(self.user_id_key or ""))

    def _narrowed(self, inputs: dict[str, Any]) -> Scope:
        within = RunLimits(filter=self.filter, metadata=self.metadata).narrowing(inputs)
        return Scope(self._user(inputs), self.session_id, None, self.space, (), *within)

    def _recalled(
        self,
        user_id: str,
        query: str,
        window: tuple[Turn, ...],
        tiers: tuple[Tier, ...],
        wanted: Filter | None,
    ) -> str:
        if not query.strip():
            return ""
        return self.memory.recall(
            cleaned(query),
            user_id=user_id,
            k=self.k,
            max_tokens=self.max_tokens,
            tiers=tiers,
            exclude=[turn.id for turn in window if turn.id],
            strict=self.strict,
            spaces=spaces_read(self.spaces, self.space),
            filter=wanted,
        ).text

    def _rendered(self, recalled: str, messages: list[BaseMessage]) -> str | list[BaseMessage]:
        if self.return_messages:
            if not recalled:
                return messages
            return [HumanMessage(content=recalled), AIMessage(content=_ACKNOWLEDGED), *messages]
        buffer = get_buffer_string(
            messages, human_prefix=self.human_prefix, ai_prefix=self.ai_prefix
        )
        return "\n\n".join(each for each in (recalled, buffer) if each)

    def _query(self, inputs: dict[str, Any]) -> str:
        try:
            return text_of(inputs.get(self._input_key(inputs)))
        except ValueError:
            if set(inputs) - {self.user_id_key}:
                logger.warning("Nothing was recalled: set input_key= to one of the chain's inputs.")
            return ""

    def _input_key(self, inputs: dict[str, Any]) -> str:
        if self.input_key is not None:
            return self.input_key
        others = [*self.memory_variables, *filter(None, [self.user_id_key])]
        key: str = get_prompt_input_key(inputs, others)
        return key

    def _output_key(self, outputs: dict[str, Any]) -> str:
        if self.output_key is not None:
            return self.output_key
        if len(outputs) == 1:
            return next(iter(outputs))
        if "output" in outputs:
            return "output"
        raise ValueError(
            f"Got multiple output keys: {sorted(outputs)}. Set output_key= to the answer's."
        )
