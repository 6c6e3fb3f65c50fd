"""Reading LoCoMo's format and our own."""

import datetime as dt
import gzip
import json

import pytest

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.evaluation.conversations import read


def test_locomo_turns_come_in_session_order_with_times_that_keep_it(locomo_file):
    (conversation,) = read(locomo_file)
    assert conversation.user_id == "conv-1"
    assert [session.session_id for session in conversation.sessions] == ["session_1", "session_2"]
    assert [turn.id for turn in conversation.turns] == ["D1:1", "D1:2", "D2:1", "D2:2"]
    assert [turn.time for turn in conversation.turns] == [
        dt.datetime(2023, 5, 8, 13, 56, 0, tzinfo=dt.timezone.utc),
        dt.datetime(2023, 5, 8, 13, 56, 1, tzinfo=dt.timezone.utc),
        dt.datetime(2024, 2, 1, 0, 5, 0, tzinfo=dt.timezone.utc),
        dt.datetime(2024, 2, 1, 0, 5, 1, tzinfo=dt.timezone.utc),
    ]


def test_locomo_speakers_and_captions(locomo_file):
    (conversation,) = read(locomo_file)
    first, _, third, fourth = conversation.turns
    assert (first.role, first.speaker, first.text) == ("user", "Ines", "I bought a cello.")
    assert (third.role, third.speaker) == ("assistant", "Tom")
    assert fourth.text == "Oh no! This one? [shares image: a photo of a grey cat]"


def test_locomo_questions_that_cannot_be_judged_are_left_out_and_counted(locomo_file):
    (conversation,) = read(locomo_file)
    asked = {
        question.text: (question.category, question.evidence) for question in conversation.questions
    }
    assert asked == {
        "Two in one?": ("multi-hop", {"D1:1", "D2:2"}),
        "When?": ("temporal", {"D1:1"}),
        "Single?": ("single-hop", {"D2:1"}),
    }
    assert [question.answer for question in conversation.questions] == ["a", "2023", "c"]
    # No evidence, half of it unknown, all of it unknown. The adversarial one was never in.
    assert conversation.left_out == 3


def test_locomo_category_three_is_open_domain(tmp_path, locomo_file):
    samples = json.loads(locomo_file.read_text(encoding="utf-8"))
    samples[0]["qa"] = [
        {"question": "Open?", "answer": "b", "evidence": ["D1:1"], "category": 3},
    ]
    path = tmp_path / "open.json"
    path.write_text(json.dumps(samples), encoding="utf-8")
    assert [question.category for question in read(path)[0].questions] == ["open-domain"]


def test_questions_about_what_was_never_said_are_kept_apart(locomo_file):
    (conversation,) = read(locomo_file)
    assert [each.text for each in conversation.unanswerable] == ["Never said?"]


ASSISTANT = [
    {
        "sample_id": "assistant-1",
        "conversation": {
            "speaker_a": "user",
            "speaker_b": "assistant",
            "session_1_date_time": "12:01 am on 01 january, 2025",
            "session_1": [
                {"speaker": "user", "role": "user", "dia_id": "D1:1", "text": "Plan my trip."},
                {"speaker": "assistant", "role": "assistant", "dia_id": "D1:2", "text": "Done."},
                *(
                    {"speaker": "user", "role": "user", "dia_id": f"D1:{n}", "text": "And on."}
                    for n in range(3, 90)
                ),
            ],
            # Begins while the first still goes on.
            "session_2_date_time": "12:02 am on 01 january, 2025",
            "session_2": [
                {"speaker": "Ann", "role": "user", "dia_id": "D2:1", "text": "Hello again."},
                {"speaker": "assistant", "role": "assistant", "dia_id": "D2:2", "text": "Hi."},
                {"speaker": "Ann", "role": "user", "dia_id": "D2:3", "text": "What was planned?"},
            ],
        },
        "qa": [
            {
                "question": "What was planned?",
                "category": "query",
                "evidence": ["D1:1", "D2:1"],
                "asked_at": "D2:3",
            },
            {
                "question": "Of itself?",
                "category": "query",
                "evidence": ["D2:3"],
                "asked_at": "D2:3",
            },
            {"question": "Never?", "category": "abstention", "evidence": []},
        ],
    }
]


@pytest.mark.parametrize("zipped", [False, True])
def test_roles_and_the_time_of_a_question(tmp_path, zipped):
    content = json.dumps(ASSISTANT).encode()
    path = tmp_path / ("chat.json.gz" if zipped else "chat.json")
    path.write_bytes(gzip.compress(content) if zipped else content)
    (conversation,) = read(path)
    by_id = {turn.id: turn for turn in conversation.turns}
    assert [(by_id[each].role, by_id[each].speaker) for each in ("D1:1", "D1:2", "D2:1")] == [
        ("user", None),
        ("assistant", None),
        ("user", "Ann"),
    ]
    (question,) = conversation.questions
    assert (question.category, question.evidence) == ("query", {"D1:1", "D2:1"})
    # Exactly what stands before it: all of the session before, and the first two of its own.
    earlier = [turn.id for turn in conversation.turns if turn.time < question.until]
    assert earlier == [f"D1:{n}" for n in range(1, 90)] + ["D2:1", "D2:2"]
    assert conversation.left_out == 1
    assert [each.text for each in conversation.unanswerable] == ["Never?"]


def test_what_is_no_gzip_is_refused(tmp_path):
    path = tmp_path / "chat.json.gz"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        read(path)


def test_our_own_format(toy_file):
    ada, adam = read(toy_file)
    assert (ada.user_id, adam.user_id) == ("ada@example.com", "adam@example.com")
    assert len(ada.turns) == 8
    assert ada.turns[0].speaker == "Ada"
    assert ada.turns[0].time == dt.datetime(2025, 1, 10, 7, 1, tzinfo=dt.timezone.utc)
    assert [question.category for question in ada.questions] == ["single-hop", "temporal"]
    assert ada.left_out == 1


def test_utc_may_be_written_with_a_z(tmp_path, toy_file):
    text = toy_file.read_text(encoding="utf-8").replace("+02:00", "Z")
    path = tmp_path / "zulu.json"
    path.write_text(text, encoding="utf-8")
    assert read(path)[0].turns[0].time == dt.datetime(2025, 1, 10, 9, 1, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{not json", "not JSON"),
        ("{}", "neither"),
        ("[1, 2]", "neither"),
        ('{"users": [{"user_id": "a"}]}', "neither"),
        ("[]", "no question"),
    ],
)
def test_another_file_is_refused_with_its_name(tmp_path, content, says):
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidRequestError, match=says) as refused:
        read(path)
    assert "other.json" in str(refused.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidRequestError, match=r"none\.json cannot be read"):
        read(tmp_path / "none.json")


def test_a_turn_id_used_twice_is_refused(tmp_path, toy_file):
    path = tmp_path / "twice.json"
    text = toy_file.read_text(encoding="utf-8").replace('"s2-1"', '"s1-1"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequestError, match="uses a turn id twice"):
        read(path)


def test_a_time_of_another_form_is_refused(tmp_path, locomo_file):
    path = tmp_path / "time.json"
    text = locomo_file.read_text(encoding="utf-8").replace("1:56 pm on 8 May, 2023", "yesterday")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequestError, match="'yesterday'"):
        read(path)
