"""What the installed package promises: the adapters' names, types, and an agent with memory."""

import functools
import re
from importlib.metadata import files, requires, version
from pathlib import Path

import langchain_lightmem
import pytest
from langchain.agents import create_agent
from langchain_lightmem import LightMemMiddleware

import lightmem_integrations.langchain as adapters
from lightmem_integrations import LightMem
from lightmem_integrations.testing import ExtractiveChatModel

README = Path(__file__).parents[1] / "README.md"
PATIENT = {"recall_seconds": 60.0}  # on a machine that is busy with other things, too
# Only langchain-classic, which this package does not bring, has a use for it.
LEFT_OUT = {"LightMemMemory"}


@pytest.fixture
def ask(tmp_path):
    """Asks an agent with memory, as a user and in a thread; returns what it answers."""
    with LightMem(tmp_path / "memory") as memory:
        model = ExtractiveChatModel()
        middleware = LightMemMiddleware(memory, **PATIENT)
        agent = create_agent(model, tools=[], middleware=[middleware])

        def asked(text, user_id, thread_id):
            run = {"configurable": {"thread_id": thread_id, "user_id": user_id}}
            return agent.invoke({"messages": [("user", text)]}, run)["messages"][-1].text

        yield asked


def test_every_adapter_is_there_and_is_the_one_of_the_core():
    assert set(langchain_lightmem.__all__) == set(adapters.__all__) - LEFT_OUT
    for name in langchain_lightmem.__all__:
        assert getattr(langchain_lightmem, name) is getattr(adapters, name)


def test_an_agent_remembers_across_threads(ask):
    ask("I moved to Lisbon in May.", "alice", "monday")
    assert "I moved to Lisbon in May." in ask("Where did I move to?", "alice", "friday")


def test_another_user_is_told_nothing_of_it(ask):
    ask("I moved to Lisbon in May.", "alice", "monday")
    assert "Lisbon" not in ask("Where did I move to?", "bob", "friday")


def test_the_readme_runs_and_prints_what_it_says(tmp_path, monkeypatch, capsys):
    text = README.read_text(encoding="utf-8")
    program, printed = re.findall(r"```(?:python|text)\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    patient = functools.partial(LightMemMiddleware, **PATIENT)
    monkeypatch.setattr(langchain_lightmem, "LightMemMiddleware", patient)
    names = {}
    exec(compile(program, str(README), "exec"), names)  # as a reader pastes it
    names["memory"].close()
    date = r"\d+ [A-Z][a-z]+ \d{4}"
    assert re.sub(date, "DATE", capsys.readouterr().out) == re.sub(date, "DATE", printed)


def test_it_is_locked_to_the_core_of_its_own_version():
    same = version("langchain-lightmem")
    assert version("lightmem-integrations") == same
    needs = [each for each in requires("langchain-lightmem") if "extra ==" not in each]
    assert needs == [f"lightmem-integrations[agents]=={same}"]


def test_it_brings_its_types_and_licence_and_nothing_but_the_names():
    shipped = {str(path) for path in files("langchain-lightmem") if "__pycache__" not in str(path)}
    modules = {path for path in shipped if ".dist-info/" not in path}
    assert modules == {"langchain_lightmem/__init__.py", "langchain_lightmem/py.typed"}
    assert any(path.endswith("licenses/LICENSE") for path in shipped)
