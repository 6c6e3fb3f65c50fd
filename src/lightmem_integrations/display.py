"""Records as tables: for a terminal with rich, for a notebook as HTML.

Whatever a user wrote is shown literally. It is never read as rich markup, HTML or a terminal
escape sequence.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from lightmem_integrations.records.conversation import Hit, Recall, Receipt, Stats

CLIP = 240
"""Characters of a memory that a table shows."""

_TITLE_WIDTH = 78

# Control characters would move the cursor or recolour the terminal; bidirectional overrides
# would show words in another order than they are stored. Tabs and line ends become spaces below.
_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# Notebooks align cells to the right and stripe rows in colours of their own.
TABLE_STYLE = "border-collapse:collapse;color:inherit"
_ROW_STYLE = "background:none;border-bottom:1px solid rgba(128,128,128,.35)"
_CELL_STYLE = "text-align:left;vertical-align:top"
_NOTE_STYLE = "caption-side:bottom;text-align:left;color:inherit;opacity:.75"


def literal(text: str) -> str:
    """The text on one line, without characters that a terminal would obey."""
    return _UNSHOWABLE.sub("\ufffd", " ".join(text.split()))


def clipped(text: str, length: int = CLIP) -> str:
    """The text as ``literal`` gives it, at most ``length`` characters long."""
    line = literal(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def speaker_of(hit: Hit) -> str:
    """Who said it, as far as that is known: a name, else a role, else nothing."""
    best = hit.turns[0] if hit.turns else None
    return "" if best is None else literal(best.speaker or best.role)


def recall_table(recall: Recall) -> Table:
    """A recall for a terminal: its hits, best first, and below them what it took.

    Args:
        recall: What ``LightMem.recall`` returned.
    """
    title, caption = Text(clipped(recall.query), style="bold"), _caption(recall)
    table = Table(
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        show_header=bool(recall.hits),
        # Else a table of few or narrow rows would break its title and caption to its own width.
        min_width=min(max(title.cell_len, caption.cell_len), _TITLE_WIDTH),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("#", justify="right", style="dim", no_wrap=True)
    table.add_column("tier", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("who", overflow="fold", max_width=16)
    table.add_column("text", overflow="fold", ratio=1)
    for cells in _rows(recall):
        # Text and not str: rich would read a plain string as markup.
        table.add_row(*(Text(cell) for cell in cells))
    return table


def recall_html(recall: Recall) -> str:
    """A recall for a notebook, readable on light and on dark pages.

    Args:
        recall: What ``LightMem.recall`` returned.
    """
    head = html_row("th", ("#", "tier", "score", "when", "who", "text")) if recall.hits else ""
    body = "".join(html_row("td", cells) for cells in _rows(recall))
    notes = "<br>".join(html.escape(line) for line in _notes(recall))
    return (
        f"<div><strong>{html.escape(clipped(recall.query))}</strong>"
        f'<table style="{TABLE_STYLE}"><caption style="{_NOTE_STYLE}">{notes}</caption>'
        f"<thead>{head}</thead><tbody>{body}</tbody></table></div>"
    )


def stats_table(stats: Stats, title: str = "Stored") -> Table:
    """What a store holds, one line for each figure.

    Args:
        stats: What ``LightMem.stats`` returned.
        title: What stands above it; shown literally.
    """
    dimension = "" if stats.dimension is None else f" ({stats.dimension} dimensions)"
    return _figures(
        title,
        [
            ("users", f"{stats.users:,}"),
            ("sessions", f"{stats.sessions:,}"),
            ("turns", f"{stats.turns:,}"),
            ("searchable", f"{stats.searchable:,}"),
            ("not embedded yet", f"{stats.pending:,}"),
            ("embedder", f"{stats.embedder or 'none yet'}{dimension}"),
            ("vector index", stats.index),
            ("size on disk", "in memory" if stats.bytes is None else _size(stats.bytes)),
        ],
    )


def receipt_table(receipt: Receipt, title: str = "Erased") -> Table:
    """What was erased, one line for each figure.

    Args:
        receipt: What ``LightMem.forget`` returned.
        title: What stands above it; shown literally.
    """
    return _figures(
        title,
        [
            ("turns", f"{receipt.turns:,}"),
            ("sessions gone", f"{receipt.sessions:,}"),
            ("episodes", f"{receipt.episodes:,}"),
            ("facts", f"{receipt.facts:,}"),
            ("vectors", f"{receipt.vectors:,}"),
            ("index files rewritten", "yes" if receipt.purged else "no"),
        ],
    )


def _rows(recall: Recall) -> Iterable[tuple[str, ...]]:
    for rank, hit in enumerate(recall.hits, start=1):
        yield (
            str(rank),
            hit.tier,
            f"{hit.score:.2f}",
            f"{hit.when:%Y-%m-%d}",
            speaker_of(hit),
            clipped(hit.text),
        )


def _notes(recall: Recall) -> list[str]:
    total = recall.milliseconds.get("total")
    took = "" if total is None else f" in {total:.1f} ms"
    count = len(recall.hits)
    hits = f"{count or 'no'} {'hit' if count == 1 else 'hits'}"
    first = f"{hits}{took}; {recall.tokens} tokens of context"
    return [first, *(f"degraded: {literal(reason)}" for reason in recall.degraded)]


def _caption(recall: Recall) -> Text:
    first, *degraded = _notes(recall)
    caption = Text(first, style="dim")
    for line in degraded:
        caption.append(f"\n{line}", style="not dim yellow")
    return caption


def html_row(tag: str, cells: Iterable[str]) -> str:
    """A row of an HTML table; ``tag`` is ``th`` or ``td``."""
    shown = "".join(f'<{tag} style="{_CELL_STYLE}">{html.escape(cell)}</{tag}>' for cell in cells)
    return f'<tr style="{_ROW_STYLE}">{shown}</tr>'


def _figures(title: str, figures: Iterable[tuple[str, str]]) -> Table:
    heading = Text(literal(title), style="bold")
    table = Table(
        title=heading,
        title_justify="left",
        min_width=min(heading.cell_len, _TITLE_WIDTH),
        box=None,
        show_header=False,
        pad_edge=False,
    )
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in figures:
        table.add_row(name, Text(literal(value)))
    return table


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KB", "MB"):
        if size < 1_000:  # noqa: PLR2004
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} GB"
