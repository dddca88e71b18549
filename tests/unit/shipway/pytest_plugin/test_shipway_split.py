from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.pytest_plugin.shipway_split import (
    by_file,
    expected,
    makespan,
    shard_count,
    split,
)

loads = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.floats(0.001, 100, allow_nan=False),
    min_size=1,
    max_size=60,
)
shards = st.integers(1, 9)


@given(load=loads, shards=shards)
def test_every_unit_is_in_one_shard_and_only_one(load: dict[str, float], shards: int) -> None:
    parts = split(load, shards)
    assert len(parts) == shards
    assert sorted(name for part in parts for name in part) == sorted(load)


@given(
    load=st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 100).map(float), min_size=1),
    shards=st.integers(1, 3),
)
def test_the_slowest_shard_is_within_grahams_bound_of_the_best_split(
    load: dict[str, float], shards: int
) -> None:
    best = min(
        max(sum(s for s, at in zip(load.values(), places, strict=True) if at == n) for n in places)
        for places in itertools.product(range(shards), repeat=len(load))
    )
    assert makespan(split(load, shards), load) <= (4 / 3 - 1 / (3 * shards)) * best + 1e-9


@given(load=loads, shards=shards, data=st.data())
def test_the_order_that_a_load_comes_in_changes_nothing(
    load: dict[str, float], shards: int, data: st.DataObject
) -> None:
    other = dict(data.draw(st.permutations(list(load.items()))))
    assert split(other, shards) == split(load, shards)


def test_the_longest_goes_first_to_whoever_has_least() -> None:
    load = {"a": 7.0, "b": 5.0, "c": 4.0, "d": 3.0, "e": 1.0}
    assert split(load, 2) == [["a", "d"], ["b", "c", "e"]]


def test_units_without_a_duration_spread_out_as_well() -> None:
    assert [len(part) for part in split(dict.fromkeys("abcdef", 0.0), 3)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("seconds", "load"),
    [
        ({}, {"a": 1.0, "b": 1.0, "c": 1.0}),
        ({"a": 2.0}, {"a": 2.0, "b": 2.0, "c": 2.0}),
        ({"a": 2.0, "b": 6.0, "gone": 100.0}, {"a": 2.0, "b": 6.0, "c": 4.0}),
    ],
)
def test_an_unseen_unit_takes_the_median_of_the_others(
    seconds: dict[str, float], load: dict[str, float]
) -> None:
    assert expected(["c", "a", "b", "a"], seconds) == load


@pytest.mark.parametrize(
    ("seconds", "most", "shards"),
    [
        ([], 8, 1),
        ([1.0] * 4, 8, 1),
        ([5.0] * 8, 8, 8),
        ([5.0] * 8, 3, 3),
        # One long test: more shards than these are no quicker.
        ([60.0, *[5.0] * 12], 8, 2),
        ([60.0], 8, 1),
        ([5.0] * 8, 0, 1),
    ],
)
def test_as_many_shards_as_make_it_quicker(seconds: list[float], most: int, shards: int) -> None:
    assert shard_count(seconds, most, 5.0) == shards


def test_the_load_of_a_file_is_that_of_its_tests() -> None:
    files = {"a::1": "a", "a::2": "a", "b::1": "b"}
    assert by_file({"a::1": 1.0, "a::2": 2.0, "b::1": 4.0}, files) == {"a": 3.0, "b": 4.0}
