"""Docstrings as a newcomer pastes them: every block of Python in one runs as it stands."""

import ast
import asyncio
import inspect
import re
import textwrap
from pathlib import Path

import pytest

import lightmem_integrations
from lightmem_integrations import LightMem, Turn

# LlamaIndex's own, where it makes an agent.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecationWarning")

SOURCE = Path(lightmem_integrations.__file__).parent
BLOCK = re.compile(r"\n\n((?: {4}.*\n+)+)")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def snippets():
    """The blocks of Python of all docstrings, by where they stand."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
            for number, block in enumerate(BLOCK.findall(f"{text or ''}\n")):
                name = f"{path.relative_to(SOURCE)}:{getattr(node, 'name', '')}:{number}"
                if "├" not in block:  # the tree of errors
                    found[name] = textwrap.dedent(block)
    return found


SNIPPETS = snippets()


@pytest.fixture
def given(tmp_path, monkeypatch):
    """What a snippet takes for granted."""
    monkeypatch.chdir(tmp_path)
    with LightMem("./memory") as memory:
        memory.add(Turn(role="user", text="I live in Porto."), user_id="alice")
        yield {"memory": memory}


def test_the_snippets_are_found():
    assert {name.partition(":")[0] for name in SNIPPETS} >= {
        "__init__.py",
        "llama_index/__init__.py",
        "llama_index/tools.py",
        "llama_index/workflow.py",
    }


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_runs(name, given, capsys):
    if name.startswith("llama_index"):
        pytest.importorskip("llama_index.core")
        from llama_index.core.agent.workflow import FunctionAgent

        from lightmem_integrations import llama_index as ours
        from lightmem_integrations.testing import ExtractiveLLM

        given |= {each: getattr(ours, each) for each in ours.__all__}
        given["agent"] = FunctionAgent(llm=ExtractiveLLM())
        given["spec"] = ours.LightMemToolSpec(given["memory"], user_id="alice")
    code = compile(SNIPPETS[name], name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def run():
        outcome = eval(code, given)
        if inspect.isawaitable(outcome):
            await outcome

    asyncio.run(run())
    if "print(" in SNIPPETS[name]:
        assert capsys.readouterr().out.strip()
