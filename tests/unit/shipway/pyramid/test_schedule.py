from __future__ import annotations

import pytest

from shipway.pyramid.layer_run import LayerRun
from shipway.pyramid.plan import Collected, Plan
from shipway.pyramid.results import Outcome, Shard, TestResult
from shipway.pyramid.schedule import Schedule, ShardStart
from shipway.pyramid.verdict import Rules

SUMMARY = Shard(tests=1, test_seconds=1, seconds=1)


def came_to(name: str, outcome: Outcome = "passed") -> TestResult:
    return TestResult(name=name, outcome=outcome, seconds=1.0)


def file_of(test: TestResult) -> str:
    return test.name.partition("::")[0]


def schedule(
    retries: int = 0, new_tests: int = 3, proven: dict[str, bool] | None = None
) -> Schedule:
    rules = Rules(retries=retries, new_tests=new_tests)
    return Schedule("unit", LayerRun(rules, proven or {}, {}), file_of)


def units(shards: list[ShardStart]) -> list[tuple[str, ...] | None]:
    return [shard.plan.only for shard in shards]


def test_the_first_shards_share_the_plan() -> None:
    plan = Plan(done=("a.py",), seconds={"b.py": 2.0}, split="file")
    tested = schedule()
    shards = tested.first_shards(plan, 2)
    assert [shard.title for shard in shards] == ["unit, shard 1/2", "unit, shard 2/2"]
    assert [shard.number for shard in shards] == [0, 1]
    assert [shard.plan for shard in shards] == [
        plan.model_copy(update={"shard": number, "shards": 2}) for number in (0, 1)
    ]
    assert tested.running == 2


def test_a_failed_test_runs_again_at_once_alone_until_it_is_red() -> None:
    tested = schedule(retries=2)
    (first,) = tested.first_shards(Plan(), 1)
    failed = came_to("a.py::1", "failed")
    (retry,) = tested.record(first, failed)
    assert (retry.title, retry.number, retry.retries) == ("unit, retry a.py::1", 1, "a.py::1")
    assert retry.plan == Plan(only=("a.py",))
    (second,) = tested.record(retry, failed)
    assert not tested.red
    assert tested.record(second, failed) == []
    assert tested.red
    assert tested.running == 3


def test_two_tests_of_a_file_that_fail_make_it_run_again_once() -> None:
    tested = schedule(retries=1)
    (first,) = tested.first_shards(Plan(), 1)
    (retry,) = tested.record(first, came_to("a.py::1", "failed"))
    assert tested.record(first, came_to("a.py::2", "failed")) == []
    for name in ("a.py::1", "a.py::2"):
        assert tested.record(retry, came_to(name)) == []
    assert [test.outcome for test in tested.layer_run.results()] == ["flaky", "flaky"]
    assert not tested.red


def test_what_else_a_retry_runs_does_not_count() -> None:
    tested = schedule(retries=1)
    (first,) = tested.first_shards(Plan(), 1)
    (retry,) = tested.record(first, came_to("a.py::1", "failed"))
    assert tested.record(retry, came_to("b.py::1", "failed")) == []
    tested.record(retry, Collected(count=1, suite="another"))
    tested.record(first, Collected(count=2, suite="all"))
    assert [test.name for test in tested.layer_run.results()] == ["a.py::1"]
    assert not tested.suites_differ


def test_new_tests_run_again_together_once_all_shards_are_over() -> None:
    tested = schedule(new_tests=3, proven={"old.py::1": True})
    one, two = tested.first_shards(Plan(), 2)
    for shard, name in ((one, "a.py::1"), (two, "b.py::1"), (two, "old.py::1")):
        assert tested.record(shard, came_to(name)) == []
    assert tested.end(one, SUMMARY) == []
    titles: list[str] = []
    following = tested.end(two, SUMMARY)
    while following:
        (again,) = following
        titles.append(again.title)
        assert again.plan == Plan(only=("a.py", "b.py"))
        for name in ("a.py::1", "b.py::1"):
            tested.record(again, came_to(name))
        following = tested.end(again, SUMMARY)
    assert titles == ["unit, new tests, run 2", "unit, new tests, run 3"]
    assert [test.attempts for test in tested.layer_run.results()] == [3, 3, 1]
    assert tested.running == 0


def test_a_repeat_waits_for_the_retries_too() -> None:
    tested = schedule(retries=1, proven={"old.py::1": True})
    (first,) = tested.first_shards(Plan(), 1)
    tested.record(first, came_to("new.py::1"))
    (retry,) = tested.record(first, came_to("old.py::1", "failed"))
    assert tested.end(first, SUMMARY) == []
    tested.record(retry, came_to("old.py::1"))
    assert units(tested.end(retry, SUMMARY)) == [("new.py",)]


def test_a_new_test_that_fails_is_red_whatever_the_retries() -> None:
    tested = schedule(retries=3, proven={"old.py::1": True})
    (first,) = tested.first_shards(Plan(), 1)
    assert tested.record(first, came_to("new.py::1", "failed")) == []
    assert tested.red


def test_the_shards_of_the_layer_are_kept_but_for_those_that_did_not_end() -> None:
    tested = schedule(retries=1)
    one, two = tested.first_shards(Plan(), 2)
    (retry,) = tested.record(one, came_to("a.py::1", "failed"))
    for shard, summary in ((one, SUMMARY), (two, None), (retry, SUMMARY)):
        assert tested.end(shard, summary) == []
    assert tested.shards == [SUMMARY]
    assert tested.running == 0


def test_what_passed_is_given_out_once() -> None:
    tested = schedule(retries=1, proven={"a.py::1": True, "b.py::1": True})
    (first,) = tested.first_shards(Plan(), 1)
    tested.record(first, came_to("a.py::1"))
    tested.record(first, came_to("new.py::1"))
    tested.record(first, came_to("skipped.py::1", "skipped"))
    (retry,) = tested.record(first, came_to("b.py::1", "failed"))
    # Flaky is not passed.
    tested.record(retry, came_to("b.py::1"))
    assert [test.name for test in tested.take_passed()] == ["a.py::1"]
    assert tested.take_passed() == []


@pytest.mark.parametrize(("suites", "differ"), [(["a", "a"], False), (["a", "b"], True)])
def test_shards_that_find_different_tests_are_noticed(suites: list[str], differ: bool) -> None:
    tested = schedule()
    for shard, suite in zip(tested.first_shards(Plan(), 2), suites, strict=True):
        tested.record(shard, Collected(count=1, suite=suite))
    assert tested.suites_differ == differ
