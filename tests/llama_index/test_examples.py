"""Every example runs as it stands and answers from memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "llama_index"
PRINTED = {
    "agent_for_two_users": ["alice: You said on", "1234", "bob: You said on", "9876"],
    "block_inside_memory": ["walnuts"],
    "chat_across_sessions": ["leaves at nine", "I moved to Lisbon in May."],
    "move_from_chat_memory_buffer": ["2 turns imported", "Mira"],
    "query_with_reranker": ["I prefer to fly with TAP.", "Breakfast is at seven."],
}

pytestmark = pytest.mark.slow


def test_every_example_is_known() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_it_runs(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr
    for text in PRINTED[name]:
        assert text in done.stdout
