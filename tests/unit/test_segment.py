"""Where episodes end: sessions, pauses, topics; late turns, odd times, turns without vectors."""

import datetime as dt

import numpy as np
import pytest

from lightmem_integrations.consolidation.segment import SegmentSettings, segment
from lightmem_integrations.knowledge.drafts import WriterTurn

START = dt.datetime(2025, 6, 1, 12, tzinfo=dt.timezone.utc)
COFFEE, BOATS = np.eye(2, 8, dtype=np.float32)


def said(row, *, session=0, position=None, hours=0.0, vector=None):
    return WriterTurn(
        row=row,
        role="user",
        speaker="Ana",
        text=f"turn {row}",
        time=START + dt.timedelta(hours=hours, seconds=row),
        session=session,
        position=row if position is None else position,
        vector=vector,
    )


def rows(segments):
    return [[turn.row for turn in episode] for episode in segments.closed]


def about(topic, row):
    """A vector near a topic, a little different for each turn."""
    noise = np.random.default_rng(row).normal(0, 0.05, 8).astype(np.float32)
    return topic + noise


def test_nothing_gives_nothing():
    for final in (True, False):
        found = segment([], final=final)
        assert (found.closed, found.open) == ([], ())


def test_a_new_session_closes_the_one_before():
    turns = [said(0), said(1), said(2, session=7), said(3, session=7)]
    found = segment(turns, final=False)
    assert rows(found) == [[0, 1]]
    assert [turn.row for turn in found.open] == [2, 3]


def test_a_session_that_still_goes_on_beside_another_stays_open():
    turns = [said(0), said(1, session=7), said(2), said(3, session=7)]
    found = segment(turns, final=False)
    assert not found.closed
    assert {turn.row for turn in found.open} == {0, 1, 2, 3}


def test_the_end_closes_the_tail():
    found = segment([said(0), said(1)], final=True)
    assert rows(found) == [[0, 1]]
    assert not found.open


def test_a_pause_closes_an_episode():
    turns = [said(0), said(1), said(2, hours=7), said(3, hours=7)]
    assert rows(segment(turns, final=True)) == [[0, 1], [2, 3]]
    assert rows(segment(turns, final=True, gap_seconds=8 * 3_600)) == [[0, 1, 2, 3]]


def test_one_turn_with_an_old_time_is_no_pause():
    turns = [said(0, hours=24), said(1, hours=0), said(2, hours=24)]
    assert rows(segment(turns, final=True)) == [[0, 1, 2]]


def test_a_late_turn_stands_where_it_was_said():
    turns = [said(5, position=0), said(6, position=2), said(9, position=1)]
    assert rows(segment(turns, final=True)) == [[5, 9, 6]]


def test_a_change_of_topic_closes_an_episode_where_it_happens():
    turns = [said(row, vector=about(COFFEE if row < 14 else BOATS, row)) for row in range(30)]
    assert rows(segment(turns, final=True)) == [list(range(14)), list(range(14, 30))]


def test_one_topic_is_one_episode():
    turns = [said(row, vector=COFFEE) for row in range(30)]
    assert rows(segment(turns, final=True)) == [list(range(30))]


def test_the_open_tail_gives_the_same_cut_once_more_turns_came():
    turns = [said(row, vector=about(COFFEE if row < 14 else BOATS, row)) for row in range(30)]
    first = segment(turns[:12], final=False)
    assert not first.closed
    second = segment([*first.open, *turns[12:]], final=False)
    assert rows(second) == [list(range(14))]
    assert [turn.row for turn in second.open] == list(range(14, 30))


@pytest.mark.parametrize("vectors", [True, False])
def test_no_episode_is_longer_than_allowed(vectors):
    turns = [said(row, vector=COFFEE if vectors else None) for row in range(201)]
    episodes = rows(segment(turns, final=True, settings=SegmentSettings(longest=40)))
    assert max(map(len, episodes)) <= 40
    assert min(map(len, episodes)) >= 6
    assert [row for episode in episodes for row in episode] == list(range(201))


def test_turns_without_vectors_among_others_are_kept_in_place():
    turns = [said(row, vector=COFFEE if row % 3 else None) for row in range(30)]
    assert rows(segment(turns, final=True)) == [list(range(30))]
