"""Runs the upstream authors' tests on our classes; see README.md beside this file.

    python scripts/conformance/run.py [--cache FOLDER] [--only WORD] [--timeout SECONDS]

Exits with 1 if a suite has a failure, or passes fewer tests than it should.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from xml.etree import ElementTree

from suites import SUITES, Suite

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lightmem-conformance"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the tests of one run ended, by id.

    Attributes:
        passed: Those that passed.
        failed: Those that did not.
        skipped: Those that were not tried.
        seconds: How long it took.
        output: What was printed.
        anyway: Of a suite that is compared, those that fail without our class, too.
    """

    passed: frozenset[str]
    failed: frozenset[str]
    skipped: frozenset[str]
    seconds: float
    output: str
    anyway: frozenset[str] = frozenset()


def fetch(package: str, wanted: str, cache: Path) -> Path:
    """The folder above the ``tests`` of a source distribution, downloaded once."""
    folder = cache / f"{package}-{wanted}"
    if (folder / "tests").is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        download = Path(name)
        subprocess.run(  # noqa: S603 - pip
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
             "--no-binary", package, "--dest", str(download), f"{package}=={wanted}"],
            check=True,
        )  # fmt: skip
        (archive,) = download.glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            root = opened.getnames()[0].split("/")[0]
            opened.extractall(
                download / "unpacked",
                members=[m for m in opened if m.name.startswith(f"{root}/tests")],
                filter="data",
            )
        shutil.rmtree(folder, ignore_errors=True)
        (download / "unpacked" / root).rename(folder)
    return folder


def run(suite: Suite, cache: Path, timeout: float) -> Outcome:
    """Runs a suite's tests in a process of their own."""
    if suite.package:
        folder = fetch(suite.package, version_of(suite), cache)
        # Upstream's settings for pytest, as far as the tests need them.
        settings = ["-c", str(HERE / "pytest.ini"), "--rootdir", str(folder)]
    else:
        folder, settings = ROOT, []
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={name}/cache", *settings,
                   f"--junitxml={report}", "-o", "junit_family=xunit1"]  # fmt: skip
        command += [f"--deselect={each}" for each in suite.left_out]
        ours = ["-p", suite.plugin] if suite.plugin else []
        paths = os.pathsep.join([str(ROOT / "src"), str(HERE), str(folder)])
        # What is said goes into a file: a server that a plugin started keeps a pipe open.
        said = Path(name) / "output"

        def ran(*more: str) -> Outcome:
            started = time.monotonic()
            with said.open("w") as output:
                subprocess.run(  # noqa: S603 - pytest
                    [*command, *more, *suite.tests],
                    cwd=folder,
                    env={**os.environ, "PYTHONPATH": paths},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=False,
                    timeout=timeout,
                )
            seconds = time.monotonic() - started
            return outcome(report, seconds, said.read_text(errors="replace"))

        # Thousands of operations are one test: who has done theirs takes what waits behind it.
        several = ["-n", str(suite.processes), "--dist", "worksteal"] if suite.processes > 1 else []
        first = ran(*ours, *several)
        if first.failed and suite.compared:
            return replace(first, anyway=ran("--last-failed").failed)
        if not first.failed or not several:
            return first
        # Some wait for fractions of a second, and others ran beside them: once more, alone.
        again = ran(*ours, "--last-failed")
        return replace(again, passed=first.passed | again.passed, skipped=first.skipped)


def outcome(report: Path, seconds: float, output: str) -> Outcome:
    """Reads what pytest wrote down."""
    found: dict[str, set[str]] = {"passed": set(), "failed": set(), "skipped": set()}
    if report.exists():
        for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own
            test = f"{case.get('classname')}::{case.get('name')}"
            kinds = {child.tag for child in case}
            bad = kinds & {"failure", "error"}
            found["failed" if bad else "skipped" if "skipped" in kinds else "passed"].add(test)
    passed, failed, skipped = (frozenset(each) for each in found.values())
    return Outcome(passed - failed, failed, skipped, seconds, output)


def version_of(suite: Suite) -> str:
    """The version whose tests are run: the one that is installed, if any is."""
    try:
        return version(suite.package)
    except PackageNotFoundError:
        if not suite.version:
            raise
        return suite.version


def judge(suite: Suite, cache: Path, timeout: float) -> tuple[bool, list[str]]:
    """Runs a suite; whether it passed, and what to print."""
    ours = run(suite, cache, timeout)
    bad = ours.failed - ours.anyway
    notes = [f"fails without our class, too: {each}" for each in sorted(ours.anyway)]
    excused = {t: why for t in bad for part, why in suite.changed.items() if part in t}
    notes += [f"differs: {test}: {why}" for test, why in sorted(excused.items())]
    notes += [f"FAILED: {each}" for each in sorted(bad - set(excused))]
    notes += [f"left out: {each}: {why}" for each, why in suite.left_out.items()]
    good = len(ours.passed) >= suite.passed and not bad - set(excused)
    if not good:
        notes += ours.output.splitlines()[-60:]
    line = (
        f"{'ok ' if good else 'BAD'}  {suite.name:<42} {len(ours.passed):>5} passed "
        f"(at least {suite.passed}), {len(ours.failed)} failed, {len(suite.left_out)} left out, "
        f"{len(ours.skipped)} skipped, {ours.seconds:.0f} s"
    )
    return good, [line, *(f"     {note}" for note in notes)]


def main() -> int:
    """Runs the suites that were asked for and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--only", default="", help="suites whose name holds this word")
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds for one run")
    chosen = parser.parse_args()
    suites = [suite for suite in SUITES if chosen.only in suite.name]
    for suite in suites:  # before two at a time want the same
        if suite.package:
            fetch(suite.package, version_of(suite), chosen.cache)

    def judged(suite: Suite) -> tuple[bool, list[str]]:
        print(f"... {suite.name}", flush=True)
        return judge(suite, chosen.cache, chosen.timeout)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(judged, suites))
    for _, lines in outcomes:
        print("\n".join(lines))
    return 0 if all(good for good, _ in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
