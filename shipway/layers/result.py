"""What a run of a layer comes to: for people, and for the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.by_hand import run_by_hand
from shipway.config.pipeline import Layer, Pipeline
from shipway.ledger.session import TestRun
from shipway.pyramid.layer_run import LayerRun
from shipway.pyramid.results import CutOff, LayerResult, Shard, TestResult
from shipway.pytest_plugin.shipway_names import display_name, ledger_name
from shipway.test_tools.tool import Tool


def layer_result(
    name: str,
    pipeline: Pipeline,
    tool: Tool,
    layer_run: LayerRun,
    shards: Sequence[Shard],
    seconds: float,
) -> LayerResult:
    """What the layer comes to so far.

    Args:
        name: The layer.
        pipeline: The app's.
        tool: The layer's tool, which knows how to run one test.
        layer_run: The results.
        shards: The shards that came to their end.
        seconds: What the layer took.
    """
    tests = pipeline.tests
    return LayerResult(
        layer=name,
        weight=100 * tests.weight(name),
        budget_seconds=tests.budget_seconds_of(name),
        tests=tuple(_for_people(test, name, pipeline, tool) for test in layer_run.results()),
        seconds=seconds,
        shards=tuple(shards),
    )


def recorded_runs(layer_run: LayerRun, tool: Tool) -> list[TestRun]:
    """What each test did, as the ledger records it."""
    return [
        TestRun(
            unit=ledger_name(tool.unit_of(runs[0])),
            runs=tuple(runs),
            result=layer_run.result(name),
            proven=layer_run.has_proven_itself(name),
        )
        for name, runs in layer_run.runs.items()
    ]


def tests_cut_off(
    name: str, pipeline: Pipeline, tool: Tool, cut_off: Sequence[CutOff]
) -> list[TestResult]:
    """The tests of a layer that shards were at that were ended, with how to run each alone."""
    return [
        test.model_copy(update={"local_command": _local_command(test, name, pipeline, tool)})
        for shard in cut_off
        for test in shard.tests
    ]


def warnings(result: LayerResult, layer: Layer) -> list[str]:
    """What fails nothing, but should not stay so."""
    over_budget = (
        f"The {result.layer} layer took {result.seconds:.1f} s, over its budget of "
        f"{result.budget_seconds:.1f} s"
    )
    unknown = set(layer.quarantine).difference(test.name for test in result.tests)
    return [
        *([over_budget] if result.over_budget else []),
        *(
            f"The quarantine names {display_name(name)}, and there is no such test"
            for name in sorted(unknown)
        ),
    ]


def _local_command(test: TestResult, layer_name: str, pipeline: Pipeline, tool: Tool) -> str:
    return run_by_hand(pipeline, layer_name, tool.local_command(test))


def _for_people(test: TestResult, layer_name: str, pipeline: Pipeline, tool: Tool) -> TestResult:
    """With how to run it alone, and who knows of it; what a passed test printed is no news."""
    if test.outcome in {"passed", "skipped"}:
        return test.model_copy(update={"output": ""})
    message = test.message
    if test.outcome == "quarantined":
        entry = pipeline.tests.layers[layer_name].quarantine[test.name]
        message = f"{entry.owner} until {entry.until}: {entry.reason}"
    command = _local_command(test, layer_name, pipeline, tool)
    return test.model_copy(update={"message": message, "local_command": command})
