"""Segmentation of turns into episodes: at a change of session, a pause, a change of topic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lightmem_integrations.knowledge.drafts import WriterTurn

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSettings:
    """Limits that close an episode besides the end of its session and a pause.

    The numbers are guesses; ``python benchmarks/segmentation.py`` measures what they do.

    Attributes:
        window: Turns compared on each side of a place, to tell whether the topic changed there.
        shift: How far a place must stand out, in standard deviations over the mean of its session.
        shortest: Turns left on both sides of a change of topic. Sessions and pauses may leave less.
        longest: Turns of an episode. A longer one is cut where its topic changes most.
    """

    window: int = 8
    shift: float = 1.5
    shortest: int = 6
    longest: int = 40


DEFAULTS = SegmentSettings()


@dataclass(frozen=True, slots=True)
class Segments:
    """Turns in episodes. Every turn is in exactly one place; those of a session keep their order.

    Attributes:
        closed: Episodes that no later turn can join.
        open: What may go on: pass it again, with the turns that follow.
    """

    closed: list[tuple[WriterTurn, ...]]
    open: tuple[WriterTurn, ...]


def segment(
    turns: Sequence[WriterTurn],
    *,
    final: bool,
    gap_seconds: float = 6 * 3_600.0,
    settings: SegmentSettings = DEFAULTS,
) -> Segments:
    """Turns of one user, in any order, as episodes.

    Turns are read by session and by their position in it, so a turn that comes late or with a time
    before its predecessor's stands where it was said. A session is closed once another one begins
    after its last turn. Topic changes are found with the depth score of TextTiling (Hearst, 1997),
    over the cosine of the mean vectors before and after a place in place of word counts. Turns
    without a vector only make episodes by session, pause and length. Takes linear time.

    Args:
        turns: What is in no episode yet.
        final: Nothing follows: close the tail too.
        gap_seconds: A pause of more than this closes an episode. Six hours lie between an evening
            and the next morning.
        settings: What else closes an episode.

    Returns:
        Closed episodes by session, oldest session first, and what is still open.
    """
    sessions = _by_session(turns)
    first_rows = [min(turn.row for turn in session) for session in sessions]
    newest = max(first_rows, default=0)
    closed: list[tuple[WriterTurn, ...]] = []
    still_open: list[WriterTurn] = []
    for session in sessions:
        over = final or newest > max(turn.row for turn in session)
        pieces = _episodes(session, gap_seconds, settings)
        if not over:
            still_open.extend(pieces.pop())
        closed.extend(pieces)
    return Segments(closed, tuple(still_open))


def _by_session(turns: Iterable[WriterTurn]) -> list[list[WriterTurn]]:
    sessions: dict[int, list[WriterTurn]] = {}
    for turn in turns:
        sessions.setdefault(turn.session, []).append(turn)
    for session in sessions.values():
        session.sort(key=lambda turn: (turn.position, turn.row))
    return sorted(sessions.values(), key=lambda session: min(turn.row for turn in session))


def _episodes(
    session: list[WriterTurn], gap_seconds: float, settings: SegmentSettings
) -> list[tuple[WriterTurn, ...]]:
    """One session's turns, cut; at least one piece."""
    depth = depths([turn.vector for turn in session], settings.window)
    cuts = [0, *_pauses(session, gap_seconds), len(session)]
    threshold = float(depth.mean() + settings.shift * depth.std()) if len(depth) else 0.0
    episodes = []
    for start, end in pairwise(cuts):
        edges = [start, *_shifts(depth, start, end, threshold, settings), end]
        episodes += [tuple(session[a:b]) for a, b in pairwise(edges)]
    return episodes


def _pauses(session: list[WriterTurn], gap_seconds: float) -> list[int]:
    """Places after a pause. Against the latest time so far: one late turn is no pause."""
    long = dt.timedelta(seconds=gap_seconds)
    latest, places = session[0].time, []
    for place, turn in enumerate(session):
        if turn.time - latest > long:
            places.append(place)
        latest = max(latest, turn.time)
    return places


def _shifts(
    depth: Floats, start: int, end: int, threshold: float, settings: SegmentSettings
) -> list[int]:
    """Places in ``(start, end)`` where the topic changes or the length runs out."""
    places: list[int] = []
    longest = max(settings.longest, 1)
    shortest = min(max(settings.shortest, 1), longest)
    begin, place = start, start + shortest
    while place < end:
        over = place - begin >= longest
        if over:
            # The deepest place left; the last one where no vectors speak for any.
            last = max(min(place, end - shortest), begin + shortest)
            reach = np.arange(last, begin + shortest - 1, -1)
            place = int(reach[np.argmax(depth[reach])])
        if over or (
            end - place >= shortest
            and depth[place] > threshold
            and depth[place] >= depth[place : min(place + shortest, end)].max()
        ):
            places.append(place)
            begin, place = place, place + shortest
        else:
            place += 1
    return places


def depths(vectors: Sequence[NDArray[np.float32] | None], window: int) -> Floats:
    """Depth scores: how much the topic changes before each turn; 0 or more, 0 before the first.

    Args:
        vectors: One for each turn, where there is one.
        window: Turns compared on each side.

    Returns:
        ``(turns,)``: how far similarity falls there, below the peaks on both sides.
    """
    count = len(vectors)
    size = next((len(each) for each in vectors if each is not None), 0)
    if not size or count < 2:  # noqa: PLR2004
        return np.zeros(count)
    matrix = np.stack([np.zeros(size) if each is None else each for each in vectors])
    sums = np.vstack([np.zeros(size), np.cumsum(matrix, axis=0, dtype=np.float64)])
    places = np.arange(1, count)
    before = sums[places] - sums[np.maximum(places - window, 0)]
    after = sums[np.minimum(places + window, count)] - sums[places]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    known = lengths > 1e-9  # noqa: PLR2004 - no vectors there, so nothing is known to change
    similar = np.ones(count - 1)
    similar[known] = (before * after).sum(axis=1)[known] / lengths[known]
    falls: Floats = np.zeros(count)
    falls[1:] = _peaks(similar) + _peaks(similar[::-1])[::-1] - 2 * similar
    return falls


def _peaks(values: Floats) -> Floats:
    """For each value, the peak that is reached by climbing to the left of it."""
    peaks: Floats = values.copy()
    for place in range(1, len(values)):
        if values[place - 1] >= values[place]:
            peaks[place] = peaks[place - 1]
    return peaks
