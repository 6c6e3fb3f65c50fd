"""Whatever is said, by whom and in which order: what is believed stays consistent."""

import datetime as dt
import itertools

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.settings import ConsolidationSettings
from lightmem_integrations.testing import HashEmbedder, ScriptedWriter
from lightmem_integrations.text.periods import period
from lightmem_integrations.text.precision import iso_date

pytestmark = pytest.mark.slow

MAY = dt.datetime(2025, 5, 1, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
NUMBERS = itertools.count()

days = st.integers(1, 12)
values = st.sampled_from(["Lisbon", "Porto", "Rome"])
agents = st.sampled_from([None, "a", "b"])
said = st.lists(st.tuples(days, values, agents), min_size=1, max_size=6)
# At different moments: what is said at the same one in two ways is a conflict by itself.
apart = st.lists(
    st.tuples(days, values, agents), min_size=1, max_size=5, unique_by=lambda each: each[0]
)
# As exact as a day, a week, a month or a year, and never after it was said.
VAGUE = ["2025", "2025-05", "2025-04", "2025-04-20", "2025-02", "2025-W18", "2025-W17"]


def moments(told):
    """The first day that is meant, and the day on which it was said, if that is another date."""
    day, _, since = told
    said_on = f"2025-05-{day:02}"
    return (
        [period(since, dt.timezone.utc).start.date().isoformat(), said_on] if since else [said_on]
    )


def at_different_moments(said):
    every = [moment for told in said for moment in moments(told)]
    return len({*every}) == len(every)


dated = st.lists(
    days.flatmap(
        lambda day: st.tuples(
            st.just(day),
            st.sampled_from(["Lisbon", "Porto"]),
            st.sampled_from([None, *VAGUE, *(f"2025-05-{each:02}" for each in range(1, day + 1))]),
        )
    ),
    min_size=2, max_size=5,
).filter(at_different_moments)  # fmt: skip
LATEST = ConsolidationSettings(policy="latest")
policies = st.sampled_from(
    [
        LATEST,
        ConsolidationSettings(policy="trust", trust=("b", "a")),
        ConsolidationSettings(policy="evidence"),
        ConsolidationSettings(policy="ask"),
    ]
)
# Without shrinking: an example costs a second, and is small as it is.
few = settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def run(memory, user=None, **options):
    return memory.consolidate(writer=ScriptedWriter(), final=True, user_id=user, **options)


def tell(memory, user, number, day, value, agent, kind="="):
    text = f"Ann.home {kind} {value}"
    memory.add(
        Turn(role="user", text=text, id=f"t{number}", time=MAY + (day - 1) * DAY),
        user_id=user, session_id=f"s{number}", agent_id=agent,
    )  # fmt: skip


@pytest.fixture(scope="module")
def store_with():
    """A store for each policy: examples have users of their own, as opening one takes long."""
    opened = {}

    def store_with(policy=LATEST):
        if policy not in opened:
            chosen = Settings(background_indexing=False, consolidation=policy)
            opened[policy] = LightMem(embedder=HashEmbedder(16), settings=chosen)
        return opened[policy]

    yield store_with
    for memory in opened.values():
        memory.close()


def somebody():
    return f"user {next(NUMBERS)}"


def believed(memory, user):
    facts = memory.facts(user_id=user, include_past=True)
    return sorted(
        (
            fact.value, fact.valid_from, fact.valid_to or MAY + 99 * DAY,
            fact.valid_from_precision, fact.valid_to_precision,
        )
        for fact in facts
    )  # fmt: skip


@few
@given(said=said, policy=policies)
def test_what_holds_when_is_consistent(store_with, said, policy):
    memory = store_with(policy)
    user = somebody()
    for number, each in enumerate(said):
        tell(memory, user, number, *each)
        run(memory, user)
    facts = memory.facts(user_id=user, include_past=True)
    by_id = {fact.id: fact for fact in facts}
    for fact in facts:
        assert fact.valid_to is None or fact.valid_from <= fact.valid_to
        assert (fact.valid_to is None) == (fact.superseded_by is None)
        assert 0 < fact.confidence < 1
        if fact.superseded_by is not None:
            assert fact.superseded_by != fact.id
            successor = by_id[fact.superseded_by]
            # It ends where the other begins, or was refused and never held.
            assert fact.valid_to in (successor.valid_from, fact.valid_from)
    # Several that hold at once are those in open conflict, each with each.
    heads = [fact.id for fact in facts if fact.valid_to is None]
    assert heads
    pairs = {frozenset((each.first.id, each.second.id)) for each in memory.conflicts(user_id=user)}
    assert pairs == {frozenset((a, b)) for a in heads for b in heads if a != b}
    assert proof(memory, user) == sorted(f"t{number}" for number in range(len(said)))
    before = believed(memory, user)
    report = run(memory, user)
    assert (report.written, report.facts, report.merged) == (0, 0, 0)
    assert believed(memory, user) == before


def proof(memory, user):
    """Ids of all turns that prove something, once for each fact: nothing lost, nothing twice."""
    return sorted(
        each.turn.id
        for fact in memory.facts(user_id=user, include_past=True)
        for each in memory.explain(fact.id, user_id=user).evidence
    )


@pytest.mark.parametrize("agent", ["one", "several"])
@few
@given(said=apart, data=st.data())
def test_the_order_of_reading_does_not_matter(store_with, agent, said, data):
    memory = store_with()
    order = data.draw(st.permutations(range(len(said))))
    first, second = somebody(), somebody()
    for place in range(len(said)):
        for user, number in ((first, place), (second, order[place])):
            day, value, who = said[number]
            tell(memory, user, number, day, value, who if agent == "several" else None)
            run(memory, user)
    assert believed(memory, first) == believed(memory, second)


@few
@given(said=dated, data=st.data())
def test_the_order_does_not_matter_however_exactly_dates_are_told(store_with, said, data):
    memory = store_with()
    order = data.draw(st.permutations(range(len(said))))
    first, second = somebody(), somebody()
    for user, numbers in ((first, range(len(said))), (second, order)):
        for number in numbers:
            day, value, since = said[number]
            words = f"{value} since {since}" if since else value
            tell(memory, user, number, day, words, None)
            run(memory, user)
    assert believed(memory, first) == believed(memory, second)


# None lies within days of another that it is no part of.
EVENTS = [
    *("2025", "2025-03", "2025-W11", "2025-03-12", "2025-08", "2025-W34", "2025-08-20"),
    *("2024", "2024-06-15"),
]


@few
@given(told=st.permutations(EVENTS), count=st.integers(2, len(EVENTS)), data=st.data())
def test_events_are_known_by_their_most_exact_dates_in_whatever_order(
    store_with, told, count, data
):
    memory = store_with()
    for dates in (told[:count], data.draw(st.permutations(told[:count]))):
        user = somebody()
        for number, since in enumerate(dates):
            text = f"event Ann.race + Berlin since {since}"
            turn = Turn(role="user", text=text, time=MAY + (400 + number) * DAY)
            memory.add(turn, user_id=user, session_id=f"s{number}")
            run(memory, user)
        kept = {
            iso_date(fact.valid_from, fact.valid_from_precision)
            for fact in memory.facts(user_id=user)
        }
        times = [period(date, dt.timezone.utc) for date in dates]
        most_exact = {
            date
            for date, time in zip(dates, times, strict=True)
            if not any(time != one and time.start <= one.start < time.end for one in times)
        }
        assert kept == most_exact


@few
@given(said=said, others=said, policy=policies)
def test_users_do_not_meet(store_with, said, others, policy):
    memory = store_with(policy)
    bob, ann, alone = somebody(), somebody(), somebody()
    for number, each in enumerate(others):
        tell(memory, bob, number, *each, kind="+")
    run(memory, max_batches=len(others) // 2 + 1)
    for number, each in enumerate(said):
        tell(memory, ann, number, *each)
    run(memory)
    for number, each in enumerate(said):
        tell(memory, alone, number, *each)
    run(memory)
    assert believed(memory, ann) == believed(memory, alone)
    mine = {fact.id for fact in memory.facts(user_id=ann, include_past=True)}
    theirs = {fact.id for fact in memory.facts(user_id=bob, include_past=True)}
    assert not mine & theirs
    memory.forget(user_id=bob)
    assert believed(memory, ann) == believed(memory, alone)


@few
@given(said=apart, gone=st.sets(st.integers(0, 4), max_size=3))
def test_forgetting_is_as_if_it_had_never_been_said(store_with, said, gone):
    memory = store_with()
    left = [number for number in range(len(said)) if number not in gone]
    first, second = somebody(), somebody()
    for number, each in enumerate(said):
        tell(memory, first, number, *each)
    run(memory, first)
    for number in left:
        tell(memory, second, number, *said[number])
    run(memory, second)
    for number in set(range(len(said))) - set(left):
        memory.forget(user_id=first, session_id=f"s{number}")
    run(memory, first)
    assert proof(memory, first) == proof(memory, second) == [f"t{number}" for number in left]
    assert current(memory, first) == current(memory, second)


def current(memory, user):
    return [fact.value for fact in memory.facts(user_id=user)]
