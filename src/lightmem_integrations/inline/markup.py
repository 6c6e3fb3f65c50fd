"""HTML of elements whose text is escaped, and the view that a notebook shows of it.

Styles stand at the elements: a notebook's page has no sheet of ours. Colours are the page's own
with some transparency, and two that stand out on white and on black alike.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, field

from lightmem_integrations.display import Displayed, Grid, printable

# Between white and #111 both: at least 3.9 to 1, by the formula of WCAG 2.
BLUE, RED, GREY = "#3b82c4", "#c2603f", "#808080"
QUIET = "opacity:.75;font-size:90%"
LINE = "border-bottom:1px solid rgba(128,128,128,.35)"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *inside: str, **attributes: str | float) -> Markup:
    """An element of HTML; whatever is no markup is escaped, in it and in its attributes."""
    given = "".join(
        f' {name.replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{given}>{joined(inside)}</{tag}>")


def joined(parts: Iterable[str]) -> Markup:
    """Parts one after another, escaped where they are no markup."""
    return Markup("".join(map(_escaped, parts)))


def _escaped(part: str) -> str:
    return part if isinstance(part, Markup) else html.escape(printable(part))


def bar(share: float, *, colour: str = BLUE, start: float = 0.0, name: str = "") -> Markup:
    """A bar over a share of its track, from 0 to 1, that begins at another.

    All tracks are of one width, whatever stands beside them, so that bars can be compared.
    """
    share, start = min(max(share, 0.0), 1.0), min(max(start, 0.0), 1.0)
    # At least a few pixels: what began today is there too.
    filled = element(
        "div",
        style=f"margin-left:min({start:.2%}, calc(100% - 3px));width:max({share:.2%}, 3px);"
        f"height:100%;background:{colour};border-radius:2px",
    )
    return element(
        "div", filled, role="img", aria_label=name, title=name,
        style="height:.7em;margin-top:.4em;flex:none;width:clamp(5em,20vw,12em);border-radius:2px;"
        "overflow:hidden;background:rgba(128,128,128,.2)",
    )  # fmt: skip


def beside(drawn: Markup, words: str) -> Markup:
    """A bar with words to its right."""
    line = f"display:flex;gap:.8em;padding:.25em 0;{LINE}"
    return element("div", drawn, element("span", words), style=line)


def table(rows: Iterable[Iterable[str]]) -> Markup:
    """A table of cells, aligned to the left."""
    cell = "text-align:left;vertical-align:top;padding:.25em .8em .25em 0"
    shown = (
        element("tr", *(element("td", each, style=cell) for each in row),
                style=f"background:none;{LINE}")
        for row in rows
    )  # fmt: skip
    return element("table", *shown, style="border-collapse:collapse;color:inherit;width:100%")


def folded(title: str, *inside: str, unfolded: bool = False) -> Markup:
    """What is shown once its title is clicked, unless it is unfolded from the beginning."""
    summary = element("summary", title, style="cursor:pointer")
    state = {"open": ""} if unfolded else {}
    return element("details", summary, *inside, style="margin:.3em 0", **state)


@dataclass(frozen=True, slots=True)
class View(Displayed):
    """A view of a memory: HTML in a notebook, a table in a terminal with rich.

    Attributes:
        html: For a notebook: whole, without script, and with nothing that is loaded.
        table: For a terminal.
    """

    html: str = field(repr=False)
    table: Grid

    def grid(self) -> Grid:
        """The table for a terminal."""
        return self.table

    def _repr_html_(self) -> str:
        return self.html


def view(table: Grid, *inside: str) -> View:
    """A view with a title, and the table that stands for it."""
    title = element("div", table.title, style="font-weight:600;font-size:110%")
    shown = element("div", title, *inside, style="color:inherit;max-width:60em;line-height:1.45")
    return View(shown, table)
