"""What consolidation gives back as tables: for a terminal with rich, for a notebook as HTML.

As in ``rendering``, whatever a user or a model wrote is shown literally.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from lightmem_integrations.display import TABLE_STYLE, clipped, html_row, literal
from lightmem_integrations.records.knowledge import (
    Conflict,
    ConsolidationReport,
    Episode,
    Explanation,
    Fact,
)

_WIDEST_ID = 8
_SHOWN_PROBLEMS = 5
_TEXT = "text"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, before it is known where it is shown.

    Attributes:
        title: What stands above it.
        columns: Headings; none for figures with their names. The one called ``text`` takes
            whatever room is left.
        rows: Cells, line by line.
        notes: What stands below it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def as_table(grid: Grid) -> Table:
    """The table for a terminal."""
    table = Table(
        title=Text(literal(grid.title), style="bold"),
        title_justify="left",
        caption=Text("\n".join(map(literal, grid.notes)), style="dim") if grid.notes else None,
        caption_justify="left",
        show_header=bool(grid.columns),
        box=box.SIMPLE_HEAD if grid.columns else None,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in grid.columns or ("", ""):
        wide = name == _TEXT
        table.add_column(
            "" if wide else name,
            overflow="fold",
            ratio=1 if wide else None,
            no_wrap=not wide and name in ("id", "since", "until", "when", "turns"),
            style="dim" if not grid.columns and not table.columns else None,
        )
    for cells in grid.rows:
        # Text and not str: rich would read a plain string as markup.
        table.add_row(*(Text(literal(cell)) for cell in cells))
    return table


def as_html(grid: Grid) -> str:
    """The table for a notebook, readable on light and on dark pages."""
    head = html_row("th", ["" if each == _TEXT else each for each in grid.columns])
    body = "".join(html_row("td", map(literal, cells)) for cells in grid.rows)
    notes = "<br>".join(html.escape(literal(note)) for note in grid.notes)
    return (
        f"<div><strong>{html.escape(literal(grid.title))}</strong>"
        f'<table style="{TABLE_STYLE}"><thead>{head if grid.columns else ""}</thead>'
        f"<tbody>{body}</tbody></table><small>{notes}</small></div>"
    )


def report_grid(report: ConsolidationReport) -> Grid:
    """What a run did: a line for each figure, those that are 0 left out but for the first two."""
    always = [("episodes written", report.written), ("new facts", report.facts)]
    figures = [
        ("evidence merged into known facts", report.merged),
        ("facts superseded", report.superseded),
        ("conflicts left open", report.conflicts),
        ("facts dropped", report.dropped),
        ("episodes compressed", report.compressed),
        ("episodes evicted", report.evicted),
        ("failed, tried again later", report.failed),
        ("users left to another worker", report.busy),
        ("sessions that may still go on", report.waiting),
        ("statements newly shared", report.shared),
        ("tokens", report.tokens),
    ]
    rows = [(name, f"{count:,}") for name, count in always]
    rows += [(name, f"{count:,}") for name, count in figures if count]
    rows.append(("seconds", f"{report.seconds:.2f}"))
    problems = [clipped(each) for each in report.problems[:_SHOWN_PROBLEMS]]
    more = len(report.problems) - len(problems)
    return Grid(
        "Consolidated", (), rows, [*problems, *([f"and {more} problems more"] if more else [])]
    )


def facts_grid(facts: Sequence[Fact], title: str | None = None) -> Grid:
    """Facts, a line for each."""
    return Grid(
        title or f"{len(facts)} {'fact' if len(facts) == 1 else 'facts'}",
        ("id", "since", "until", "confidence", _TEXT, "state") if facts else (),
        [
            (
                fact.id[:_WIDEST_ID],
                _day(fact.valid_from),
                _day(fact.valid_to),
                f"{fact.confidence:.2f}",
                clipped(fact.statement),
                _state(fact),
            )
            for fact in facts
        ],
    )


def episodes_grid(episodes: Sequence[Episode], title: str | None = None) -> Grid:
    """Episodes, a line for each."""
    return Grid(
        title or f"{len(episodes)} {'episode' if len(episodes) == 1 else 'episodes'}",
        ("when", "session", "turns", _TEXT) if episodes else (),
        [
            (
                _day(each.begins),
                clipped(each.session_id, 20),
                f"{len(each.turns)}{'' if each.state == 'verbatim' else ', ' + each.state}",
                clipped(each.summary),
            )
            for each in episodes
        ],
    )


def conflicts_grid(conflicts: Sequence[Conflict], title: str | None = None) -> Grid:
    """Conflicts, two lines for each: the facts that contradict each other."""
    rows = []
    for each in conflicts:
        decided = each.resolution or ("" if each.resolved_at is None else "decided")
        for number, fact in enumerate((each.first, each.second)):
            first = (each.id[:_WIDEST_ID], _day(each.opened_at)) if not number else ("", "")
            rows.append(
                (
                    *first, fact.id[:_WIDEST_ID], clipped(fact.statement), fact.agent_id or "",
                    "" if number else decided or "open",
                )
            )  # fmt: skip
    return Grid(
        title or f"{len(conflicts)} {'conflict' if len(conflicts) == 1 else 'conflicts'}",
        ("id", "when", "fact", _TEXT, "agent", "state") if conflicts else (),
        rows,
    )


def explanation_grid(explanation: Explanation) -> Grid:
    """Why a fact is believed: its evidence, then what it replaced or was replaced by."""
    fact = explanation.fact
    rows = [
        ("evidence", f"{each.turn.time:%Y-%m-%d}", each.session_id,
         clipped(f"{each.turn.speaker or each.turn.role}: {each.turn.text}"))
        for each in explanation.evidence
    ]  # fmt: skip
    rows += [
        ("itself" if each.id == fact.id else "history", _span(each), _state(each),
         clipped(each.statement))
        for each in explanation.history
        if len(explanation.history) > 1
    ]  # fmt: skip
    for conflict in explanation.conflicts:
        other = conflict.second if conflict.first.id == fact.id else conflict.first
        rows.append(
            ("conflict", _span(other), conflict.resolution or "open", clipped(other.statement))
        )
    by = f", {fact.author}" + (f", agent {fact.agent_id}" if fact.agent_id else "")
    return Grid(
        clipped(fact.statement),
        ("", "when", "", _TEXT),
        rows,
        [
            f"fact {fact.id}: {_span(fact)}; {_state(fact) or 'holds'}; "
            f"confidence {fact.confidence:.2f}{by}"
        ],
    )


def _day(moment: dt.datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _span(fact: Fact) -> str:
    until = _day(fact.valid_to)
    return f"{_day(fact.valid_from)} to {until}" if until else f"since {_day(fact.valid_from)}"


def _state(fact: Fact) -> str:
    if fact.retracted_at is not None:
        return f"retracted: {fact.reason}" if fact.reason else "retracted"
    if fact.superseded_by is not None:
        return f"superseded by {fact.superseded_by[:_WIDEST_ID]}"
    return ""
