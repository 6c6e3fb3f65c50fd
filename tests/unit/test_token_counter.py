"""The default token counter: close on prose, and no budget is fooled by anything else."""

# ruff: noqa: RUF001 - these are the letters that they look like

import base64
import random
import time

import pytest

from lightmem_integrations import InvalidRequestError, Turn
from lightmem_integrations.models.token_counter import shipped_token_counter

RANDOM = random.Random(3)
NOISE = bytes(RANDOM.randrange(256) for _ in range(3_000))
PROSE = (
    "Yesterday I met the engineer who looks after the wind turbines near our village; she told me "
    "that two of them will be replaced next spring. Don't forget to ask Caroline about it! "
)
TEXTS = {
    "prose": PROSE * 5,
    "hexadecimal": NOISE.hex(),
    "HEXADECIMAL": NOISE.hex().upper(),
    "Base64": base64.b64encode(NOISE).decode(),
    "Base32": base64.b32encode(NOISE).decode(),
    "Base85": base64.b85encode(NOISE).decode(),
    "a link": "https://example.org/?q=" + base64.urlsafe_b64encode(NOISE).decode(),
    "blank lines": "\n" * 1_000 + "\t" * 300 + " \n" * 300,
    "Windows' line ends": "a\r\n\r\n" * 300,
    "letters line by line": "\n".join("abcdefghij" * 50),
    "blanks of other scripts": "\u3000" * 300 + "\u00a0" * 300,
    "emoji": "😀🎉🔥❤️👍" * 60,
    "joined emoji": "👨‍👩‍👧‍👦👩🏽‍💻🏳️‍🌈🇩🇪" * 60,
    "signs": "✓→★☂♫░▓█╔═╗∑∫√∞" * 60,
    "minified code": "(function(){" + "var a=b[0];c(a);" * 200 + "})()",
    "digits": "".join(str(RANDOM.randrange(10)) for _ in range(2_000)),
    "a table": "\n".join(" ".join(f"{RANDOM.random():.4f}" for _ in range(9)) for _ in range(60)),
    "capitals": "SHOUTING ABOUT THE DELIVERY WHICH NEVER ARRIVED " * 30,
    "alternating capitals": "sHoUtInG AbOuT ThE DeLiVeRy " * 30,
    "one letter": "a" * 2_000,
    "no words": "zxqjvkw" * 200,
    "punctuation": "!?.,;:()[]{}<>/\\|@#$%^&*~`_+=" * 60,
    "Chinese": "我对花生过敏，吃了会起疹子。我爸爸下个月要做膝盖手术。" * 20,
    "Japanese": "毎日地下鉄で通勤しています。ゴーヤが苦手です。" * 20,
    "Korean": "매일 지하철로 출근합니다. 고양이의 이름은 나비예요. " * 20,
    "Thai": "พ่อของฉันจะผ่าตัดเข่าเดือนหน้า" * 20,
    "Hindi": "मेरी बेटी हर बुधवार को वायलिन सीखती है। " * 20,
    "Tamil": "இன்று எங்கள் வீட்டிற்கு அருகிலுள்ள காற்றாலைகளுக்குப் பொறுப்பான " * 20,
    "Georgian": "დღეს შევხვდი ინჟინერს, რომელიც პასუხისმგებელია " * 20,
    "Amharic": "ዛሬ ከቤታችን አጠገብ ያለውን መሐንዲስ አገኘሁት። " * 20,
    "Vietnamese": "Hôm nay tôi đã gặp kỹ sư phụ trách các tuabin gió gần nhà. " * 20,
    "mathematical letters": "𝐦𝐞𝐦𝐨𝐫𝐲 " * 60,
    "cuneiform": "𒀀𒁀𒂀" * 60,
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_chat_model_never_counts_much_more(name):
    tiktoken = pytest.importorskip("llama_index.core.utils", reason="brings OpenAI's tokenizer")
    real = len(tiktoken.get_tokenizer()(TEXTS[name]))
    assert shipped_token_counter()(TEXTS[name]) >= 0.8 * real


def test_prose_is_not_counted_for_much_more_than_it_is():
    words = len(PROSE.split())
    assert words < shipped_token_counter()(PROSE) < 1.5 * words


def test_a_large_text_is_counted_in_linear_time():
    def seconds(characters):
        text = "".join(map(chr, range(33, 127))) * (characters // 94)
        start = time.thread_time()  # what threads of other tests do does not count
        shipped_token_counter()(text)
        return time.thread_time() - start

    few, many = (min(seconds(count) for _ in range(3)) for count in (100_000, 400_000))
    assert many < 10 * max(few, 0.01)


@pytest.mark.parametrize("name", ["hexadecimal", "blank lines", "joined emoji"])
def test_the_short_term_window_holds_no_second_exchange_of_what_is_too_large(open_memory, name):
    memory = open_memory()
    for _ in range(2):
        turns = [
            Turn(role="user", text="Show it."),
            Turn(role="assistant", text=f"Here: {TEXTS[name]} done"),
        ]
        memory.add(turns, user_id="u")
    assert len(memory.short_term(user_id="u", max_tokens=200)) == 2
    found = memory.recall("show it done", user_id="u", max_tokens=200)
    assert len(found.text) < 200 * 8


def test_a_counter_that_gives_the_tokens_themselves_is_named(open_memory):
    memory = open_memory()
    memory.add(Turn(role="user", text="I live in Lisbon."), user_id="ann")
    with pytest.raises(InvalidRequestError, match=r"gave \['Lisbon'.*, a list.*len\(tokenizer"):
        memory.recall("Lisbon", user_id="ann", count_tokens=lambda _: ["Lisbon"])
