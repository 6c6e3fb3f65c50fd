"""The subpackage loads without LlamaIndex and says what is missing."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import lightmem_integrations.llama_index as ours
assert not any(name.split(".")[0] == "llama_index" for name in sys.modules)
assert {{"LightMemMemory", "LightMemRetriever"}} <= set(dir(ours))
{rest}
"""


def python(rest: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE.format(rest=rest)], capture_output=True, text=True, check=False
    )


def test_importing_it_loads_no_framework() -> None:
    done = python("")
    assert done.returncode == 0, done.stderr


def test_a_missing_framework_names_the_extra() -> None:
    done = python("sys.modules['llama_index'] = None\nours.LightMemMemory")
    assert done.returncode == 1
    assert "MissingExtraError" in done.stderr
    assert "pip install 'lightmem-integrations[llama-index]'" in done.stderr


def test_every_name_it_offers_can_be_imported() -> None:
    done = python("assert all(getattr(ours, name).__name__ == name for name in ours.__all__)")
    assert done.returncode == 0, done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    done = python("assert not hasattr(ours, 'Nothing')")
    assert done.returncode == 0, done.stderr
