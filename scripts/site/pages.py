"""Pages of the site: docs/, and whatever of the repository they link to, each as a page of its own.

A link is written as it works in the repository; here it becomes one between pages. What leads
nowhere is a warning, and `make docs` ends with the first.
"""

import json
import logging
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click
from typer.main import get_command

from lightmem_integrations.cli import app

ROOT = Path(__file__).parents[2]
HOME = "README.md"  # the first page of the site
NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb"))
LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)\s#]+)(?=[)#])")
HREF = re.compile(r'(?<=href=")(?!\w+:|#|/)([^"#]+)')
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Code that is named, not linked: `examples/fastapi/app.py`
NAMED = re.compile(r"`((?:src|docs|examples|benchmarks|scripts|tests|notebooks)/[\w./-]+)`")
LANGUAGES = {".py": "python", ".json": "json", ".yaml": "yaml", ".toml": "toml"}

log = logging.getLogger("mkdocs.plugins.site")


def target(link: str, origin: str) -> str:
    """The path in the repository that a link in the file ``origin`` leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))


def as_page(path: str) -> str:
    """The path that a file of the repository has among the pages."""
    if path == HOME:
        return "index.md"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.endswith((".md", ".ipynb")):
        return path
    return f"{path}.md"


def origin(page: Page) -> str:
    """The file of the repository that a page shows, where its links start from."""
    return str(page.file.edit_uri)


def links(text: str) -> list[str]:
    """The links of a page within the repository, but for those in its code."""
    return LINK.findall(BLOCK.sub("", text))


def content(path: str) -> str:
    """A file of the repository as Markdown: itself, a listing of a folder, or its code."""
    file = ROOT / path
    if file.is_dir():
        inside = sorted(each for each in file.iterdir() if not each.name.startswith((".", "__")))
        rows = "\n".join(f"- [{each.name}]({file.name}/{each.name})" for each in inside)
        return f"# {path}\n\n{rows}\n"
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return text
    if file.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return "".join("".join(each["source"]) for each in cells if each["cell_type"] == "markdown")
    return f"# {path}\n\n````{LANGUAGES.get(file.suffix, 'text')}\n{text}\n````\n"


def command_line() -> str:
    """The help of every command, as Markdown."""
    command = get_command(app)
    context = command.make_context("lightmem", [], resilient_parsing=True)
    return get_docs_for_click(obj=command, ctx=context, name="lightmem", title="Command line")


def reached(written: list[str]) -> dict[str, str]:
    """What the pages ``written`` lead to, and those in turn: page by path in the repository."""
    texts: dict[str, str] = {}
    waiting = list(written)
    while waiting:
        path = waiting.pop()
        if path in texts or not (ROOT / path).exists():
            continue
        if path.startswith("docs/") and not path.endswith(".md"):
            continue
        texts[path] = content(path)
        if path.endswith((".md", ".ipynb")) or (ROOT / path).is_dir():
            waiting += [target(link, path) for link in links(texts[path])]
    return texts


@event_priority(100)  # before plugins that change how pages are made
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add to docs/ what of the repository is linked there, and the notebooks."""
    for page in files:
        page.edit_uri = f"docs/{page.src_uri}"
    written = [str(page.edit_uri) for page in files.documentation_pages()]
    for path, text in reached([HOME, *NOTEBOOKS, *written]).items():
        if path.startswith("docs/"):
            continue
        if path.endswith(".ipynb"):
            page = File(path, str(ROOT), config.site_dir, use_directory_urls=False)
        else:
            page = File.generated(config, as_page(path), content=text)
        page.edit_uri = path
        files.append(page)
    files.append(File.generated(config, "reference/command-line.md", content=command_line()))
    return files


def page_of(link: str, page: Page) -> str | None:
    """The path among the pages that a link leads to; None for nowhere, and warned of."""
    path = target(link, origin(page))
    if (ROOT / path).exists():
        return as_page(path)
    log.warning("%s links to %s, which is not there", origin(page), path)
    return None


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    for path in NAMED.findall(markdown):
        if not (ROOT / path).exists():
            log.warning("%s names %s, which is not there", origin(page), path)
    folder = posixpath.dirname(page.file.src_uri) or "."

    def between_pages(found: re.Match[str]) -> str:
        path = page_of(found[1], page)
        return posixpath.relpath(path, folder) if path else found[1]

    parts, end = [], 0
    for block in BLOCK.finditer(markdown):
        parts += [LINK.sub(between_pages, markdown[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, LINK.sub(between_pages, markdown[end:])])


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The same for notebooks, which do not become HTML by way of Markdown."""
    if not page.file.src_uri.endswith(".ipynb"):
        return html

    def between_pages(found: re.Match[str]) -> str:
        path = page_of(found[1], page)
        file = files.get_file_from_path(path) if path else None
        return file.url_relative_to(page.file) if file else found[1]

    return HREF.sub(between_pages, html)


def on_post_build(config: MkDocsConfig) -> None:
    """Warn of whatever a page would load from elsewhere: the site is read without a network."""
    outside = re.compile(
        r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"?(https?://[^\s\">]+)"
    )
    for page in sorted(Path(config.site_dir).rglob("*.html")):
        for address in outside.findall(page.read_text(encoding="utf-8")):
            log.warning("%s loads %s", page.name, address)
