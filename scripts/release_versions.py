"""Checks that all that states the version states the same one, and that the changelog dates it.

    python scripts/release_versions.py [--root FOLDER] [--release]

The three packages are released together: two of them hold the names of the first one, and need it
in their own version. With ``--release`` nothing may stand in the changelog as unreleased.
"""

from __future__ import annotations

import argparse
import re
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = r'^version = "(.+)"$'
PIN = r'"lightmem-integrations\[[a-z-]+\]==(.+)"'
RELEASED = r"^## \[(\d\S*)\]"
UNRELEASED = r"^## \[Unreleased\]\s*?$\s*^(?!## \[)(.+)$"


def stated(root: Path) -> dict[str, str]:
    """The version that each place states; empty where it states none."""
    thin = sorted((root / "packages").glob("*/pyproject.toml"))
    places = [
        (root / "pyproject.toml", VERSION, ""),
        (root / "src/lightmem_integrations/__init__.py", r'^__version__ = "(.+)"$', ""),
        *((path, VERSION, "") for path in thin),
        *((path, PIN, ", the pinned dependency") for path in thin),
        (root / "CHANGELOG.md", RELEASED, ", the section of the last release"),
    ]
    return {
        f"{path.relative_to(root).as_posix()}{what}": _first(path, pattern)
        for path, pattern, what in places
    }


def problems(root: Path, *, release: bool = False) -> list[str]:
    """What keeps this tree from being built or released; empty where nothing does."""
    versions = stated(root)
    wanted = versions["pyproject.toml"]
    found = [
        f"{place} has {version or 'no version'}, pyproject.toml {wanted}"
        for place, version in versions.items()
        if version != wanted
    ]
    said = _first(root / "CHANGELOG.md", rf"^## \[{re.escape(wanted)}\] - (\S+)$")
    try:
        date.fromisoformat(said)
    except ValueError:
        found.append(f"CHANGELOG.md: write '## [{wanted}] - YYYY-MM-DD', with the day of release")
    if release and _first(root / "CHANGELOG.md", UNRELEASED):
        found.append("CHANGELOG.md: what is unreleased belongs under the version to be released")
    return found


def _first(path: Path, pattern: str) -> str:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


def main() -> int:
    """Prints the one version, or each place that differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--release", action="store_true")
    chosen = parser.parse_args()
    root = chosen.root
    found = problems(root, release=chosen.release)
    for problem in found:
        print(f"BAD  {problem}")
    if not found:
        versions = stated(root)
        print(f"ok   version {versions['pyproject.toml']} in {len(versions)} places, dated")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
