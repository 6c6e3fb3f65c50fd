"""Every example runs as it stands, and prints what it is there to show."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOWN = {
    "langchain_agent.py": [
        "alice: You said on {day}: \"My daughter's birthday party is on Saturday, and she is",
        'bob: You said on {day}: "I booked the party room of the bowling alley',
    ],
    "lcel_chain.py": [
        'You said on {day}: "My train to Porto leaves at nine on Saturday."\n',
        "alice: You said on {day}",
        "bob: I have nothing about that in memory.",
    ],
    "deep_agent.py": [
        'alice: You said on {day}: "I moved to Lisbon in May and I eat no meat." Notes: [\'The',
        "bob: I have nothing about that in memory. Notes: []",
    ],
    "langgraph_store.py": ["The user drinks green tea. True"],
    "moving_in.py": [
        "2 turns of the conversation",
        "2 turns of the vector store",
        'You said on {day}: "I moved to Lisbon in May."',
    ],
    "moving_in_from_chatgpt.py": [
        "2 turns in 1 session",
        '2024-05-04: "I am moving to Lisbon in June. What should I see?"',
    ],
    "mcp_client.py": ["Assistant: Alice moved to Lisbon", "Assistant: Bob's train leaves at nine."],
}
NEEDS = {"mcp_client.py": "mcp", "deep_agent.py": "deepagents", "langgraph_store.py": "langmem"}

pytestmark = pytest.mark.slow


def test_every_example_is_tested_and_listed():
    files = {path.name for path in EXAMPLES.glob("*.py")}
    langchain = {name for name in files if not name.startswith("llama")}
    assert langchain == set(SHOWN)
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"({name})" in readme for name in files)


@pytest.mark.parametrize("name", SHOWN)
def test_it_runs(name, tmp_path):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], exc_type=ImportError)
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line in SHOWN[name]:
        for part in line.split("{day}"):
            assert part in done.stdout
    if name == "langgraph_store.py":
        alice, bob = done.stdout.splitlines()[:2]
        assert "green tea" in alice
        assert "espresso" not in alice
        assert "espresso" in bob
        assert "green tea" not in bob
    assert not list(tmp_path.iterdir())
