"""Records as tables: in a terminal with rich, in a notebook as HTML.

Whatever a user or a model wrote is shown literally. It is never read as rich markup, HTML or a
terminal escape sequence.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    # On first use: records are imported with the package, which loads nothing that is not needed.
    from rich.table import Table
    from typing_extensions import Self

_T = TypeVar("_T")

# The numbers of this module are guesses that look well in 80 columns.
_CLIP = 240  # characters of a cell
_LONG_WORD = 24  # characters; a longer one is cut inside
_NARROW = 24  # columns of a terminal, of any other cell than that of the column called text
_TITLE_WIDTH = 78  # a table of few or narrow rows is not made wider for its title than this

_TEXT = "text"
_NUMBERS = frozenset({"#", "score", "confidence"})
_UNBROKEN = _NUMBERS | {"id", "tier", "when", "since", "until", "turns"}

# Control characters would move the cursor or recolour the terminal; bidirectional overrides
# would show words in another order than they are stored. Tabs and line ends become spaces below.
_UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
# Letters that are read from right to left: without an isolate they draw what stands beside them,
# a number or another cell, into their own order.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff]")
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"

# Notebooks align cells to the right and stripe rows in colours of their own.
_TABLE_STYLE = "border-collapse:collapse;color:inherit"
_ROW_STYLE = "background:none;border-bottom:1px solid rgba(128,128,128,.35)"
_CELL_STYLE = "text-align:left;vertical-align:top"
_NOTE_STYLE = "caption-side:bottom;text-align:left;color:inherit;opacity:.75"


def described(thing: object, **what: object) -> str:
    """A representation by what is given, without what is ``None``: ``Name(path='...', k=5)``."""
    shown = ", ".join(f"{name}={value!r}" for name, value in what.items() if value is not None)
    return f"{type(thing).__name__}({shown})"


def literal(text: str) -> str:
    """The text on one line, without characters that a terminal would obey."""
    return _UNSHOWABLE.sub("\ufffd", " ".join(text.split()))


def printable(text: str) -> str:
    """The text with its lines, without characters that a terminal would obey."""
    return "\n".join(_UNSHOWABLE.sub("\ufffd", line) for line in text.splitlines())


def counted(number: int, noun: str) -> str:
    """A number with its noun, which takes a plain s: ``1 turn``, ``1,200 turns``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def sized(count: int) -> str:
    """A size in bytes, in the unit in which it is read best: ``1.5 MB``."""
    size = float(count)
    for unit in ("bytes", "KB", "MB"):
        if size < 1_000:  # noqa: PLR2004
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} GB"


def clipped(text: str, length: int = _CLIP) -> str:
    """The text as ``literal`` gives it, at most ``length`` characters long, cut between words."""
    line = literal(text)
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    whole = cut.rpartition(" ")[0]
    word = line[len(whole) + 1 :].partition(" ")[0]
    # Some scripts put no blanks between words: what runs long without one is cut inside.
    if whole and line[length - 1] != " " and len(word) <= _LONG_WORD:
        cut = whole
    return cut.rstrip() + "…"


def _isolated(line: str) -> str:
    """The line so that a terminal orders nothing beside it by its letters."""
    return f"{_ISOLATE}{line}{_END_OF_ISOLATE}" if _RIGHT_TO_LEFT.search(line) else line


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, before it is known where it is shown. Prints with rich and in notebooks.

    Attributes:
        title: What stands above it.
        columns: Headings; none for figures with their names. The one called ``text`` takes
            whatever room is left, and one whose cells are all empty is not shown.
        rows: Cells, line by line. Long ones are cut.
        notes: What stands below it.
        warnings: Below the notes: what did not work.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def filled(self) -> Grid:
        """The table without columns whose cells are all empty."""
        used = [place for place in range(len(self.columns)) if any(row[place] for row in self.rows)]
        return replace(
            self,
            columns=[self.columns[place] for place in used],
            rows=[[row[place] for place in used] for row in self.rows] if used else self.rows,
        )

    def __rich__(self) -> Table:
        """The table for a terminal."""
        return as_table(self.filled())

    def _repr_html_(self) -> str:
        return as_html(self.filled())


class Displayed:
    """Mixin of what prints as a table with rich and in notebooks."""

    __slots__ = ()

    def grid(self) -> Grid:
        """The table that stands for this."""
        raise NotImplementedError

    def __rich__(self) -> Table:
        """The table for a terminal."""
        return self.grid().__rich__()

    def _repr_html_(self) -> str:
        return self.grid()._repr_html_()


class Part(Displayed, tuple[_T, ...]):
    """Records, or a part of them: ``total`` says of how many."""

    total: int

    def __new__(cls, records: Iterable[_T] = (), total: int | None = None) -> Self:
        """The records, and of how many."""
        made = super().__new__(cls, records)
        made.total = len(made) if total is None else total
        return made

    def counted(self, noun: str) -> str:
        """How many there are, and of how many; with the noun."""
        return f"{len(self):,} of " * (len(self) < self.total) + counted(self.total, noun)


def as_table(grid: Grid) -> Table:
    """The grid for a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(_isolated(clipped(grid.title)), style="bold")
    caption = Text("\n".join(_isolated(clipped(note)) for note in grid.notes), style="dim")
    for warning in grid.warnings:
        caption.append("\n" * bool(caption) + clipped(warning), style="not dim yellow")
    widest = max(map(len, (title.plain, *caption.plain.splitlines())))
    table = Table(
        title=title,
        title_justify="left",
        caption=caption if caption else None,
        caption_justify="left",
        show_header=bool(grid.columns),
        # Else a table of few or narrow rows would break its title and caption to its own width.
        min_width=min(widest, _TITLE_WIDTH),
        box=box.SIMPLE_HEAD if grid.columns else None,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in grid.columns:
        wide = name == _TEXT
        table.add_column(
            Text(clipped(name)),
            overflow="fold",
            ratio=1 if wide else None,
            max_width=None if wide else _NARROW,
            justify="right" if name in _NUMBERS else "left",
            no_wrap=name in _UNBROKEN,
        )
    if not grid.columns:
        table.add_column(style="dim")
        table.add_column(overflow="fold")
    for cells in grid.rows:
        # Text and not str: rich would read a plain string as markup.
        table.add_row(*(Text(_isolated(clipped(cell))) for cell in cells))
    return table


def as_html(grid: Grid) -> str:
    """The grid for a notebook, readable on light and on dark pages."""
    notes = "<br>".join(html.escape(clipped(line)) for line in (*grid.notes, *grid.warnings))
    caption = f'<caption style="{_NOTE_STYLE}">{notes}</caption>' if notes else ""
    head = _html_row("th", grid.columns) if grid.columns else ""
    body = "".join(_html_row("td", cells) for cells in grid.rows)
    return (
        f"<div><strong><bdi>{html.escape(clipped(grid.title))}</bdi></strong>"
        f'<table style="{_TABLE_STYLE}">{caption}'
        f"<thead>{head}</thead><tbody>{body}</tbody></table></div>"
    )


def _html_row(tag: str, cells: Iterable[str]) -> str:
    shown = "".join(
        f'<{tag} dir="auto" style="{_CELL_STYLE}">{html.escape(clipped(cell))}</{tag}>'
        for cell in cells
    )
    return f'<tr style="{_ROW_STYLE}">{shown}</tr>'
