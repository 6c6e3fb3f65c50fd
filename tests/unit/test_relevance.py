"""Scores: between 0 and 1, in the order of the ranking, and nothing where nothing is known."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from lightmem_integrations import InvalidRequestError, LightMem, Settings, SettingsError, Turn
from lightmem_integrations.cli.main import app
from lightmem_integrations.testing import HashEmbedder
from noted import NotesWriter, note

pytestmark = pytest.mark.slow

SAID = (
    "I moved to Lisbon in May.",
    "My sister Clara plays the cello in an orchestra.",
    "The dentist gave me an appointment on Friday.",
    "We baked bread with walnuts and it burned.",
    "My bicycle was stolen in front of the station.",
    "I am reading a novel about a lighthouse keeper.",
)
NOTES = [
    note(SAID[0], "user", "home", "Lisbon", "The user moved to Lisbon in May."),
    note(SAID[1], "Clara", "hobby", "the cello", "Clara plays the cello in an orchestra."),
    note(SAID[4], "user", "bicycle", "stolen", "The user's bicycle was stolen."),
]
KNOWN = ("Where did I move to?", "Which instrument does Clara play?", "What was stolen?")
UNKNOWN = ("What is the capital of Mongolia?", "How do I configure the VPN?", "Who won the vote?")


class Failing(HashEmbedder):
    """Has no vector for a question."""

    def embed_query(self, text):
        raise RuntimeError("no model")


@pytest.fixture(params=["shipped model", "words only", "facts"])
def memory(request, open_memory):
    embedder = Failing() if request.param == "words only" else None
    memory = open_memory(embedder=embedder)
    memory.add([Turn(role="user", text=text) for text in SAID], user_id="alice")
    memory.index_pending()
    if request.param == "facts":
        assert memory.consolidate(final=True, writer=NotesWriter(NOTES)).facts == 3
    return memory


@pytest.mark.parametrize("question", KNOWN + UNKNOWN)
def test_scores_are_between_0_and_1_and_never_rise(memory, question):
    found = memory.recall(question, user_id="alice")
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert found.score == max(scores, default=0.0)


def test_what_is_known_scores_higher_than_what_is_not(memory):
    known = [memory.recall(question, user_id="alice").score for question in KNOWN]
    unknown = [memory.recall(question, user_id="alice").score for question in UNKNOWN]
    assert min(known) > 0.5
    assert max(unknown) < 0.3


def test_below_the_threshold_nothing_is_known(memory):
    for question in UNKNOWN:
        found = memory.recall(question, user_id="alice", score_threshold=0.3)
        assert (found.hits, found.text, found.tokens, found.score) == ((), "", 0, 0.0)
    assert all(memory.recall(each, user_id="alice", score_threshold=0.3).hits for each in KNOWN)


def test_a_threshold_takes_hits_away_and_changes_no_order(memory):
    for question in KNOWN:
        everything = memory.recall(question, user_id="alice").hits
        above = memory.recall(question, user_id="alice", score_threshold=0.3).hits
        assert [hit.text for hit in above] == [hit.text for hit in everything if hit.score >= 0.3]


def test_the_settings_threshold_is_for_every_recall_that_names_none(open_memory):
    memory = open_memory(embedder=None, settings=Settings(score_threshold=0.3))
    memory.add([Turn(role="user", text=text) for text in SAID], user_id="alice")
    assert not memory.recall(UNKNOWN[0], user_id="alice").hits
    assert memory.recall(UNKNOWN[0], user_id="alice", score_threshold=0.0).hits
    assert memory.recall(KNOWN[0], user_id="alice").hits


def test_a_question_in_a_script_that_the_model_was_not_taught_goes_by_its_words(open_memory):
    memory = open_memory(embedder=None)
    memory.add([Turn(role="user", text=text) for text in ("我住在里斯本。", "我喜欢喝茶。")],
               user_id="alice")  # fmt: skip
    assert memory.recall("里斯本", user_id="alice").score > 0.5
    assert memory.recall("自行车被偷", user_id="alice").score < 0.3


def test_an_empty_memory_has_the_score_0(open_memory):
    assert open_memory().recall("Where?", user_id="nobody").score == 0.0


@pytest.mark.parametrize("threshold", [-0.1, 1.1, True, "0.5", float("nan")])
def test_a_threshold_that_is_none_is_refused(open_memory, threshold):
    with pytest.raises(InvalidRequestError, match=r"score_threshold is .* from 0 to 1"):
        open_memory().recall("Where?", user_id="alice", score_threshold=threshold)
    with pytest.raises(SettingsError, match=r"score_threshold is .* from 0 to 1"):
        Settings(score_threshold=threshold)


def test_the_command_line_takes_a_threshold(tmp_path):
    with LightMem(tmp_path / "s") as memory:
        memory.add([Turn(role="user", text=text) for text in SAID], user_id="alice")
    ask = ["recall", str(tmp_path / "s"), UNKNOWN[0], "--user", "alice"]
    assert "no hits" not in CliRunner().invoke(app, ask).output
    assert "no hits" in CliRunner().invoke(app, [*ask, "--score-threshold", "0.3"]).output
