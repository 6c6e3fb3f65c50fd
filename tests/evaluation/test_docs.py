"""The page that states the figures: every place that a command fills is filled."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evaluation.md"


def test_every_measured_place_is_filled_and_closed():
    page = PAGE.read_text(encoding="utf-8")
    places = re.findall(r"<!-- begin (\w+) -->\n(.*?)<!-- end (\w+) -->", page, re.DOTALL)
    assert len(places) == page.count("<!-- begin ") == page.count("<!-- end ")
    for begin, text, end in places:
        assert begin == end
        assert text.strip(), begin


def test_what_the_page_points_to_exists():
    page = PAGE.read_text(encoding="utf-8")
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", page) if "://" not in target]
    assert {"recall-by-tokens.svg", "quality-by-time.svg"} <= set(linked)
    for target in linked:
        assert (PAGE.parent / target).exists(), target
    for script in re.findall(r"python (benchmarks/\w+\.py)", page):
        assert (ROOT / script).is_file(), script
    assert "\nreport:" in (ROOT / "Makefile").read_text(encoding="utf-8")
