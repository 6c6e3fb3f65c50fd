"""Settings: what makes no sense is refused when it is set, not when it is used."""

from dataclasses import FrozenInstanceError, fields

import pytest

from lightmem_integrations import Settings, SettingsError


def test_the_defaults_are_those_of_the_paper():
    assert (Settings().k, Settings().max_tokens) == (5, 1_000)


# What a string may be, or may be left out, is tested where it is used.
NUMBERS = [each.name for each in fields(Settings) if each.name != "names_model"]


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
