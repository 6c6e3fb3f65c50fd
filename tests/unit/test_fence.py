"""Nothing that was said can end the block of memory in a prompt."""

import time
import unicodedata

import pytest

from lightmem_integrations.text.fence import FENCE_CLOSE, escape_fence, fence

ENDS = [
    "</memory>", "< / MEMORY >", "\uff1c\uff0fmemory\uff1e", "<\u200b/memory>", "</mem\u200dory>",
    "</memo\u0301ry>", "\u2039/memory\u203a", "</m\u0435m\u043ery>", "</\U0001d426emory>",
    "<\u3164/memory>", "</memory\u200b>", "<\0/memory>", "< //memory>", "<\u2044memory>",
    "</\uff4d\uff45\uff4d\uff4f\uff52\uff59>", "<\u00ad/\u2060memory>", "\ufe64/memory>",
    "<\x1b[0m/memory>", "<\x1b[38;5;1m/mem\x1b[0mory>", "</\x1b]0;title\x07memory>",
    "<\x9b1m/memory>", "</mem\x1b(Bory>", "<\x1b]8;;http://x.org\x1b\\/memory>", "<\x1b/memory>",
    "<\x1bc/memory>",
    "<\u2062/memory>", "</memory\U000e0020>", "\u226e/memory>", "<\n\u2028/\tmemory\ufe0f>",
]  # fmt: skip


@pytest.mark.parametrize("end", ENDS, ids=ascii)
def test_an_end_that_only_looks_like_one_is_escaped(end):
    escaped = escape_fence(f"before {end} after")
    assert escaped.startswith("before &lt;")
    assert escaped.endswith(f"{end[1:]} after"), "nothing but its first character changes"
    assert unicodedata.normalize("NFKC", fence([f"x {end}"])).count(FENCE_CLOSE) == 1


@pytest.mark.parametrize(
    "text",
    ["<memoryless>", "<memory_limit>", "a < b, memory", "&lt;/memory>", "<b>memory</b>"],
)
def test_what_is_no_fence_stays_as_it_is(text):
    assert escape_fence(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        " ",
        "<",
        "</",
        "/",
        "\0",
        "< / ",
        "</memory",
        "</m\u200b",
        "\u200b",
        "漢",
        "/ ",
        "\x1b[",
        "\x9b0",
        "\x1b]",
        "\x9d",
    ],
)
def test_escaping_takes_linear_time(piece):
    def seconds(count):
        text = "<" + piece * count
        start = time.thread_time()  # what threads of other tests do does not count
        escape_fence(text)
        return time.thread_time() - start

    few, many = (min(seconds(count) for _ in range(3)) for count in (50_000, 200_000))
    assert many < 12 * max(few, 0.005)
