"""README and docs as a newcomer pastes them: every block of Python runs, in order, as it stands.

Each section stands by itself. What a page shows as printed is what was printed, but for dates,
ids and confidences, which fade from day to day.
"""

import ast
import re
import shlex
from pathlib import Path

import pytest

from lightmem_integrations import LightMem
from lightmem_integrations.cli.main import app

pytest.importorskip("langchain")
pytest.importorskip("llama_index.core")

from lightmem_integrations.testing import ExtractiveChatModel
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
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VALUE = re.compile(r"  # ('.*'|\(\))$")


def plain(text):
    """A text without what differs from day to day and from terminal to terminal."""
    text = re.sub(r"\d{1,2} \w+ 20\d\d(?: \d\d:\d\d)?", "DAY", text)
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
            exec(source, names)


@pytest.fixture
def sent(monkeypatch):
    """What the chat model of the page was sent."""
    texts = []
    generate = ExtractiveChatModel._generate

    def recorded(self, messages, *rest, **options):
        texts.extend(message.text for message in messages)
        return generate(self, messages, *rest, **options)

    monkeypatch.setattr(ExtractiveChatModel, "_generate", recorded)
    return texts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_runs_and_prints_what_it_shows(page, tmp_path, monkeypatch, capsys, sent):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "96")
    monkeypatch.setattr("langchain.chat_models.init_chat_model", lambda name: NotesWriter(NOTES))
    for section in page.read_text(encoding="utf-8").split("\n## "):
        names, printed = {}, []
        try:
            for language, code in BLOCK.findall(section):
                if language == "python":
                    assert not printed, "the page does not show what was printed"
                    run(code, names)
                    printed = plain(capsys.readouterr().out)
                elif code.startswith("<memory>"):
                    assert plain(code) in [plain(text) for text in sent]
                elif printed:
                    assert plain(code) == printed
                    printed = []
        finally:
            for each in names.values():
                if isinstance(each, LightMem):
                    each.close()


def test_commands_that_a_page_names_are_there():
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    for page in PAGES:
        for code in re.findall(r"`(lightmem [^`]+)`", page.read_text(encoding="utf-8")):
            assert shlex.split(code)[1] in known | {"eval"}, code
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make (\w+)", PAGES[0].read_text("utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
