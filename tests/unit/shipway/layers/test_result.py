from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shipway.config.pipeline import Layer, Pipeline, Tests
from shipway.layers.result import layer_result, recorded_runs, warnings
from shipway.layers.rules import rules_of
from shipway.ledger.session import TestRun
from shipway.pyramid.layer_run import LayerRun
from shipway.pyramid.results import LayerResult, Outcome, Shard, TestResult
from shipway.pyramid.verdict import Rules
from shipway.test_tools.pytest import Pytest

TODAY = datetime.now(UTC).date()


def layer(**settings: Any) -> Layer:
    return Layer.model_validate({"command": ["pytest"], **settings})


def quarantine(*names: str) -> dict[str, Any]:
    return {name: {"owner": "Ada", "reason": "issue 7", "until": TODAY} for name in names}


def came_to(name: str, outcome: Outcome = "passed") -> TestResult:
    return TestResult(name=name, outcome=outcome, seconds=1.0, message="why", output="printed")


def test_a_result_is_told_with_how_to_run_a_test_alone_and_who_knows_of_it() -> None:
    unit = layer(quarantine=quarantine("known"))
    tests = Tests(budget_seconds=100, layers={"unit": unit, "e2e": layer(weight=30)})
    pipeline = Pipeline(app="shop", tests=tests)
    layer_run = LayerRun(rules_of(unit), {}, {"earlier": 2.0})
    for test in (came_to("a"), came_to("known", "failed"), came_to("b", "failed")):
        layer_run.record(test)
    shard = Shard(tests=3, test_seconds=3, seconds=4)
    result = layer_result("unit", pipeline, Pytest(["pytest"]), layer_run, [shard], 5.0)
    earlier, passed, known, failed = result.tests
    assert result == LayerResult(
        layer="unit",
        weight=70,
        budget_seconds=70,
        tests=(earlier, passed, known, failed),
        seconds=5.0,
        shards=(shard,),
    )
    assert (earlier.name, earlier.earlier) == ("earlier", True)
    assert (passed.output, passed.local_command) == ("", "")
    assert (known.outcome, known.message) == ("quarantined", f"Ada until {TODAY}: issue 7")
    assert (failed.message, failed.output, failed.local_command) == ("why", "printed", "pytest b")


def test_the_ledger_is_told_of_every_run_of_a_test() -> None:
    layer_run = LayerRun(Rules(retries=1, new_tests=3), {}, {})
    failed, passed = came_to("a", "failed"), came_to("a")
    layer_run.record(failed)
    layer_run.record(passed)
    assert recorded_runs(layer_run, Pytest(["pytest"])) == [
        TestRun(unit="a", runs=(failed, passed), result=layer_run.result("a"), proven=True)
    ]


def test_what_should_not_stay_so_is_said() -> None:
    unit = layer(quarantine=quarantine("gone", "known"))
    result = LayerResult(
        layer="unit", weight=70, budget_seconds=9, tests=(came_to("known"),), seconds=10
    )
    assert warnings(result, unit) == [
        "The unit layer took 10.0 s, over its budget of 9.0 s",
        "The quarantine names gone, and there is no such test",
    ]
    assert warnings(result.model_copy(update={"seconds": 9}), layer()) == []
