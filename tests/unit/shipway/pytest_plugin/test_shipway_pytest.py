from __future__ import annotations

from typing import Any

import pytest

from tests.support.plugin import plugin

IDS = ["a.py::1", "a.py::2", "b.py::1", "c.py::1"]
PLAN: dict[str, Any] = {"only": None, "done": [], "seconds": {}, "split": "test"}


def parts(shards: int, **plan: Any) -> list[set[str]]:
    return [
        plugin.chosen_of(IDS, {**PLAN, **plan, "shard": shard, "shards": shards})
        for shard in range(shards)
    ]


@pytest.mark.parametrize("split", ["test", "file"])
@pytest.mark.parametrize("shards", [1, 2, 3, 5])
def test_every_test_runs_in_one_shard(split: str, shards: int) -> None:
    assert sorted(one for part in parts(shards, split=split) for one in part) == IDS


def test_recorded_times_share_the_tests_out() -> None:
    assert parts(2, seconds={"a.py::1": 9.0, "a.py::2": 1.0, "b.py::1": 2.0, "c.py::1": 3.0}) == [
        {"a.py::1"},
        {"a.py::2", "b.py::1", "c.py::1"},
    ]


def test_a_file_stays_together() -> None:
    times = {"a.py::1": 1.0, "a.py::2": 1.0, "b.py::1": 1.0, "c.py::1": 0.5}
    assert parts(2, split="file", seconds=times) == [
        {"a.py::1", "a.py::2"},
        {"b.py::1", "c.py::1"},
    ]


def test_what_is_done_runs_nowhere() -> None:
    assert parts(1, done=["a.py::1", "gone.py::1"]) == [set(IDS[1:])]


def test_only_names_are_chosen_that_are_there() -> None:
    assert parts(1, only=["b.py::1", "gone.py::1"], done=["b.py::1"]) == [{"b.py::1"}]


def test_a_long_name_is_known_by_the_name_that_is_kept() -> None:
    long = f"a.py::test[{'x' * 5000}]"
    plan = {**PLAN, "seconds": {}, "shard": 0, "shards": 1}
    assert plugin.chosen_of([long], plan) == {long}
