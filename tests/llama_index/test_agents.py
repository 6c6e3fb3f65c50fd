"""LlamaIndex's own agents, with this memory and a chat model that answers by script."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from llama_index.core.agent.workflow import (
    AgentWorkflow,
    CodeActAgent,
    FunctionAgent,
    ReActAgent,
)
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import (
    Context,
    HumanResponseEvent,
    InputRequiredEvent,
    JsonPickleSerializer,
    JsonSerializer,
)
from pydantic import BaseModel

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.llama_index import LightMemMemory

# Making an agent reads every attribute of it, deprecated ones of pydantic among them.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The `.*` attribute is deprecated:pydantic.PydanticDeprecatedSince20",
    "ignore:is_running called from within a step:DeprecationWarning",  # by LlamaIndex's own agents
    "ignore:Accessing the .* attribute on the instance:pydantic.PydanticDeprecatedSince211",
)

LISBON = "I moved to Lisbon in May."
WHERE = "Where do I live?"


@pytest.fixture
def known(core: LightMem) -> LightMem:
    core.add(Turn(role="user", text=LISBON), user_id="alice", session_id="old")
    return core


def calling(call_id: str, name: str = "weather", **arguments: Any) -> ChatMessage:
    block = ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments)
    return ChatMessage(role="assistant", blocks=[block])


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


def of_alice(core: LightMem, **arguments: Any) -> LightMemMemory:
    return LightMemMemory.from_defaults(
        **{"memory": core, "user_id": "alice", "strict": True} | arguments
    )


def roles(messages: list[ChatMessage]) -> list[str]:
    return [message.role.value for message in messages]


async def test_a_function_agent_remembers_over_sessions(core: LightMem, script) -> None:
    says = script("Noted.", "In Lisbon.")
    agent = FunctionAgent(llm=says.llm, system_prompt="Be kind.")
    await agent.run(user_msg=LISBON, memory=of_alice(core))
    answer = await agent.run(user_msg=WHERE, memory=of_alice(core))
    assert str(answer) == "In Lisbon."
    assert roles(says.prompts[1]) == ["system", "user"]  # no second system message
    assert LISBON in says.said_to(1)


async def test_tool_rounds_recall_once_and_every_round_sees_it(
    known: LightMem, script, recalls: list[str]
) -> None:
    says = script(calling("1", city="Lisbon"), calling("2", city="Porto"), "Sunny.")
    memory = of_alice(known)
    agent = FunctionAgent(llm=says.llm, tools=[weather], system_prompt="Be kind.")
    await agent.run(user_msg=WHERE, memory=memory)
    assert recalls == [WHERE]
    assert all(LISBON in says.said_to(number) for number in range(3))
    assert roles(memory.get_all()) == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    await agent.run(user_msg="Thanks", memory=memory)
    assert roles(says.prompts[3])[1:] == [*roles(memory.get_all())[:-1]]


async def test_parallel_tool_calls_stay_with_their_results(core: LightMem, script) -> None:
    both = ChatMessage(
        role="assistant", blocks=[*calling("1", city="A").blocks, *calling("2", city="B").blocks]
    )
    says = script(both, "Sunny in both.")
    memory = of_alice(core)
    await FunctionAgent(llm=says.llm, tools=[weather]).run(user_msg="Weather?", memory=memory)
    assert memory.get() == memory.get_all()
    assert roles(memory.get()) == ["user", "assistant", "tool", "tool", "assistant"]


async def test_tool_calls_of_the_old_kind_work_too(core: LightMem, script) -> None:
    selection = ToolSelection(tool_id="1", tool_name="weather", tool_kwargs={"city": "A"})
    old = ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [selection]})
    says = script(old, "Sunny.", "Welcome.")
    agent = FunctionAgent(llm=says.llm, tools=[weather])
    memory = of_alice(core)
    await agent.run(user_msg="Weather?", memory=memory)
    await agent.run(user_msg="Thanks", memory=memory)
    assert roles(says.prompts[2]) == ["user", "assistant", "tool", "assistant", "user"]


async def test_a_direct_answer_of_a_tool_is_kept(core: LightMem, script) -> None:
    says = script(calling("1", city="Lisbon"), "Welcome.")
    tool = FunctionTool.from_defaults(weather, return_direct=True)
    agent = FunctionAgent(llm=says.llm, tools=[tool])
    memory = of_alice(core)
    assert str(await agent.run(user_msg="Weather?", memory=memory)) == "Sunny in Lisbon."
    await agent.run(user_msg="Thanks", memory=memory)
    assert roles(says.prompts[1]) == ["user", "assistant", "tool", "assistant", "user"]


async def test_a_call_left_without_result_is_not_shown_again(core: LightMem, script) -> None:
    says = script(calling("1", city="A"), calling("2", city="B"), "Hello.")
    memory = of_alice(core)
    agent = FunctionAgent(llm=says.llm, tools=[weather], early_stopping_method="generate")
    await agent.run(user_msg="Weather?", memory=memory, max_iterations=1)
    assert any(isinstance(block, ToolCallBlock) for m in memory.get_all() for block in m.blocks)
    await agent.run(user_msg="Hello", memory=memory)
    assert roles(says.prompts[-1]) == ["user", "user"]


async def test_a_failed_run_leaves_a_question_and_the_next_goes_on(core: LightMem, script) -> None:
    says = script(RuntimeError("the model is down"), "Hello again.")
    memory = of_alice(core)
    agent = FunctionAgent(llm=says.llm)
    with pytest.raises(RuntimeError, match="down"):
        await agent.run(user_msg="Hello", memory=memory)
    await agent.run(user_msg="Hello?", memory=memory)
    assert [message.content for message in says.prompts[1]] == ["Hello", "Hello?"]


async def test_a_chat_history_is_the_conversation_so_far(known: LightMem, script) -> None:
    says = script("In Lisbon.")
    history = [ChatMessage(role="user", content="Hi"), ChatMessage(role="assistant", content="Hi")]
    memory = of_alice(known)
    await FunctionAgent(llm=says.llm).run(user_msg=WHERE, chat_history=history, memory=memory)
    assert says.prompts[0][:2] == history
    assert LISBON in str(says.prompts[0][2].content)


async def test_initial_state_reaches_every_round_but_not_the_store(core: LightMem, script) -> None:
    says = script(calling("1", city="A"), "Sunny.", "Welcome.")
    agent = FunctionAgent(llm=says.llm, tools=[weather], initial_state={"mood": "bright"})
    memory = of_alice(core)
    await agent.run(user_msg="Weather?", memory=memory)
    assert "bright" in says.said_to(0)
    assert "bright" in says.said_to(1)
    assert not any("bright" in str(message.content) for message in memory.get_all())
    await agent.run(user_msg="Thanks", memory=memory)
    assert "bright" not in str(says.prompts[2][0].content)


async def test_structured_output_gets_the_conversation(known: LightMem, script) -> None:
    class City(BaseModel):
        name: str

    seen: list[list[ChatMessage]] = []

    def read(messages: list[ChatMessage]) -> dict[str, Any]:
        seen.append(messages)
        return City(name="Lisbon").model_dump()

    agent = FunctionAgent(llm=script("In Lisbon.").llm, structured_output_fn=read)
    result = await agent.run(user_msg=WHERE, memory=of_alice(known))
    assert result.get_pydantic_model(City) == City(name="Lisbon")
    assert LISBON in str(seen[0][0].content)
    assert str(seen[0][-1].content) == "In Lisbon."


@pytest.mark.parametrize("system_prompt", [None, "Be kind."])
async def test_a_react_agent_sees_what_is_remembered(
    known: LightMem, script, system_prompt: str | None, recalls: list[str]
) -> None:
    says = script(
        'Thought: Look.\nAction: weather\nAction Input: {"city": "Lisbon"}',
        "Thought: I can answer.\nAnswer: Sunny, as ever in Lisbon.",
    )
    agent = ReActAgent(llm=says.llm, tools=[weather], system_prompt=system_prompt)
    memory = of_alice(known, session_id="now")
    await agent.run(user_msg=WHERE, memory=memory)
    assert all(LISBON in says.said_to(number) for number in range(2))
    assert recalls == [WHERE]
    trace = memory.get_all()[-1].content
    assert "Observation: Sunny in Lisbon." in str(trace)
    last = known.history(user_id="alice", session_id="now")[-1]
    assert last.text == "Sunny, as ever in Lisbon."


async def test_a_react_agent_that_must_try_again(known: LightMem, script) -> None:
    says = script("Thought: hm\nAction: weather\nno input", "Thought: ok.\nAnswer: Lisbon.")
    agent = ReActAgent(llm=says.llm, tools=[weather])
    answer = await agent.run(user_msg=WHERE, memory=of_alice(known))
    assert str(answer) == "Lisbon."
    assert LISBON in says.said_to(1)


async def test_agents_of_a_workflow_share_the_memory(
    known: LightMem, script, recalls: list[str]
) -> None:
    first = script(calling("1", "handoff", to_agent="second", reason="It knows."))
    second = script(calling("2", city="Lisbon"), "Sunny in Lisbon.")
    team = AgentWorkflow(
        agents=[
            FunctionAgent(
                name="first", description="Asks.", llm=first.llm, can_handoff_to=["second"]
            ),
            FunctionAgent(name="second", description="Knows.", llm=second.llm, tools=[weather]),
        ],
        root_agent="first",
    )
    memory = of_alice(known)
    assert str(await team.run(user_msg=WHERE, memory=memory)) == "Sunny in Lisbon."
    assert recalls == [WHERE]
    assert LISBON in first.said_to(0)
    assert LISBON in second.said_to(0)
    assert LISBON in second.said_to(1)
    assert roles(second.prompts[0]) == ["user", "assistant", "tool"]


async def test_a_context_may_be_used_again(core: LightMem, script) -> None:
    says = script("Noted.", "In Lisbon.")
    agent = FunctionAgent(llm=says.llm)
    context = Context(agent)
    await agent.run(user_msg=LISBON, memory=of_alice(core), ctx=context)
    await agent.run(user_msg=WHERE, ctx=context)
    assert [message.content for message in says.prompts[1]] == [LISBON, "Noted.", WHERE]


@pytest.mark.parametrize("through_json", [False, True])
async def test_a_context_may_be_saved_and_read_back(
    core: LightMem, script, through_json: bool
) -> None:
    says = script("Noted.", "In Lisbon.")
    agent = FunctionAgent(llm=says.llm)
    context = Context(agent)
    await agent.run(user_msg=LISBON, memory=of_alice(core), ctx=context)
    saved = context.to_dict(serializer=JsonSerializer())
    saved = json.loads(json.dumps(saved)) if through_json else saved
    restored = Context.from_dict(agent, saved, serializer=JsonSerializer())
    await agent.run(user_msg=WHERE, ctx=restored)
    assert [message.content for message in says.prompts[1]] == [LISBON, "Noted.", WHERE]


async def test_a_context_survives_the_process(tmp_path, script) -> None:
    says = script("Noted.", "In Lisbon.")
    agent = FunctionAgent(llm=says.llm)
    with LightMem(tmp_path / "kept") as store:
        context = Context(agent)
        await agent.run(user_msg=LISBON, memory=of_alice(store), ctx=context)
        saved = json.dumps(context.to_dict(serializer=JsonSerializer()))
    del store, context  # what a new process does not have
    restored = Context.from_dict(agent, json.loads(saved), serializer=JsonSerializer())
    await agent.run(user_msg=WHERE, ctx=restored)
    assert [message.content for message in says.prompts[1]] == [LISBON, "Noted.", WHERE]
    memory = await restored.store.get("memory")
    memory.memory.close()


async def test_many_users_at_once_see_their_own_memory_only(core: LightMem, script) -> None:
    async def talk(number: int) -> None:
        says = script("Noted.", "It is known.")
        agent = FunctionAgent(llm=says.llm)
        user, secret = f"user {number}", f"My locker code is {number}{number}{number}."
        for text in (secret, "What is my locker code?"):
            memory = of_alice(core, user_id=user)
            await agent.run(user_msg=text, memory=memory)
        assert secret in says.said_to(1)
        assert says.said_to(1).count("My locker code is") == 1

    await asyncio.gather(*(talk(number) for number in range(1, 9)))


async def test_a_code_act_agent_remembers_and_recalls_once(
    known: LightMem, script, recalls: list[str]
) -> None:
    ran: list[str] = []

    def run(code: str) -> str:
        ran.append(code)
        return "Sunny."

    says = script("Let me look.\n<execute>print('Lisbon')</execute>", "It is sunny in Lisbon.")
    agent = CodeActAgent(code_execute_fn=run, llm=says.llm)
    memory = of_alice(known)
    assert str(await agent.run(user_msg=WHERE, memory=memory)) == "It is sunny in Lisbon."
    assert ran
    assert all(LISBON in says.said_to(number) for number in range(2))
    assert recalls == [WHERE]
    await agent.run(user_msg="Thanks", memory=memory)
    assert "It is sunny in Lisbon." in says.said_to(2)
    assert recalls == [WHERE, "Thanks"]
    assert known.recall("Which code printed Sunny?", user_id="alice").text.count("execut") == 0


async def test_what_code_printed_stays_with_its_question(core: LightMem, script) -> None:
    says = script("<execute>print(1)</execute>", "It is 1.")
    agent = CodeActAgent(code_execute_fn=lambda code: "word " * 100, llm=says.llm)
    memory = of_alice(core, token_limit=20)
    await agent.run(user_msg="What is it?", memory=memory)
    assert roles(memory.get()) == ["user", "assistant", "user", "assistant"]


@pytest.mark.parametrize("serializer", [JsonSerializer, JsonPickleSerializer])
@pytest.mark.parametrize("team", [False, True])
async def test_a_run_that_waits_for_a_person_goes_on_after_it_was_saved(
    known: LightMem, script, serializer: type[Any], team: bool, recalls: list[str]
) -> None:
    async def ask(ctx: Context) -> str:
        """Ask the person."""
        answer = await ctx.wait_for_event(
            HumanResponseEvent, waiter_event=InputRequiredEvent(prefix="What is your name?")
        )
        return f"The name is {answer.response}."

    ask.__annotations__ = {"ctx": Context}  # LlamaIndex looks for the class, not for its name
    says = script(calling("1", "ask"), "Hello Ann of Lisbon.")
    agent = FunctionAgent(name="one", description="Asks.", llm=says.llm, tools=[ask])
    runs = AgentWorkflow(agents=[agent], root_agent="one") if team else agent
    memory = of_alice(known)
    handler = runs.run(user_msg=WHERE, memory=memory)
    saved = None
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            saved = handler.ctx.to_dict(serializer=serializer())
            await handler.cancel_run()
            break
    assert saved is not None
    context = Context.from_dict(runs, saved, serializer=serializer())
    handler = runs.run(user_msg=WHERE, ctx=context)
    handler.ctx.send_event(HumanResponseEvent(response="Ann"))
    assert str(await handler) == "Hello Ann of Lisbon."
    assert "The name is Ann." in says.said_to(1)
    assert LISBON in says.said_to(1)
    assert set(recalls) == {WHERE}
    assert roles(memory.get())[-3:] == ["assistant", "tool", "assistant"]


async def test_a_context_keeps_a_memory_of_a_bound_class(core: LightMem, script) -> None:
    bound = LightMemMemory.bound(memory=core, user_id="alice", strict=True)
    says = script("Noted.", "In Lisbon.")
    agent = FunctionAgent(llm=says.llm)
    context = Context(agent)
    memory = bound.from_defaults()
    assert isinstance(memory, bound)
    await agent.run(user_msg=LISBON, memory=memory, ctx=context)
    restored = Context.from_dict(agent, json.loads(json.dumps(context.to_dict())))
    await agent.run(user_msg=WHERE, ctx=restored)
    assert [message.content for message in says.prompts[1]] == [LISBON, "Noted.", WHERE]


async def test_a_context_that_another_user_resumes_stays_with_who_asked(
    core: LightMem, script
) -> None:
    core.add(Turn(role="user", text="My diagnosis is a heron allergy."), user_id="boss")
    scripted = script("One moment.", "It is paid.")
    agent = FunctionAgent(llm=scripted.llm, system_prompt="Be brief.")

    def of(user: str) -> LightMemMemory:
        return LightMemMemory.from_defaults(memory=core, user_id=user, session_id="s")

    context = Context(agent)
    await agent.run("Pay the invoice for the heron.", ctx=context, memory=of("alice"))
    again = Context.from_dict(agent, context.to_dict())
    await agent.run("Is the heron paid?", ctx=again, memory=of("boss"))
    assert "diagnosis" not in scripted.said_to(1)
    assert len(core.history(user_id="alice", session_id="s")) == 4
    assert core.sessions(user_id="boss") == ("default",)
