"""Recording of what a chain is asked and answers, without holding it up."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

from langchain_core.runnables import (
    Runnable,
    RunnableConfig,
    RunnableSerializable,
)
from langchain_core.runnables.config import ensure_config, merge_configs
from langchain_core.runnables.graph import Graph
from langchain_core.runnables.utils import ConfigurableFieldSpec
from langchain_core.tracers.root_listeners import RootListenersTracer
from langchain_core.tracers.schemas import Run
from pydantic import ConfigDict, Field

from lightmem_integrations.display import described
from lightmem_integrations.langchain.background import BackgroundMemory
from lightmem_integrations.langchain.exchange import (
    answer_in,
    messages_in,
    outcome,
    question_in,
    resumes,
    said,
)
from lightmem_integrations.langchain.messages import (
    ids_of,
    last_exchange,
    to_turn,
)
from lightmem_integrations.langchain.scope import (
    RunLimits,
    RunMetadata,
    Scope,
    history_of,
    is_from_model,
    scope_of,
)
from lightmem_integrations.langchain.wait_budget import wait_for
from lightmem_integrations.lightmem import LightMem
from lightmem_integrations.records.conversation import Branch
from lightmem_integrations.safety import check_scope_id, check_user_id, short_repr

logger = logging.getLogger(__name__)

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")
_KEPT_SESSIONS = 1_000  # a guess: more than have an answer interrupted at a time
_RECORD_SECONDS = 0.5  # a guess: what nobody minds waiting after an answer


def record_turns(
    chain: Runnable[_Input, _Output],
    memory: LightMem,
    *,
    input_key: str | None = None,
    output_key: str | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    agent_id: str | None = None,
    recall_answers: bool = True,
    space: str | Callable[[Any], str | None] | None = None,
    metadata: RunMetadata = None,
) -> Runnable[_Input, _Output]:
    """The same chain, which writes down what it was asked and what it answered.

    It streams, batches and runs asynchronously as before, with the same schemas, name and graph;
    what it answers is recorded when it has come to its end, once, whichever way it is called. A
    chain that fails records nothing, nor one that an agent calls within a tool: a model asks it,
    and no person. A memory that fails does not fail the chain; a warning is logged. No answer
    waits more than half a second for a slow store: what is left then is recorded as soon as the
    store lets it.

    The user is found as in ``LightMemRecall``, before the chain runs: without one, the call raises
    ``ScopeError``. The session is the run's ``thread_id`` or ``session_id``, or the one given, or
    ``default``.

    Args:
        chain: Any Runnable that takes a question and gives an answer: a string, a message or
            messages, or a dictionary with one of these.
        memory: The memory.
        input_key: The key of the question; needed if the input is a dictionary of several keys.
        output_key: The key of the answer; needed if the output is one of several keys.
        user_id: Whose memory, if the chain serves one user only.
        session_id: The session of runs that name none.
        agent_id: Which agent writes, for the record.
        recall_answers: ``False`` keeps the model's replies out of recall; they stay in the history.
        space: The space that keeps it, instead of the user's own memory: a name, or a function of
            the run's context that gives one or ``None``.
        metadata: Metadata of what is recorded, besides a message's own, or such a function.

    Raises:
        ScopeError: ``user_id`` or ``session_id`` is not a valid one.
        InvalidTurnError: ``metadata`` is none.
    """
    within = RunLimits(space, metadata=metadata).checked()
    if user_id is not None:
        check_user_id(user_id)
    if session_id is not None:
        check_scope_id(session_id, "session_id")
    background = BackgroundMemory(memory, agent_id=agent_id)
    askers: dict[str, str] = {}  # who asked last, by session

    def watched(given: Any, config: RunnableConfig | None, context: object) -> RunnableConfig:
        config = ensure_config(config)
        runtime = None if context is None else SimpleNamespace(context=context)
        scope = scope_of(
            config, user_id=user_id, session_id=session_id, runtime=runtime,
            within=within,
        )  # fmt: skip
        asked, from_model = question_in(given, input_key), is_from_model(config)
        history = f"{history_of(config, agent_id)}:chain"
        now = scope.now(memory.settings)
        if not resumes(asked):
            askers[scope.session_id] = scope.user_id
            if len(askers) > _KEPT_SESSIONS:
                del askers[next(iter(askers))]

        def record(run: Run) -> None:
            # LangChain swallows what a listener raises, and says less about it.
            try:
                answered = answer_in(outcome(run, chain), output_key)
                asker = resumed(scope, answered) if resumes(asked) else scope
                words = said(str(run.id), asked, answered)
                turns = [
                    to_turn(each, memory.settings, recall_answers=recall_answers) for each in words
                ]
                turns = [replace(each, time=now) if each.role == "user" else each for each in turns]
                if turns and asker is not None and not from_model:
                    held = ids_of([*messages_in(asked), *messages_in(answered)])
                    branch = Branch(history=history, turn_ids=held)
                    # On an event loop, LangChain calls listeners in a thread of their own.
                    wait_for(background.record(turns, asker, branch), _RECORD_SECONDS)
            except Exception as error:  # noqa: BLE001  # the answer is there, and worth more
                logger.warning("Recording failed: %s: %s", type(error).__name__, error)

        listener = RootListenersTracer(config=config, on_start=None, on_end=record, on_error=None)
        return merge_configs(config, {"callbacks": [listener]})

    def resumed(scope: Scope, answered: Any) -> Scope | None:
        """The scope of who had asked what a resumed run answers; ``None`` if nobody knows."""
        asker = askers.get(scope.session_id)
        if asker is None:  # asked in another process: then it is in the asker's history
            known = memory.history(**scope.place)
            question = ids_of(last_exchange(messages_in(answered))[0])
            asker = scope.user_id if question & {turn.id for turn in known} else None
        if asker != scope.user_id:
            logger.warning(
                "Session %s was resumed by another user than the one who asked. What was said is "
                "not recorded for the other one.",
                short_repr(scope.session_id),
            )
        return None if asker is None else scope.resumed_for(asker)

    remade = partial(
        record_turns, memory=memory, input_key=input_key, output_key=output_key, user_id=user_id,
        session_id=session_id, agent_id=agent_id, recall_answers=recall_answers, space=space,
        metadata=metadata,
    )  # fmt: skip
    return _Recorded(chain=chain, watched=watched, remade=remade)


class _Recorded(RunnableSerializable[_Input, _Output]):
    """The chain in a run of its own, which can be watched, and in all else the chain itself."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    chain: Runnable[Any, Any]
    watched: Callable[[Any, RunnableConfig | None, object], RunnableConfig] = Field(
        exclude=True, repr=False
    )
    remade: partial[Runnable[Any, Any]] = Field(exclude=True, repr=False)

    def __repr__(self) -> str:
        made = self.remade.keywords
        return described(self, chain=self.chain, memory=made["memory"], user_id=made["user_id"])

    def __reduce__(self) -> tuple[Any, ...]:
        return self.remade, (self.chain,)

    @property
    def InputType(self) -> Any:  # noqa: N802  # its name in the contract
        return self.chain.InputType

    @property
    def OutputType(self) -> Any:  # noqa: N802  # its name in the contract
        return self.chain.OutputType

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        return self.chain.config_specs

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return self.chain.get_name(suffix, name=name)

    def get_input_schema(self, config: RunnableConfig | None = None) -> Any:
        return self.chain.get_input_schema(config)

    def get_output_schema(self, config: RunnableConfig | None = None) -> Any:
        return self.chain.get_output_schema(config)

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        return self.chain.get_input_jsonschema(config)

    def get_output_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        return self.chain.get_output_jsonschema(config)

    def get_graph(self, config: RunnableConfig | None = None, **kwargs: Any) -> Graph:
        return self.chain.get_graph(config, **kwargs)

    def invoke(
        self,
        input: _Input,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> _Output:
        config = self.watched(input, config, kwargs.get("context"))
        return self._call_with_config(partial(self.chain.invoke, **kwargs), input, config)

    async def ainvoke(
        self,
        input: _Input,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> _Output:
        config = self.watched(input, config, kwargs.get("context"))
        return await self._acall_with_config(partial(self.chain.ainvoke, **kwargs), input, config)

    def stream(
        self,
        input: _Input,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[_Output]:
        config = self.watched(input, config, kwargs.get("context"))
        yield from self._transform_stream_with_config(
            iter([input]), partial(self.chain.transform, **kwargs), config
        )

    async def astream(
        self,
        input: _Input,  # noqa: A002  # its name in the contract
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[_Output]:
        async def given() -> AsyncIterator[_Input]:
            yield input

        config = self.watched(input, config, kwargs.get("context"))
        async for each in self._atransform_stream_with_config(
            given(), partial(self.chain.atransform, **kwargs), config
        ):
            yield each
