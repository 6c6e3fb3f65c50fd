"""Reading LoCoMo's format and our own."""

import datetime as dt
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
