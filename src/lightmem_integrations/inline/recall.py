"""A recall as bars: what each hit's place is made of, what was cut, and the text as packed."""

from __future__ import annotations

from collections.abc import Mapping

from lightmem_integrations.display import clipped, counted
from lightmem_integrations.inline.markup import (
    BLUE,
    GREY,
    QUIET,
    RED,
    Markup,
    View,
    bar,
    beside,
    element,
    folded,
    joined,
    table,
    view,
)
from lightmem_integrations.inline.parts import parts_of, ranks_of
from lightmem_integrations.records.conversation import Hit, Plan, Recall, Tier
from lightmem_integrations.text.precision import short_date

_KINDS: dict[Tier, str] = {"mtm": "what was said", "ltm": "a fact"}


def recall_view(recall: Recall) -> View:
    """The view of a recall: its hits and why, its text and the budget, what was cut, the times."""
    grid = recall.grid()
    most = max(
        (abs(part.counts or 0.0) for hit in recall.hits for part in parts_of(hit)), default=0.0
    )
    share = recall.tokens / recall.max_tokens if recall.max_tokens else 0.0
    budget = f"{recall.tokens:,} of {recall.max_tokens:,} tokens"
    return view(
        grid,
        element("div", "; ".join([*grid.notes, *plan_words(recall.plan)]), style=QUIET),
        *(element("div", warning, style=f"color:{RED}") for warning in grid.warnings),
        *(_hit(rank, hit, most) for rank, hit in enumerate(recall.hits, start=1)),
        beside(bar(share, name=budget), budget),
        folded("The text as the model gets it", _text(recall.text)),
        *([_cuts(recall)] if recall.cuts else []),
        folded("Time by stage", _times(recall.milliseconds)),
    )


def plan_words(plan: Plan) -> list[str]:
    """What was made of a question, in words, without what goes without saying."""
    days = [
        f"{word} {day:%Y-%m-%d}"
        for word, day in (("since", plan.since), ("until", plan.until))
        if day
    ]
    return [
        f"asks for {'an' if plan.purpose == 'order' else 'a'} {plan.purpose}"
        + (f" of {plan.time}" if plan.time else ""),
        *([f"names {', '.join(sorted(plan.speakers))}"] if plan.speakers else []),
        *days,
        *(f"also searched: {query}" for query in plan.queries[1:]),
    ]


def who(hit: Hit) -> str:
    """Who said a hit, or that it is a fact."""
    said = [(hit.turns[0].speaker or hit.turns[0].role) if hit.turns else "fact"]
    return " ".join([*said, *([f"[{hit.source.space}]"] if hit.source.space else [])])


def _hit(rank: int, hit: Hit, most: float) -> Markup:
    when = short_date(hit.when, hit.when_precision)
    marks = [f"score {hit.score:.2f}", when, _KINDS[hit.tier], ranks_of(hit)]
    marks += ["pinned"] if hit.pinned else []
    marks += [f"until {short_date(hit.until, hit.until_precision)}"] if hit.until else []
    rows = [
        (
            part.name,
            ""
            if part.counts is None or not most
            else bar(
                abs(part.counts) / most, colour=BLUE if part.counts > 0 else RED, name=part.name
            ),
            f"{part.value:.2f}" if part.counts is None else f"{part.counts:+.2f}",
        )
        for part in parts_of(hit)
    ]
    head = f"{rank}. {who(hit)}: "
    title = joined([element("strong", head), clipped(hit.text)])
    return element(
        "div",
        folded(title, table(rows), unfolded=rank == 1),
        beside(bar(hit.score, name=f"score {hit.score:.2f}"), " · ".join(marks)),
        style="padding:.3em 0",
    )


def _text(text: str) -> Markup:
    style = "white-space:pre-wrap;color:inherit;background:none;max-height:30em;overflow:auto"
    return element("pre", text or "Nothing was found.", style=style)


def _cuts(recall: Recall) -> Markup:
    rows = [(clipped(f"{who(cut.hit)}: {cut.hit.text}"), cut.why) for cut in recall.cuts]
    return folded(f"{counted(len(rows), 'thing')} cut or left out", table(rows))


def _times(milliseconds: Mapping[str, float]) -> Markup:
    most = max(milliseconds.values(), default=0.0)
    return table(
        (stage, bar(took / most if most else 0.0, colour=GREY, name=stage), f"{took:.1f} ms")
        for stage, took in milliseconds.items()
    )
