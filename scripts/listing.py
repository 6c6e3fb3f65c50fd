"""Writes what both frameworks' lists take: docs/listing, with the project's addresses filled in.

    python scripts/listing.py [--out build/listing]

The addresses are those of ``[project.urls]`` in pyproject.toml: ``Repository``, and
``Documentation`` where there is a site.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
FORMS = ROOT / "docs" / "listing"
# Until pyproject.toml has [project.urls]: nothing that has this in it may be sent to anybody.
PLACEHOLDER = "https://github.com/PLACEHOLDER/lightmem-integrations"


def addresses() -> dict[str, str]:
    """What stands for each name in braces."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = re.search(r"^\[project\.urls\]\n((?:.+\n)*)", project, re.MULTILINE)
    urls = dict(re.findall(r'^(\w+) = "(.+)"$', section[1] if section else "", re.MULTILINE))
    repository = urls.get("Repository", PLACEHOLDER)
    return {
        "{repository}": repository,
        "{documentation}": urls.get("Documentation", repository),
        "{slug}": urlsplit(repository).path.strip("/"),
    }


def main() -> int:
    """Writes each file of docs/listing, filled in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "listing")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(FORMS.iterdir()):
        text = path.read_text(encoding="utf-8")
        for name, address in addresses().items():
            text = text.replace(name, address)
        (out / path.name).write_text(text, encoding="utf-8")
        print(out / path.name)
    if PLACEHOLDER in addresses().values():
        print(f"pyproject.toml has no [project.urls]: {PLACEHOLDER} stands for the address")
    return 0


if __name__ == "__main__":
    sys.exit(main())
