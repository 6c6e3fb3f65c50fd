"""Recall as a step of an LCEL chain."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, Literal

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableSerializable
from langchain_core.utils.pydantic import create_model_v2
from pydantic import Field, PrivateAttr

from lightmem_integrations.langchain.arguments import OnMemory
from lightmem_integrations.langchain.background import RECALL_SECONDS, BackgroundMemory
from lightmem_integrations.langchain.exchange import question_in
from lightmem_integrations.langchain.messages import AskedQuestion, text_of
from lightmem_integrations.langchain.scope import RunLimits, scope_of
from lightmem_integrations.langchain.wait_budget import WaitBudget
from lightmem_integrations.records.storable import cleaned
from lightmem_integrations.safety import check_counts, check_known

Recalled = str | list[BaseMessage]


class LightMemRecall(OnMemory, RunnableSerializable[Any, Recalled]):
    """Looks up what a user's memory holds on a question, as a step of a chain.

    Takes a question: a string, a message, messages (the last one asks), or a dictionary with one
    of these under ``input_key``. Gives the fenced block for a prompt, empty if nothing is known.

    The user is the one that it is bound to, or the one of the running graph's context, or
    ``config["configurable"]["user_id"]``; without one, the call raises ``ScopeError``. A memory
    that fails or is slow does not fail the chain: it goes on without, and a warning is logged.

    Args:
        memory: The memory. Its models load in the background from its opening on.
        user_id: Whose memory, if the chain serves one user only.
        session_id: The session of runs that have no ``thread_id`` or ``session_id``.
        input_key: The key of the question; needed if a dictionary has several keys.
        history_key: The key of messages that stand in the prompt anyway, and need not be recalled.
        output: Give ``text``, or ``messages`` for a placeholder: one, or none if nothing is known.
        k: How many memories a recall returns. ``None``: as the memory's settings say.
        max_tokens: Size of the block, in tokens. ``None``: as the settings say.
        recall_seconds: How long memory may hold up the chain, in seconds.
        strict: Raise what the memory raises. Even so, being slow is no error.
        space: The space in which the session is recorded, if it is one's: see
            ``LightMemMiddleware``.
        spaces: Spaces to recall from besides, as in ``LightMemMiddleware``.
        filter: What recalled turns must meet, as there.

    Raises:
        ScopeError: ``user_id`` is not a valid one.
        InvalidRequestError: Another argument is not known or out of its range.
    """

    user_id: str | None = None
    session_id: str | None = None
    input_key: str | None = None
    history_key: str | None = None
    output: Literal["text", "messages"] = "text"
    k: int | None = None
    max_tokens: int | None = None
    recall_seconds: float = Field(default=RECALL_SECONDS, gt=0)
    strict: bool = False
    space: Any = None
    spaces: Any = ()
    filter: Any = None

    _background: BackgroundMemory = PrivateAttr()

    def __init__(self, **fields: Any) -> None:
        check_counts(k=fields.get("k"), max_tokens=fields.get("max_tokens"))
        RunLimits(filter=fields.get("filter")).checked()
        super().__init__(**fields)
        self._background = BackgroundMemory(
            self.memory, k=self.k, max_tokens=self.max_tokens, seconds=self.recall_seconds,
            strict=self.strict,
        )  # fmt: skip

    @property
    def InputType(self) -> Any:  # noqa: N802  # its name in the contract
        """The question in its simplest form, for schemas and ``as_tool``."""
        if self.input_key is None:
            return str
        return create_model_v2(
            self.get_name("Input"), field_definitions={self.input_key: (str, ...)}
        )

    def invoke(
        self,
        input: Any,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **unknown: Any,
    ) -> Recalled:
        """The memories on the question, as text or messages.

        Raises:
            ScopeError: No user is named, or no valid one.
            InvalidRequestError: It is not clear which part of the input is the question.
            LightMemError: With ``strict``: what failed.
        """
        check_known(unknown, (), type(self).__name__)
        return self._call_with_config(self._recalled, input, config)

    async def ainvoke(
        self,
        input: Any,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **unknown: Any,
    ) -> Recalled:
        """The same without blocking the event loop; see ``invoke``."""
        check_known(unknown, (), type(self).__name__)
        return await self._acall_with_config(self._arecalled, input, config)

    def _recalled(
        self,
        given: Any,
        run_manager: object,  # noqa: ARG002  # part of the contract
        config: RunnableConfig,
    ) -> Recalled:
        recall = self._started(given, config)
        if recall is None:
            return self._rendered("")
        WaitBudget(self.recall_seconds).wait(recall)
        return self._rendered(self._background.text(recall))

    async def _arecalled(
        self,
        given: Any,
        run_manager: object,  # noqa: ARG002  # part of the contract
        config: RunnableConfig,
    ) -> Recalled:
        recall = await asyncio.to_thread(self._started, given, config)
        if recall is None:
            return self._rendered("")
        await WaitBudget(self.recall_seconds).wait_async(recall)
        return self._rendered(self._background.text(recall))

    def _started(self, given: Any, config: RunnableConfig) -> Future[str] | None:
        within = RunLimits(self.space, self.spaces, self.filter)
        scope = scope_of(config, user_id=self.user_id, session_id=self.session_id, within=within)
        question = self._question(given)
        if not question.text.strip():
            return None
        return self._background.recall(question, scope, self._prompt(given))

    def _question(self, given: Any) -> AskedQuestion:
        asked = question_in(given, self.input_key)
        last = asked[-1] if isinstance(asked, list) and asked else asked
        own_id = last.id if isinstance(last, BaseMessage) else None
        return AskedQuestion(id=own_id or "", text=cleaned(text_of(asked)))

    def _prompt(self, given: Any) -> list[BaseMessage]:
        """Messages that are in the prompt: those given as the history, or asked with."""
        asked = question_in(given, self.input_key)
        messages = list(asked) if isinstance(asked, (list, tuple)) else []
        if self.history_key is not None and isinstance(given, dict):
            messages += given.get(self.history_key) or []
        return [each for each in messages if isinstance(each, BaseMessage)]

    def _rendered(self, text: str) -> Recalled:
        if self.output == "text":
            return text
        return [HumanMessage(text)] if text else []
