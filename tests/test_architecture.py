"""Sizes, exports, banned calls, light imports: rules that no tool holds.

The directions of imports are contracts in pyproject.toml, held by ``lint-imports``.
"""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lightmem_integrations

ROOT = Path(lightmem_integrations.__file__).parent
PACKAGE = "lightmem_integrations"
TREE = ROOT.parents[1]
MODULES = sorted(ROOT.rglob("*.py"))
BESIDE = sorted(
    path
    for folder in ("benchmarks", "examples", "scripts")
    for path in (TREE / folder).rglob("*.py")
)
LONGEST = 300
# The façade is the public interface: more than half of it is docstrings, which users read.
LONGER = {"lightmem.py": 1_090}

FRAMEWORKS = {"langchain", "langchain_core", "langchain_classic", "langgraph", "llama_index"}
HEAVY = {"chromadb", "torch", "transformers", "sentence_transformers", "onnxruntime"}

# Rooms that may import a framework, and two modules that wrap a chat model of theirs or of ours.
ADAPTERS = ("langchain", "llama_index", "cli", "evaluation", "testing")
WRAPPERS = {"gguf.py", "frameworks.py"}


def part(path):
    """The top-level part of the package that a module belongs to."""
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imports(path):
    """Full names of everything a module imports, within functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    longest = LONGER.get(str(path.relative_to(ROOT)), LONGEST)
    assert len(text.splitlines()) <= longest
    assert ast.get_docstring(ast.parse(text))


def test_only_adapters_and_wrappers_know_a_framework():
    for path in MODULES:
        if part(path) in ADAPTERS or path.name in WRAPPERS:
            continue
        assert not {name.split(".")[0] for name in imports(path)} & FRAMEWORKS, path


def test_sql_is_written_in_storage_alone():
    """Elsewhere a connection is handed on and rows come back; nothing builds or runs a query."""
    for path in MODULES:
        if part(path) == "storage":
            continue
        taken = {name for name in imports(path) if name.split(".")[0] in {"sqlalchemy", "sqlite3"}}
        assert taken <= {"sqlalchemy.Connection", "sqlalchemy.Row"}, path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"execute", "exec_driver_sql", "executescript"}, path


def test_nobody_reaches_into_the_facade():
    """Adapters, tests and what stands beside the package use it as users do."""
    reach = re.compile(
        r"\bmemor(?:y|ies\[[^\]]*\])\._[a-z]"
        r"|(?<!\bself)\._(?:store|knowledge|consolidator|access_log|idle)\b"
    )
    written = [*MODULES, *BESIDE, *(TREE / "tests").rglob("*.py"), *TREE.glob("notebooks/*.ipynb")]
    for path in written:
        found = reach.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path}: {found}"


def test_the_table_of_folders_is_the_tree():
    guide = (TREE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = guide.partition("## Where things are")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `([\w/]+(?:\.py)?)`", table, re.MULTILINE)
    rooms = {f"{path.parent.name}/" for path in ROOT.glob("*/__init__.py")}
    halls = {path.name for path in ROOT.glob("*.py") if path.name != "__init__.py"}
    rooms |= {"benchmarks/", "docs/", "examples/", "notebooks/", "packages/", "scripts/", "tests/"}
    assert sorted(told) == sorted(rooms | halls)


@pytest.mark.parametrize(
    "path",
    [
        path
        for folder in ("benchmarks", "examples", "scripts")
        for path in (TREE / folder).rglob("*.py")
    ],
    ids=lambda path: path.name,
)
def test_what_stands_beside_the_package_asks_for_names_that_it_has(path):
    for name in imports(path):
        if name.startswith(f"{PACKAGE}."):
            module, _, attribute = name.rpartition(".")
            found = importlib.import_module(module)
            # Not hasattr: it would load a name whose framework may be missing.
            known = {*dir(found), *getattr(found, "__all__", ())}
            assert attribute in known or importlib.util.find_spec(name), name


def test_every_public_name_can_be_imported_and_is_what_it_says():
    assert lightmem_integrations.__all__ == sorted(lightmem_integrations.__all__)
    for name in lightmem_integrations.__all__:
        assert getattr(lightmem_integrations, name).__name__ == name
    errors = importlib.import_module(f"{PACKAGE}.errors")
    raised = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert raised <= set(lightmem_integrations.__all__)


@pytest.mark.parametrize("adapter", ["langchain", "llama_index"])
def test_no_module_of_an_adapter_hides_a_name_that_it_exports(adapter):
    """Importing the module would put it in the place of what it defines."""
    exported = set(importlib.import_module(f"{PACKAGE}.{adapter}").__all__)
    assert exported.isdisjoint(path.stem for path in (ROOT / adapter).iterdir())


def test_the_error_tree_in_the_docs_is_the_real_one():
    errors = importlib.import_module(f"{PACKAGE}.errors")
    drawn = set(re.findall(r"\b(\w+Error)\b(?! ?\))", errors.__doc__)) - {
        "ValueError",
        "ImportError",
    }
    assert drawn == {name for name, value in vars(errors).items() if isinstance(value, type)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_code_from_data(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "pickle.loads", "pickle.load", "yaml.load"}
            assert called not in {"torch.load", "os.system"}
            for keyword in node.keywords:
                if keyword.arg in {"trust_remote_code", "shell", "allow_pickle"}:
                    assert ast.unparse(keyword.value) == "False"
    assert not {name.split(".")[0] for name in imports(path)} & {"pickle", "dill", "joblib"}


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, lightmem_integrations, lightmem_integrations.langchain, "
        "lightmem_integrations.llama_index; print(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & (FRAMEWORKS | HEAVY)


def test_opening_a_store_loads_no_framework_and_no_torch(tmp_path):
    code = (
        "import sys; from lightmem_integrations import LightMem, Turn\n"
        f"with LightMem({str(tmp_path)!r}) as memory:\n"
        "    memory.add(Turn(role='user', text='I live in Lisbon.'), user_id='ann')\n"
        "    assert memory.recall('Where?', user_id='ann').hits\n"
        "print(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & (FRAMEWORKS | {"torch", "transformers", "sentence_transformers"})


def test_every_benchmark_is_listed():
    listed = (TREE / "benchmarks" / "README.md").read_text(encoding="utf-8")
    scripts = [
        each.name
        for each in (TREE / "benchmarks").glob("*.py")
        if "__main__" in each.read_text(encoding="utf-8")
    ]
    scripts.remove("other_checkout.py")  # `latency.py --before` starts it
    assert len(scripts) > 20
    assert [name for name in scripts if f"`python benchmarks/{name}" not in listed] == []
