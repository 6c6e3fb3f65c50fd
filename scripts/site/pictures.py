"""The pictures of docs/concepts.md: rows of boxes, read from top to bottom.

    python scripts/site/pictures.py    # writes docs/images/concept-*.svg

All text stands on boxes of its own colour, so that a picture reads on a light page and a dark one.
"""

from html import escape
from pathlib import Path

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTH, GAP, LINE = 480, 26, 19
YOURS, FAST, SLOW, KEPT = "#5b5f97", "#00695c", "#8a4b08", "#37474f"

Box = tuple[str, str, str]  # colour, title, lines beneath
PICTURES: dict[str, tuple[str, list[list[Box]]]] = {
    "tiers": (
        "Short-term memory, mid-term memory and long-term memory, all in the ledger",
        [
            [
                (
                    FAST,
                    "Short-term: turns of this session",
                    "the last whole exchanges, word for word",
                )
            ],
            [
                (
                    SLOW,
                    "Mid-term: episodes",
                    "one topic each: summary, keywords,\nnames, and its turns word for word",
                )
            ],
            [
                (SLOW, "Long-term: facts", "with proof, times\nand confidence"),
                (SLOW, "Profile", "what belongs in\nevery prompt"),
            ],
            [(SLOW, "Shared knowledge, off by default", "said by at least three users, of nobody")],
            [
                (KEPT, "Ledger: the truth", "SQLite in a folder,\nor PostgreSQL"),
                (KEPT, "Indexes of it", "words and vectors,\nmade anew if lost"),
            ],
        ],
    ),
    "turn": (
        "The way of a turn: on disk at once, embedded soon, consolidated later",
        [
            [(YOURS, "A user says something", "middleware, memory, tool or add()")],
            [(FAST, "Checked", "whose it is, its time, its size")],
            [
                (
                    FAST,
                    "One transaction",
                    "the turn, its words, and the work to do;\non disk when add() returns",
                )
            ],
            [
                (SLOW, "Embedded", "soon after, in\nthe background"),
                (SLOW, "Consolidated", "when you say, outside\nof any request"),
            ],
            [(KEPT, "Erased everywhere", "by forget(), or at the end of its lifetime")],
        ],
    ),
    "question": (
        "The way of a question: plan, coarse, select, pack, without a large model",
        [
            [(YOURS, "A question of one user", "and what is not embedded yet, is now")],
            [(FAST, "Plan", "who and when it asks about, and for what")],
            [
                (FAST, "Coarse: by meaning", "vectors of this user"),
                (FAST, "Coarse: by words", "full-text index"),
            ],
            [
                (
                    FAST,
                    "Select",
                    "a dozen features; a score from 0 to 1;\na re-ranker, if you give one",
                )
            ],
            [(FAST, "Joined with what is known", "facts first, outdated ones marked")],
            [(FAST, "Pack", "within the budget, oldest first, fenced")],
            [(YOURS, "Your model", "reads it as data, not as instructions")],
        ],
    ),
    "fact": (
        "What becomes of a fact: claimed, believed, confirmed, superseded, corrected, erased",
        [
            [(SLOW, "Claim", "what a writer read in some turns, pointers checked")],
            [(SLOW, "Fact", "since when it holds, how sure, which turns prove it")],
            [
                (SLOW, "Said again", "more proof,\nmore confidence"),
                (SLOW, "Never again", "confidence halves\nin a year"),
            ],
            [
                (SLOW, "Superseded", "something newer holds;\nit ends, and stays"),
                (SLOW, "Conflict", "two agents disagree;\na policy or you decide"),
            ],
            [
                (YOURS, "Corrected by a person", "edit(), retract()"),
                (KEPT, "Erased", "with the turns\nthat prove it"),
            ],
        ],
    ),
}


def box(x: float, y: float, width: float, height: int, content: Box) -> str:
    """A box with its title and the lines beneath, in the middle."""
    colour, title, lines = content
    middle = x + width / 2
    told = "".join(
        f'<text x="{middle:g}" y="{y + 44 + LINE * row}" font-size="14" fill="#fff">'
        f"{escape(line)}</text>"
        for row, line in enumerate(lines.split("\n"))
    )
    return (
        f'<rect x="{x:g}" y="{y}" width="{width:g}" height="{height}" rx="8" fill="{colour}"/>'
        f'<text x="{middle:g}" y="{y + 24}" font-size="16" font-weight="bold" fill="#fff">'
        f"{escape(title)}</text>{told}"
    )


def picture(title: str, rows: list[list[Box]]) -> str:
    """Rows of boxes as SVG, an arrow between each two."""
    parts, y = [], 4
    for number, row in enumerate(rows):
        height = 36 + LINE * max(len(lines.split("\n")) for _, _, lines in row)
        width = (WIDTH - 8 - 12 * (len(row) - 1)) / len(row)
        parts += [box(4 + (width + 12) * at, y, width, height, one) for at, one in enumerate(row)]
        y += height
        if number < len(rows) - 1:
            parts.append(
                f'<path d="M{WIDTH // 2} {y + 4}v{GAP - 14}m-5 -5l5 6l5 -6" fill="none" '
                'stroke="#888" stroke-width="2"/>'
            )
            y += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 4}" width="{WIDTH}" '
        f'role="img" font-family="system-ui, sans-serif" text-anchor="middle">'
        f"<title>{escape(title)}</title>" + "\n".join(parts) + "</svg>\n"
    )


if __name__ == "__main__":
    for name, (title, rows) in PICTURES.items():
        (IMAGES / f"concept-{name}.svg").write_text(picture(title, rows), encoding="utf-8")
