"""One version for all packages: what differs is named before anything is built."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATED = [
    "pyproject.toml",
    "src/lightmem_integrations/__init__.py",
    "packages/langchain-lightmem/pyproject.toml",
    "packages/llama-index-memory-lightmem/pyproject.toml",
    "CHANGELOG.md",
]


def check(root, *more):
    script = str(ROOT / "scripts" / "release_versions.py")
    command = [sys.executable, script, "--root", str(root), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path):
    """What of this tree states the version, as a copy in which all of it is 7.8.9."""
    for name in STATED:
        text = (ROOT / name).read_text(encoding="utf-8")
        text = re.sub(r'(version(?:__)? = "|integrations\[[a-z-]+\]==)[\d.]+', r"\g<1>7.8.9", text)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    log = "# Changelog\n\n## [Unreleased]\n\n## [7.8.9] - 2026-11-29\n\n## [7.8.8] - 2026-10-01\n"
    (tmp_path / "CHANGELOG.md").write_text(log, encoding="utf-8")
    return tmp_path


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_this_tree_can_be_released():
    done = check(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("more", [(), ("--release",)], ids=["build", "release"])
def test_one_version_everywhere_is_good(tree, more):
    done = check(tree, *more)
    assert done.returncode == 0
    assert "version 7.8.9" in done.stdout


def test_what_is_unreleased_is_no_part_of_a_release(tree):
    edit(tree / "CHANGELOG.md", "[Unreleased]\n", "[Unreleased]\n\n### Added\n\n- A thing.\n")
    assert check(tree).returncode == 0
    done = check(tree, "--release")
    assert done.returncode == 1
    assert "unreleased" in done.stdout


def test_a_tree_without_a_changelog_is_told_so(tree):
    (tree / "CHANGELOG.md").unlink()
    done = check(tree)
    assert done.returncode == 1
    assert "CHANGELOG.md" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize(
    ("name", "old"),
    [
        *((name, '"7.8.9"') for name in STATED[1:4]),
        *((name, "]==7.8.9") for name in STATED[2:4]),
        ("CHANGELOG.md", "[7.8.9]"),
    ],
)
def test_what_states_another_version_is_named(tree, name, old):
    edit(tree / name, old, old.replace("7.8.9", "7.8.10"))
    done = check(tree)
    assert done.returncode == 1
    assert name in done.stdout
    assert "7.8.10" in done.stdout


@pytest.mark.parametrize("day", ["", " - soon", " - 2026-13-01"])
def test_a_release_without_its_day_is_named(tree, day):
    edit(tree / "CHANGELOG.md", "[7.8.9] - 2026-11-29", f"[7.8.9]{day}")
    done = check(tree)
    assert done.returncode == 1
    assert "CHANGELOG.md: write '## [7.8.9] - YYYY-MM-DD'" in done.stdout


def test_a_package_that_no_longer_pins_the_core_is_named(tree):
    path = tree / "packages/langchain-lightmem/pyproject.toml"
    edit(path, "==7.8.9", ">=7.8.9")
    done = check(tree)
    assert done.returncode == 1
    assert "no version" in done.stdout


def test_a_new_package_is_asked_for_its_version_as_well(tree):
    shutil.copytree(tree / "packages/langchain-lightmem", tree / "packages/another")
    edit(tree / "packages/another/pyproject.toml", 'version = "7.8.9"', 'version = "1.0.0"')
    assert "packages/another/pyproject.toml has 1.0.0" in check(tree).stdout


def test_all_packages_have_the_licence_of_the_project():
    licence = (ROOT / "LICENSE").read_bytes()
    for path in (ROOT / "packages").iterdir():
        assert (path / "LICENSE").read_bytes() == licence
