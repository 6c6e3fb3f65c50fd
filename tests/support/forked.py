"""Programs in processes of their own, forked from one that has imported what they all import.

A test that starts thirty programs waits for the imports of one. What a program does at its end, and
how it dies, is its own: the process that forks it only ever imported.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

IMPORTED = (
    "import lightmem_integrations.storage.chroma.index, lightmem_integrations.testing, chromadb"
)


class Programs:
    """Starts programs one after another; ends when it is closed.

    Args:
        folder: Where what they print lies meanwhile.
        imported: What is imported for all of them.
    """

    def __init__(self, folder: Path, imported: str = IMPORTED) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, __file__, imported],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, program: str, *arguments: object, timeout: float
    ) -> "subprocess.CompletedProcess[str]":
        """As ``subprocess.run([sys.executable, "-c", program, *arguments])`` does."""
        said = [self._folder / name for name in ("stdout", "stderr")]
        asked = {
            "program": program,
            "arguments": list(map(str, arguments)),
            "said": list(map(str, said)),
            "environment": dict(os.environ),
            "folder": str(Path.cwd()),
        }
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        process = int(self._process.stdout.readline())
        killer = threading.Timer(timeout, os.kill, [process, 9])
        killer.start()
        status = int(self._process.stdout.readline())
        late = not killer.is_alive()
        killer.cancel()
        if late:
            raise subprocess.TimeoutExpired("a program", timeout)
        out, error = (each.read_text(encoding="utf-8", errors="replace") for each in said)
        return subprocess.CompletedProcess(arguments, status, out, error)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _serve() -> None:
    """Forks for each line; a child returns from here, to run its program as a new process does."""
    exec(sys.argv[1], {})
    for line in sys.stdin:
        asked = json.loads(line)
        if process := os.fork():
            _say(process)
            _, status = os.waitpid(process, 0)
            _say(os.waitstatus_to_exitcode(status))
            continue
        for number, place in enumerate(asked["said"], start=1):
            opened = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        sys.argv[:] = ["-c", *asked["arguments"]]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(asked["program"], "<program>", "exec"), vars(main))
        return


if __name__ == "__main__":
    _serve()
