"""Installs the wheels in dist/ in a clean environment, and uses them as a newcomer does.

    python scripts/check_wheels.py [--all] [--timeout SECONDS]

With the newest versions of the frameworks, on the Python that runs this. With ``--all`` on each
Python that pyproject.toml allows and this machine has, and with the lowest versions as well.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from environments import CACHE, CORE, ROOT, Environment, lower_bounds

DIST = ROOT / "dist"
# What was downloaded once: the same packages are installed for each Python.
HOUSE = CACHE / "lightmem-wheels"
FRAMEWORKS = {
    "langchain-lightmem": ("langchain", "langgraph", CORE),
    "llama-index-memory-lightmem": ("llama-index-core",),
}
NEWEST_PYTHON = 14  # the last minor version that is out


def wheel(package: str) -> Path:
    """The one wheel of a package in dist/."""
    found = list(DIST.glob(f"{package.replace('-', '_')}-*.whl"))
    if len(found) != 1:
        sys.exit(f"{DIST} has {len(found)} wheels of {package}: build them with `make wheels`")
    return found[0]


def check_contents() -> None:
    """Ends the program where the core's wheel holds what it should not, or lacks its types."""
    path = wheel("lightmem-integrations")
    names = zipfile.ZipFile(path).namelist()
    ours = re.compile(r"lightmem_integrations(-[^/]+\.dist-info)?/")
    strays = [
        name
        for name in names
        if not ours.match(name) or "/tests/" in name or name.endswith((".ipynb", ".pyc"))
    ]
    if strays or "lightmem_integrations/py.typed" not in names:
        sys.exit(f"{path.name}: no py.typed, or files that do not belong there: {strays}")
    print(f"ok   {path.name}: {len(names)} files, {path.stat().st_size / 1e6:.1f} MB, with types")


def pythons() -> Iterator[tuple[str, str | None]]:
    """Each minor version that pyproject.toml allows, with its interpreter where there is one."""
    stated = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lowest = int(re.findall(r'requires-python = ">=3\.(\d+)"', stated)[0])
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(lowest, NEWEST_PYTHON + 1):
        there = [
            *([sys.executable] if sys.version_info[:2] == (3, minor) else []),
            *map(str, sorted(pyenv.glob(f"3.{minor}.*/bin/python"), reverse=True)),
            *filter(None, [shutil.which(f"python3.{minor}")]),
        ]
        yield f"3.{minor}", next(filter(_works, there), None)


def _works(python: str) -> bool:
    # A shim of pyenv's is there for versions that are not chosen; Debian's lacks ensurepip.
    return not subprocess.run(  # noqa: S603
        [python, "-c", "import ensurepip, venv"], capture_output=True, check=False
    ).returncode


def install(environment: Environment, *what: str) -> None:
    """Installs our wheels and packages, from what was downloaded as far as it is there."""
    found = ["--quiet", "--find-links", str(DIST)]
    _forget_ours()
    environment.run("-m", "pip", "download", *found, "--dest", str(HOUSE), *what)
    # Else a later build of the same version would be passed over for this one.
    _forget_ours()
    found += ["--no-index", "--find-links", str(HOUSE)]
    environment.run("-m", "pip", "install", *found, *what)


def _forget_ours() -> None:
    for path in HOUSE.glob("*lightmem*"):
        path.unlink()


def use(environment: Environment, title: str, package: str) -> None:
    """Runs an agent with memory and the package's own tests, against what is installed alone."""
    environment.run("-I", str(ROOT / "scripts" / "use_wheels.py"), package)
    tests = ["-I", "-m", "pytest", "-p", "no:cacheprovider", str(ROOT / "packages" / package)]
    said = environment.run(*tests).strip().splitlines()[-1]
    there = environment.installed()
    frameworks = ", ".join(f"{name} {there[name]}" for name in FRAMEWORKS[package])
    print(f"ok   {title}: {package} with {frameworks}: {said}", flush=True)


def check(python: str, timeout: float, *, lowest: bool) -> None:
    """Installs and uses the wheels on one Python; ends the program where something fails."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Environment(Path(folder) / "venv", timeout, python)
        title = environment.run("-V").strip()
        # One after the other: the second must not be what brings something that the first needs.
        for package in FRAMEWORKS:
            install(environment, str(wheel(package)), "pytest")
            use(environment, f"{title}, newest", package)
        _ask_for_help(environment)
        if lowest:
            bounds = lower_bounds("langchain", "langgraph", "llama-index-core")
            pinned = [f"{name}=={bound}" for name, bound in bounds.items()]
            install(environment, *pinned)
            install(environment, *pinned, f"{CORE}=={environment.lowest_core()}")
            for package in FRAMEWORKS:
                use(environment, f"{title}, lowest", package)


def _ask_for_help(environment: Environment) -> None:
    done = subprocess.run(  # noqa: S603
        [str(environment.bin / "lightmem"), "--help"], capture_output=True, text=True, check=False
    )
    if done.returncode or "consolidate" not in done.stdout:
        sys.exit(f"lightmem --help\n{done.stdout}\n{done.stderr}")


def main() -> int:
    """Checks what is in the wheels, then installs and uses them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="all Pythons, lowest versions too")
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds for one command")
    chosen = parser.parse_args()
    HOUSE.mkdir(parents=True, exist_ok=True)
    check_contents()
    if not chosen.all:
        check(sys.executable, chosen.timeout, lowest=False)
        return 0
    for version, python in pythons():
        if python is None:
            print(f"skip Python {version}: none found on PATH or below pyenv's folder", flush=True)
        else:
            check(python, chosen.timeout, lowest=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
