"""Small conversations, written for these tests."""

import json

import pytest

LOCOMO = [
    {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ines",
            "speaker_b": "Tom",
            "session_2_date_time": "12:05 am on 1 February, 2024",
            "session_2": [
                {"speaker": "Tom", "dia_id": "D2:1", "text": "My cat ran away."},
                {
                    "speaker": "Ines",
                    "dia_id": "D2:2",
                    "text": "Oh no! This one?",
                    "blip_caption": "a photo of a grey cat",
                    "img_url": ["https://example.com/cat.jpg"],
                    "query": "cat",
                },
            ],
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ines", "dia_id": "D1:1", "text": "I bought a cello."},
                {"speaker": "Tom", "dia_id": "D1:2", "text": "Lovely!"},
            ],
            "session_3_date_time": "9:00 am on 3 March, 2024",
        },
        "qa": [
            {"question": "Two in one?", "answer": "a", "evidence": ["D1:1; D2:2"], "category": 1},
            {"question": "When?", "answer": 2023, "evidence": ["D1:1"], "category": 2},
            {"question": "Open?", "answer": "b", "evidence": [], "category": 3},
            {"question": "Single?", "answer": "c", "evidence": ["D2:1"], "category": 4},
            {"question": "Unknown?", "answer": "d", "evidence": ["D1:1", "D9:9"], "category": 4},
            {"question": "Cut?", "answer": "e", "evidence": ["D"], "category": 4},
            {
                "question": "Never said?",
                "adversarial_answer": "f",
                "evidence": ["D1:1"],
                "category": 5,
            },
        ],
    }
]


def _turns(session, *said):
    return [
        {
            "id": f"{session}-{place}",
            "role": "user" if place % 2 else "assistant",
            "speaker": speaker,
            "time": f"2025-0{session[-1]}-10T09:0{place}:00+02:00",
            "text": text,
        }
        for place, (speaker, text) in enumerate(said, start=1)
    ]


TOY = {
    "users": [
        {
            "user_id": "ada@example.com",
            "name": "Ada",
            "sessions": [
                {
                    "session_id": "first",
                    "turns": _turns(
                        "s1",
                        ("Ada", "My new bicycle is a red folding one from Utrecht."),
                        ("Assistant", "Nice. Where do you keep it?"),
                        ("Ada", "In the cellar, next to the washing machine."),
                        ("Assistant", "Noted."),
                    ),
                },
                {
                    "session_id": "second",
                    "turns": _turns(
                        "s2",
                        ("Ada", "Doctor Okafor says I must not eat peanuts any more."),
                        ("Assistant", "I will leave them out of every recipe."),
                        ("Ada", "My flight to Oslo leaves on Friday at seven."),
                        ("Assistant", "Shall I set an alarm?"),
                    ),
                },
            ],
            "questions": [
                {
                    "question": "Which nuts must Ada not eat, according to Doctor Okafor?",
                    "answer": "Peanuts",
                    "evidence": ["s2-1"],
                    "kind": "single-hop",
                },
                {
                    "question": "When does the flight to Oslo leave?",
                    "answer": "Friday at seven",
                    "evidence": ["s2-3"],
                    "kind": "temporal",
                },
                {
                    "question": "What was never answered?",
                    "answer": "-",
                    "evidence": [],
                    "kind": "temporal",
                },
            ],
        },
        {
            "user_id": "adam@example.com",
            "name": "Adam",
            "sessions": [
                {
                    "session_id": "first",
                    "turns": _turns(
                        "s1",
                        ("Adam", "I ride a blue racing bicycle to work."),
                        ("Assistant", "Every day?"),
                        ("Adam", "Only when it does not rain."),
                    ),
                }
            ],
            "questions": [
                {
                    "question": "What colour is the bicycle?",
                    "answer": "Blue",
                    "evidence": ["s1-1"],
                    "kind": "single-hop",
                }
            ],
        },
    ]
}


@pytest.fixture
def locomo_file(tmp_path):
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps(LOCOMO), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def toy_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "toy.json"
    path.write_text(json.dumps(TOY), encoding="utf-8")
    return path
