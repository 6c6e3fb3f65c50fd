"""README and docs as a newcomer pastes them: every block of Python runs, in order, as it stands.

Each section stands by itself. What a page shows as printed is what was printed, but for dates,
ids and confidences, which fade from day to day.
"""

import ast
import dataclasses
import re
import shlex
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once

from lightmem_integrations import LightMem
from lightmem_integrations.cli.main import app
from lightmem_integrations.storage.postgresql.url import PostgresUrl

pytest.importorskip("langchain")
pytest.importorskip("llama_index.core")
# It keeps the standard error that it is imported with: not that of a test, which ends.
pytest.importorskip("mcp.client.stdio")

from lightmem_integrations.testing import extractive_langchain, extractive_llama_index
from noted import NotesWriter, note

# What the model of the page would note.
NOTES = [
    note("I live in Lisbon", "Carol", "home", "Lisbon", "Carol lives in Lisbon."),
    note(
        "as a nurse", "Carol", "job", "a nurse at the harbour clinic",
        "Carol works as a nurse at the harbour clinic.",
    ),
    note(
        "moved to Porto", "Carol", "home", "Porto", "Carol moved to Porto on 15 May 2026.",
        since="2026-05-15",
    ),
    note("a teacher now", "Carol", "job", "a teacher", "Carol works as a teacher."),
]  # fmt: skip
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DATABASE = "postgresql+psycopg://user:password@localhost/lightmem"  # of the pages; not of the tests
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VALUE = re.compile(r"  # ('.*'|\(\))$")


def plain(text):
    """A text without what differs from day to day and from terminal to terminal."""
    text = re.sub(r"\d{1,2} \w+ 20\d\d(?: \d\d:\d\d)?", "DAY", text)
    text = re.sub(r"(?<=\] )20\d\d-\d\d-\d\d", "DAY", text)  # as the tools of a model say it
    text = re.sub(r"\b[0-9a-f]{8}\b", "ID", text)
    text = re.sub(r"\b0\.\d\d\b", "CONFIDENCE", text)
    lines = [re.sub(r"[\s─]+", " ", line).strip() for line in text.splitlines()]
    return [line for line in lines if line]


def run(code, names):
    """Run a block, statement by statement; a comment that is a value is what comes out."""
    lines = code.splitlines()
    for statement in ast.parse(code).body:
        source = ast.get_source_segment(code, statement)
        said = VALUE.search(lines[statement.end_lineno - 1])
        if said:
            assert eval(source, names) == eval(said[1]), source
        else:
            # Not the source, which lacks decorators.
            exec(compile(ast.Module([statement], []), "<page>", "exec"), names)


@pytest.fixture(autouse=True)
def traced_by_nobody(monkeypatch):
    """Ends what a page sets up for a whole program: no other test is to be traced by it."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    yield
    if trace._TRACER_PROVIDER is not None:
        trace._TRACER_PROVIDER.shutdown()


@pytest.fixture
def sent(monkeypatch):
    """What the chat models of the page were sent."""
    texts = []

    def record(module, said):
        answer = module._answer

        def recorded(messages):
            texts.extend(said(message) for message in messages)
            return answer(messages)

        monkeypatch.setattr(module, "_answer", recorded)

    record(extractive_langchain, lambda message: message.text)
    record(extractive_llama_index, lambda message: message.content or "")
    return texts


# LlamaIndex's agents use what pydantic and their own workflows have deprecated, LangMem LangGraph;
# the buffers that one moves in from are deprecated themselves.
@pytest.mark.filterwarnings(
    "ignore:.*deprecated:langchain_core._api.deprecation.LangChainDeprecationWarning",
    "ignore:The `.*` attribute is deprecated:pydantic.PydanticDeprecatedSince20",
    "ignore:is_running called from within a step:DeprecationWarning",
    "ignore:Accessing the .* attribute on the instance:pydantic.PydanticDeprecatedSince211",
    "ignore:Importing Send from langgraph.constants",
)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_runs_and_prints_what_it_shows(
    page, tmp_path, monkeypatch, capsys, sent, postgresql_database
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "96")
    monkeypatch.setattr("langchain.chat_models.init_chat_model", lambda name: NotesWriter(NOTES))
    for section in page.read_text(encoding="utf-8").split("\n## "):
        names, printed = {}, []
        try:
            for language, code in BLOCK.findall(section):
                if language == "python":
                    assert not printed, "the page does not show what was printed"
                    run(code.replace(DATABASE, postgresql_database), names)
                    printed = plain(capsys.readouterr().out)
                elif printed:
                    assert plain(code) == printed
                    printed = []
                elif code.startswith("<memory>"):
                    assert plain(code) in [plain(text) for text in sent]
            assert not printed, "the page does not show what was printed"
        finally:
            for each in names.values():
                if isinstance(each, LightMem):
                    each.close()


def test_commands_that_a_page_names_are_there():
    commands = (*app.registered_commands, *app.registered_groups)
    known = {command.name or command.callback.__name__ for command in commands}
    for page in PAGES:
        for code in re.findall(r"`(lightmem [^`]+)`", page.read_text(encoding="utf-8")):
            assert shlex.split(code)[1] in known, code
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make (\w+)", PAGES[0].read_text("utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_page_on_postgresql_has_every_number_of_its_url_as_it_is():
    page = (ROOT / "docs" / "postgresql.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| `?(\w+)`?[^|]* \|", page, re.MULTILINE))
    own = {each.name: each.default for each in dataclasses.fields(PostgresUrl)}
    del own["url"]
    assert rows.keys() == own.keys()
    # Without a number of its own it goes by the place: the page says how, in words.
    fixed = {name: str(default) for name, default in own.items() if default is not None}
    assert {name: rows[name] for name in fixed} == fixed
