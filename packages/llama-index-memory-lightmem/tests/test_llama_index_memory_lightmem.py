"""What the installed package promises: the adapters' names, types, and an agent with memory."""

import asyncio
import re
from importlib.metadata import files, requires, version
from pathlib import Path

import llama_index.memory.lightmem as package
import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.memory.lightmem import LightMemMemory

import lightmem_integrations.llama_index as adapters
from lightmem_integrations import LightMem
from lightmem_integrations.testing import ExtractiveLLM

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def ask(tmp_path):
    """Asks an agent with memory, as a user and in a session; returns what it answers."""
    with LightMem(tmp_path / "memory") as store:
        agent = FunctionAgent(llm=ExtractiveLLM())

        async def answer(text, user_id, session_id):
            memory = LightMemMemory.from_defaults(
                memory=store, user_id=user_id, session_id=session_id
            )
            return str(await agent.run(user_msg=text, memory=memory))

        yield lambda *told: asyncio.run(answer(*told))


def test_every_adapter_is_there_and_is_the_one_of_the_core():
    assert set(package.__all__) == set(adapters.__all__)
    for name in package.__all__:
        assert getattr(package, name) is getattr(adapters, name)


def test_an_agent_remembers_across_sessions(ask):
    ask("My train to Porto leaves at nine.", "alice", "monday")
    assert "leaves at nine" in ask("When does my train leave?", "alice", "friday")


def test_another_user_is_told_nothing_of_it(ask):
    ask("My train to Porto leaves at nine.", "alice", "monday")
    assert "nine" not in ask("When does my train leave?", "bob", "friday")


def test_the_readme_runs_and_prints_what_it_says(tmp_path, monkeypatch, capsys):
    text = README.read_text(encoding="utf-8")
    program, printed = re.findall(r"```(?:python|text)\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(program, str(README), "exec"), names)  # as a reader pastes it
    names["store"].close()
    date = r"\d+ [A-Z][a-z]+ \d{4}"
    assert re.sub(date, "DATE", capsys.readouterr().out) == re.sub(date, "DATE", printed)


def test_it_is_locked_to_the_core_of_its_own_version():
    same = version("llama-index-memory-lightmem")
    assert version("lightmem-integrations") == same
    needs = [each for each in requires("llama-index-memory-lightmem") if "extra ==" not in each]
    assert needs == [f"lightmem-integrations[llama-index]=={same}"]


def test_it_brings_its_types_and_licence_and_nothing_but_the_names():
    shipped = {
        str(path) for path in files("llama-index-memory-lightmem") if "__pycache__" not in str(path)
    }
    modules = {path for path in shipped if ".dist-info/" not in path}
    assert modules == {
        "llama_index/memory/lightmem/__init__.py",
        "llama_index/memory/lightmem/py.typed",
    }
    assert any(path.endswith("licenses/LICENSE") for path in shipped)
