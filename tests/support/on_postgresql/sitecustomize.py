"""Opens the stores of a program on PostgreSQL in place of folders, while tests run there.

Python imports this by itself, where the folder stands in ``PYTHONPATH``: so the programs that tests
start are served as the tests are. See ``folders_on_postgresql``.
"""

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

FACADE = "lightmem_integrations.lightmem"


class _OnceImported(MetaPathFinder):
    """Serves the façade once the program has imported it: not before, what a test may count."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != FACADE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def run_and_serve(module: ModuleType) -> None:
            run(module)
            sys.path.append(str(Path(__file__).parents[1]))
            from folders_on_postgresql import in_place_of_folders

            in_place_of_folders(module.LightMem)

        spec.loader.exec_module = run_and_serve
        return spec


sys.meta_path.insert(0, _OnceImported())
