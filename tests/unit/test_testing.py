"""The shipped stand-ins do what users' own tests rely on."""

import importlib
import sys

import numpy as np
import pytest

from lightmem_integrations import InvalidRequestError, LightMem, MissingExtraError, Turn
from lightmem_integrations.testing import NOTHING, HashEmbedder, quoted_answer
from lightmem_integrations.text.fence import fence

# Making any LlamaIndex agent reads every attribute of it, the deprecated ones of pydantic too.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")

MEMORY = fence(
    [
        "[3 March 2026 19:14] Ann: I start at the bakery on Monday. My bike is green.",
        "[4 March 2026 08:00] Assistant: Where is the bakery?",
        "[5 March 2026 08:00] Ann: Mother came by.\n  She stays\n  until Friday.",
        "[6 March 2026 08:00] User: The cat is called Miso.",
        "[7 March 2026 08:00] Assistant: I put the dentist into the calendar for June.",
    ]
)
BAKERY = 'Ann said on 3 March 2026: "I start at the bakery on Monday. My bike is green."'


def ask(question, memory=MEMORY):
    return quoted_answer([Turn(role="user", text=f"{memory}\n\n{question}")])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When does she start at the bakery?", BAKERY),
        ("Until when does mother stay?", "Ann said on 5 March 2026: "),
        ("What is the cat called?", 'You said on 6 March 2026: "The cat is called Miso."'),
        ("Is the dentist in my calendar?", "I said on 7 March 2026: "),
        ("Did Ann mention a volcano?", NOTHING),
        ("", NOTHING),
    ],
)
def test_it_quotes_the_turn_that_fits_the_question(question, answer):
    assert ask(question).startswith(answer)


@pytest.mark.parametrize(
    "question",
    [
        "When does Ben start at the bakery?",
        "When does my sister Ben start at the bakery on Monday?",
        "Ben's bike: is it green?",
        "I wonder. Is Ben\u2019s bike green?",
        "Tell me when Ben starts at the bakery.",
        "What is the cat of \u00d8yvind called?",
    ],
)
def test_a_question_about_somebody_else_is_not_answered_with_ones_own_words(question):
    assert ask(question) == NOTHING


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When does Ann start at the bakery?", BAKERY),
        ("Is Ann's bike green?", BAKERY),
        ("Until when does Mother stay?", "Ann said on 5 March 2026: "),
        ("Thanks. Where was Miso, the cat?", "You said on 6 March 2026: "),
        # A prompt in one string, as chains make it.
        ("You are Bob, an AI.\nHuman: What is the cat called?\nAI:", "You said on 6 March 2026: "),
    ],
)
def test_a_question_about_those_who_are_remembered_is_answered(question, answer):
    assert ask(question).startswith(answer)


def test_further_lines_of_a_turn_belong_to_it():
    assert ask("Until when does mother stay?").endswith('"Mother came by. She stays until Friday."')


def test_what_a_space_holds_is_quoted():
    question = "What is the wifi code?"
    with LightMem(embedder=HashEmbedder()) as memory:
        memory.spaces.grant("our home", user_id="ann", write=True)
        said = Turn(role="user", text="The wifi code is heron.")
        memory.add(said, user_id="ann", space="our home")
        found = memory.recall(question, user_id="ann", spaces="all")
    assert ask(question, found.text).endswith('"The wifi code is heron."')


def test_without_memory_it_says_that_it_has_none():
    assert ask("When does she start at the bakery?", memory="") == NOTHING
    assert quoted_answer([]) == NOTHING


def test_a_question_that_is_remembered_is_no_answer():
    assert "Where is the bakery" not in ask("Where is the bakery?")


def test_the_newest_of_equals_is_quoted():
    lines = ["[1 May 2026 08:00] Ann: My room is 4.", "[2 May 2026 08:00] Ann: My room is 7."]
    assert '"My room is 7."' in ask("Which room?", memory=fence(lines))


def test_the_question_is_the_last_user_message_wherever_memory_stands():
    messages = [
        Turn(role="system", text=MEMORY),
        Turn(role="user", text="What is the cat called?"),
        Turn(role="assistant", text="Miso."),
        Turn(role="user", text="When does she start at the bakery?"),
        Turn(role="user", text=MEMORY),
    ]
    assert quoted_answer(messages) == BAKERY


def test_a_long_turn_is_quoted_in_part():
    memory = fence(["[1 May 2026 08:00] Ann: " + "the harbour is far away " * 100])
    assert len(ask("Where is the harbour?", memory=memory)) < 500


class TestLangChain:
    @pytest.fixture
    def model(self):
        pytest.importorskip("langchain_core")
        from lightmem_integrations.testing import ExtractiveChatModel

        return ExtractiveChatModel()

    @pytest.fixture
    def prompt(self):
        return [("system", MEMORY), ("user", "When does she start at the bakery?")]

    async def test_all_ways_of_calling_give_the_same_answer(self, model, prompt):
        assert model.invoke(prompt).text == BAKERY
        assert (await model.ainvoke(prompt)).text == BAKERY
        assert model.batch([prompt])[0].text == BAKERY
        pieces = [chunk.text for chunk in model.stream(prompt)]
        assert "".join(pieces) == BAKERY
        assert len(pieces) > 5
        assert "".join([chunk.text async for chunk in model.astream(prompt)]) == BAKERY

    def test_tools_are_accepted_and_never_called(self, model, prompt):
        said = model.bind_tools([{"name": "look_up", "parameters": {}}]).invoke(prompt)
        assert said.text == BAKERY
        assert said.tool_calls == []

    def test_it_answers_from_memory_in_an_agent(self, model):
        agents = pytest.importorskip("langchain.agents")
        from lightmem_integrations.langchain import LightMemMiddleware

        with LightMem() as memory:
            memory.add(Turn(role="user", text="I start at the bakery on Monday."), user_id="ann")
            remembering = LightMemMiddleware(memory, user_id="ann", recall_seconds=60, strict=True)
            agent = agents.create_agent(model, middleware=[remembering])
            said = agent.invoke({"messages": [("user", "When do I start at the bakery?")]})
        assert "I start at the bakery on Monday." in said["messages"][-1].text


class TestLlamaIndex:
    @pytest.fixture
    def model(self):
        pytest.importorskip("llama_index.core")
        from lightmem_integrations.testing import ExtractiveLLM

        return ExtractiveLLM()

    @pytest.fixture
    def prompt(self):
        from llama_index.core.llms import ChatMessage

        return [
            ChatMessage(role="system", content=MEMORY),
            ChatMessage(role="user", content="When does she start at the bakery?"),
        ]

    async def test_all_ways_of_calling_give_the_same_answer(self, model, prompt):
        assert model.chat(prompt).message.content == BAKERY
        assert (await model.achat(prompt)).message.content == BAKERY
        assert "".join(each.delta for each in model.stream_chat(prompt)) == BAKERY
        heard = [each async for each in await model.astream_chat(prompt)]
        assert "".join(each.delta for each in heard) == BAKERY
        assert heard[-1].message.content == BAKERY

    async def test_it_completes_prompts_that_are_one_string(self, model):
        prompt = f"{MEMORY}\nWhen does she start at the bakery?"
        assert model.complete(prompt).text == BAKERY
        assert (await model.acomplete(prompt)).text == BAKERY
        assert "".join(each.delta for each in model.stream_complete(prompt)) == BAKERY
        pieces = [each.delta async for each in await model.astream_complete(prompt)]
        assert "".join(pieces) == BAKERY

    async def test_it_answers_from_memory_in_an_agent(self, model):
        from llama_index.core.agent.workflow import FunctionAgent

        from lightmem_integrations.llama_index import LightMemMemory

        def look_up(word: str) -> str:
            """Look a word up."""
            raise AssertionError("the stand-in calls no tools")

        with LightMem() as memory:
            memory.add(Turn(role="user", text="I start at the bakery on Monday."), user_id="ann")
            own = LightMemMemory(memory=memory, user_id="ann", session_id="new", strict=True)
            agent = FunctionAgent(llm=model, tools=[look_up])
            said = await agent.run(user_msg="When do I start at the bakery?", memory=own)
        assert "I start at the bakery on Monday." in str(said)


class TestHashEmbedder:
    def test_equal_words_are_near_and_other_words_are_not(self):
        embedder = HashEmbedder()
        vectors = embedder.embed_documents(["green bikes", "a bike, green", "two old cats"])
        assert vectors.shape == (3, 128)
        assert vectors[0] @ vectors[1] == pytest.approx(1.0, abs=1e-5)
        assert abs(vectors[0] @ vectors[2]) < 0.8

    @pytest.mark.parametrize("text", ["", "the", "!?", "\ud800"])
    def test_every_text_has_a_direction(self, text):
        assert np.linalg.norm(HashEmbedder(64).embed_query(text)) == pytest.approx(1.0)

    def test_it_serves_a_store(self):
        with LightMem(embedder=HashEmbedder(64)) as memory:
            memory.add(Turn(role="user", text="The cat is called Miso."), user_id="ann")
            found = memory.recall("cat", user_id="ann", strict=True)
            assert found.hits[0].text == "The cat is called Miso."
            assert memory.stats().dimension == 64

    def test_a_dimension_below_one_is_refused(self):
        with pytest.raises(InvalidRequestError, match="at least 1"):
            HashEmbedder(0)


@pytest.mark.parametrize("suite", ["store_contract", "index_contract", "embedder_contract"])
def test_a_contract_suite_without_pytest_says_what_to_install(monkeypatch, suite):
    name = f"lightmem_integrations.testing.{suite}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "pytest", None)
    with pytest.raises(MissingExtraError, match=r"'pytest'.*lightmem-integrations\[contract\]"):
        importlib.import_module(name)
