"""Settings: what makes no sense is refused when it is set, not when it is used."""

from dataclasses import FrozenInstanceError, fields

import pytest

from lightmem_integrations import ConsolidationSettings, Settings, SettingsError


def test_the_defaults_are_those_of_the_paper():
    assert (Settings().k, Settings().max_tokens) == (5, 1_000)


# What a string may be, or may be left out, is tested where it is used.
OPTIONAL = {"names_model", "timezone", "lifetime_days", "session_lifetime_days"}
NUMBERS = [each.name for each in fields(Settings) if each.name not in OPTIONAL]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, float("nan"), "5", None, [], 2.5 + 1j])
def test_nonsense_is_refused_and_named(name, value):
    with pytest.raises(SettingsError, match=name):
        Settings(**{name: value})


@pytest.mark.parametrize("name", ["k", "max_tokens", "shards", "embed_batch"])
@pytest.mark.parametrize("value", [0, 2.5, True])
def test_sizes_are_whole_numbers_from_one_up(name, value):
    with pytest.raises(SettingsError, match=name):
        Settings(**{name: value})


def test_no_hypothetical_query_is_a_number_of_them():
    assert Settings(hypothetical_queries=0).hypothetical_queries == 0
    for value in (-1, 0.0, False):
        with pytest.raises(SettingsError, match="hypothetical_queries"):
            Settings(hypothetical_queries=value)


def test_times_may_be_zero_or_broken():
    assert Settings(catch_up_seconds=0).catch_up_seconds == 0
    assert Settings(catch_up_seconds=0.5).catch_up_seconds == 0.5


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().k = 7


WHOLE = ["max_turns", "max_tries", "max_failures", "capacity", "verbatim"]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [0, 2.5, 3.0, True, "5", None])
def test_sizes_of_consolidation_are_whole_numbers_from_one_up(name, value):
    with pytest.raises(SettingsError, match=f"ConsolidationSettings.{name} .* whole number"):
        ConsolidationSettings(**{name: value})


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("gap_seconds", 0),
        ("lease_seconds", 0.1),
        ("writer_seconds", 0.001),
        ("half_life_days", 0.001),
        ("same_meaning", -1),
    ],
)
def test_numbers_of_consolidation_have_a_smallest_value(name, least):
    assert getattr(ConsolidationSettings(**{name: least}), name) == least
    for value in (least - 0.001, float("nan"), "5", None, False):
        with pytest.raises(SettingsError, match=f"{name} .* a number (of at least|from) {least}"):
            ConsolidationSettings(**{name: value})


@pytest.mark.parametrize(
    ("made", "name"), [(Settings, "private_users"), (ConsolidationSettings, "trust")]
)
@pytest.mark.parametrize("value", ["ann", ["ann"], {"ann"}, ("ann", 5), None])
def test_several_names_are_a_tuple_of_strings(made, name, value):
    with pytest.raises(SettingsError, match=f"{name} .* tuple of strings"):
        made(**{name: value})
    assert getattr(made(**{name: ("ann", "bo")}), name) == ("ann", "bo")


@pytest.mark.parametrize(
    ("made", "name", "value", "remedy"),
    [
        (Settings, "scoring", "fit", "'full' or 'plain'"),
        (Settings, "late_interaction", 1, "True or False"),
        (Settings, "names_model", " ", "a name, or None"),
        (Settings, "names_model", 5, "a name, or None"),
        (Settings, "timezone", "Mars/Olympus", "IANA name"),
        (Settings, "consolidation", {"capacity": 5}, "pass ConsolidationSettings"),
        (ConsolidationSettings, "policy", "newest", "'latest' or 'trust' or 'evidence' or 'ask'"),
    ],
)
def test_what_is_refused_comes_with_a_remedy(made, name, value, remedy):
    with pytest.raises(SettingsError, match=f"{made.__name__}.{name} .*{remedy}"):
        made(**{name: value})
