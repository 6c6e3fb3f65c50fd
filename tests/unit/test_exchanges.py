"""Ranking in a chat with an assistant, whose answers are many times as long as what a user says."""

import datetime as dt
import importlib.resources
import json

import pytest

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.recall.plan.purpose import purpose_of
from lightmem_integrations.recall.select.features import FEATURES
from lightmem_integrations.testing import HashEmbedder
from lightmem_integrations.text.guidance import Guidance, guidance_of

QUIET = Settings(background_indexing=False)
MAY = dt.datetime(2025, 5, 1, 12, tzinfo=dt.timezone.utc)
LECTURE = (
    "Great question! A budget for a flat has several parts, and here is how you might think about "
    "each of them. First, list the rent, the deposit, the heating and the internet. Then think of "
    "furniture: a bed, a table, chairs, lamps and shelves. Third, keep some of the budget aside "
    "for repairs, for moving and for the unexpected. Many people spend a third of what they earn "
    "on rent, but in large cities it is more. You can track all of it in a table, with a row for "
    "each month and a column for each part of the budget, and look at it together every Sunday. "
    "Would you like me to make such a table for your flat, or to compare a few districts first?"
)
INSTRUCTION = "Always add a short list of sources when I ask about health."


def fill(memory):
    """A user with an assistant that lectures, and two friends, each with the same statements."""
    said = [
        "My budget for the flat is 900 euros a month.",
        "I play the cello in a quartet on Tuesdays.",
        INSTRUCTION,
        "My sister Ines is visiting in June, she loves the aquarium.",
        "I want to learn Portuguese before the summer.",
        "The heating in my old flat broke twice last winter.",
    ]
    for number, text in enumerate(said):
        when = MAY + dt.timedelta(days=number)
        for user, answer in (("asker", LECTURE), ("friend", "Oh nice, tell me more about it!")):
            memory.add(
                [
                    Turn(role="user", text=text, time=when),
                    Turn(role="assistant", text=answer, time=when + dt.timedelta(seconds=9)),
                ],
                user_id=user,
                session_id=f"s{number}",
            )
    memory.index_pending()


@pytest.fixture(scope="module")
def chats(tmp_path_factory):
    with LightMem(tmp_path_factory.mktemp("chats") / "store", settings=QUIET) as memory:
        fill(memory)
        yield memory


def first(memory, question, user="asker", **more):
    return memory.recall(question, user_id=user, k=3, strict=True, **more).hits[0]


@pytest.mark.parametrize("user", ["asker", "friend"])
def test_what_the_user_said_comes_before_a_lecture_that_holds_the_same_words(chats, user):
    assert "900 euros" in first(chats, "What is my budget for the flat?", user).text


class Unable(HashEmbedder):
    def embed_query(self, text):
        raise OSError("no model")


def test_with_words_alone_too(tmp_path):
    with LightMem(tmp_path / "store", embedder=Unable(8), settings=QUIET) as memory:
        fill(memory)
        found = memory.recall("What is my budget for the flat?", user_id="asker", k=3)
    assert found.degraded
    assert "900 euros" in found.hits[0].text


def test_an_instruction_that_stands_comes_with_a_request_that_shares_no_word_with_it(chats):
    request = "Can you suggest something against a sore throat?"
    hits = chats.recall(request, user_id="asker", k=3, strict=True).hits
    assert INSTRUCTION in [hit.text for hit in hits]


def test_many_instructions_leave_room_for_what_else_answers_a_request(tmp_path):
    with LightMem(tmp_path / "store", settings=QUIET) as memory:
        topics = ("code", "wine", "maps", "films", "trains", "cats", "birds", "paint", "salt")
        for topic in topics:
            memory.add(
                [
                    Turn(role="user", text=f"Always be brief when I ask about {topic}."),
                    Turn(role="assistant", text=LECTURE),
                ],
                user_id="ann",
                session_id=topic,
            )
        memory.add(Turn(role="user", text="I sleep badly in loud hotels."), user_id="ann")
        memory.index_pending()
        hits = memory.recall("Can you suggest a hotel?", user_id="ann", k=5, strict=True).hits
    assert "hotels" in " ".join(hit.text for hit in hits)


def test_it_stays_out_of_questions_about_facts(chats):
    assert first(chats, "Which instrument do I play?").text.startswith("I play the cello")


def test_it_is_not_brought_in_beyond_the_limits_of_a_request(chats):
    request = "Can you suggest something against a sore throat?"
    found = chats.recall(request, user_id="asker", k=9, session_id="s1", strict=True)
    assert INSTRUCTION not in [hit.text for hit in found.hits]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Always use metric units when I ask about distances.", Guidance.STANDING),
        ("From now on, answer in German.", Guidance.STANDING),
        ("Whenever I mention code, show the tests first.", Guidance.STANDING),
        ("Never book aisle seats for me.", Guidance.STANDING),
        ("Whenever there is a date, write it as day and month.", Guidance.STANDING),
        ("In future, keep it to three sentences.", Guidance.STANDING),
        ("Make sure you always cite a source.", Guidance.STANDING),
        ("I prefer trains to planes.", Guidance.PREFERENCE),
        ("I don't eat meat.", Guidance.PREFERENCE),
        ("We always went to the sea in August.", None),
        ("When did you call?", None),
        ("Whenever it rains the cellar floods.", None),
        ("Every time money drops, I sort my savings first.", None),
        ("Never been to Rome.", None),
        ("Never mind, I found it.", None),
        ("Always wanted to learn the cello.", None),
        ("In the future I'll live by the sea.", None),
        ("From now on I go to bed at ten.", None),
        ("What if I want to add more tables later?", None),
        ("Make sure it's prominent on the first page.", None),
        ("", None),
    ],
)
def test_guidance_is_told_from_other_statements(text, kind):
    assert guidance_of(text) is kind


@pytest.mark.parametrize(
    ("question", "purpose"),
    [
        ("Can you recommend a hotel?", "request"),
        ("How should I start my essay?", "request"),
        ("Summarize what we did on the project.", "summary"),
        ("In what order did I bring up the topics?", "order"),
        ("List in order how my plans changed.", "order"),
        ("Can you walk me through a proof, in order to learn it?", "request"),
        ("Any suggestions for dinner?", "request"),
        ("Where does Ana live?", "fact"),
        ("Who recommended the dentist?", "fact"),
        ("Which book did Ana suggest?", "fact"),
        ("Who told me that she would help me?", "fact"),
        ("Was the car in order after the inspection?", "fact"),
        ("What was in the order from Ikea?", "fact"),
        ("Who wrote the summary of the meeting?", "fact"),
        ("", "fact"),
    ],
)
def test_the_purpose_of_a_question(question, purpose):
    assert purpose_of(question) == purpose


def test_every_weight_is_that_of_a_feature():
    file = importlib.resources.files("lightmem_integrations.recall.select") / "weights.json"
    given = json.loads(file.read_text(encoding="utf-8"))
    for name in ("full", "without_tokens", "words", "plain"):
        for weights in given[name].values():
            assert set(weights) <= set(FEATURES)


def test_a_summary_shows_more_and_shorter_pieces_unless_their_number_is_given(chats):
    question = "Summarize what I told you about my flat and my plans."
    broad = chats.recall(question, user_id="asker", strict=True)
    assert len(broad.hits) > Settings().k
    assert broad.tokens <= Settings().max_tokens
    assert len(chats.recall(question, user_id="asker", k=4, strict=True).hits) == 4
    assert len(chats.recall("My flat and my plans?", user_id="asker").hits) <= Settings().k


def test_an_order_of_events_is_spread_over_the_sessions(tmp_path):
    with LightMem(tmp_path / "store", settings=QUIET) as memory:
        for number, step in enumerate(["spring", "summer", "autumn", "winter"]):
            memory.add(
                [
                    turn
                    for place in range(4)
                    for turn in (
                        Turn(role="user", text=f"My garden project in {step}, part {place}."),
                        Turn(role="assistant", text=LECTURE),
                    )
                ],
                user_id="ann",
                session_id=f"s{number}",
            )
        memory.index_pending()
        question = "In what order did I bring up the parts of my garden project in spring?"
        hits = memory.recall(question, user_id="ann", k=7, strict=True).hits
    assert len({hit.source.session_id for hit in hits}) == 4


def remember(memory, user, *sessions):
    """Sessions of turns given as pairs of who and what: "user", "assistant", or a name."""
    for number, session in enumerate(sessions):
        turns = [
            Turn(
                role="assistant" if who == "assistant" else "user",
                speaker=None if who in ("user", "assistant") else who,
                text=text,
                time=MAY + dt.timedelta(days=number, minutes=place),
            )
            for place, (who, text) in enumerate(session)
        ]
        memory.add(turns, user_id=user, session_id=f"s{number}")
    memory.index_pending()


def test_in_a_group_nobody_is_taken_for_an_assistant_because_he_talks_at_length(tmp_path):
    more = (
        " Honestly I could go on and on about this, there is always one more story and one more"
        " thing to say before I finish, so bear with me, you know how I am when I get going."
    )
    with LightMem(tmp_path / "store", settings=QUIET) as memory:
        remember(
            memory,
            "group",
            [
                ("Nadia", "Food. Allergies, milk, nuts, wishes?"),
                ("Priya", "Vegetarian, as ever."),
                ("Ben", "The doctor took me off milk in March, butter is fine." + more),
                ("Nadia", "No milk at all then?"),
                ("Ben", "Oat milk in the coffee, that is how it is now." + more),
                ("Nadia", "Milk for the others, I'll buy it."),
                ("Priya", "Fine!"),
                ("Nadia", "And who cooks?"),
                ("Ben", "I do the breakfasts." + more),
                ("Nadia", "Settled."),
            ],
        )
        hits = memory.recall("Who has to avoid milk?", user_id="group", strict=True).hits
    assert {hit.turns[0].speaker: hit.parts["user_turn"] for hit in hits} == {"Nadia": 0, "Ben": 0}


def test_a_short_answer_comes_before_the_long_logs_that_a_user_pastes(tmp_path):
    log = "\n".join(
        f"2025-05-01 09:{minute:02} INFO worker {minute} rebuilt the index of search in 40 ms"
        for minute in range(12)
    )
    answer = "Version 4.2 needs a rebuild of the search index: run reindex --all."
    with LightMem(tmp_path / "store", settings=QUIET) as memory:
        remember(
            memory,
            "support",
            [("user", "Search is empty after the update to 4.2.\n" + log), ("assistant", answer)],
            [("user", "And now?\n" + log), ("assistant", "Looks healthy.")],
            [("user", "Search is slow.\n" + log), ("assistant", "Only a warning.")],
            [("user", "Is it running?\n" + log), ("assistant", "Yes.")],
        )
        question = "What rebuild does the search need after the update to 4.2?"
        assert first(memory, question, "support").text == answer


def test_a_session_is_opened_by_the_message_behind_a_greeting(tmp_path):
    subject = "My essay is about the lighthouse keepers of Madeira and how they lived."
    with LightMem(tmp_path / "store", settings=QUIET) as memory:
        remember(
            memory,
            "asker",
            *(
                [
                    ("user", "Hi there!"),
                    ("assistant", "Hello! How can I help you today?"),
                    ("user", text),
                    ("assistant", LECTURE),
                    ("user", "Thanks, and which paragraph of the essay comes first?"),
                    ("assistant", LECTURE),
                ]
                for text in (subject, "My budget for the flat is 900 euros.", "I play the cello.")
            ),
        )
        found = memory.recall("What is my essay about?", user_id="asker", k=9, strict=True)
    opened = {hit.text: hit.parts["opening"] for hit in found.hits}
    assert opened[subject] == 1
    assert opened["Hi there!"] == 0
