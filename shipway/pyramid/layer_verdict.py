"""What a layer's results mean, and how a red one is told."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from shipway.code import Code
from shipway.errors import ShipwayError
from shipway.pyramid.results import LayerResult, RedLayerError, TestResult
from shipway.pytest_plugin.shipway_names import display_name
from shipway.test_tools.tool import Tool

SHOWN_FAILURES = 10
SHOWN_LINES = 30
UNTOUCHED = "the registry, the ops repository and the cluster"


def judge(result: LayerResult, code: Code, tool: Tool, problem: ShipwayError | None) -> LayerResult:
    """The result of a layer that is green.

    Args:
        result: What its tests came to.
        code: The revision.
        tool: Its tool, which knows how to run one test.
        problem: What kept a shard from its end, if anything did.

    Raises:
        RedLayerError: A test failed, none ran, or a shard did not come to its end.
    """
    layer = code.pipeline.tests.layers[result.layer]
    command = shlex.join(layer.command)
    failures = result.with_outcome("failed")
    first = next(iter(failures), None)
    if first is not None:
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        raise _red(
            result,
            f"The {result.layer} layer is red: {display_name(first.name)}{more} failed.",
            where=f"{code.app} {code.revision.short}: {command}",
            got="\n".join(describe(one) for one in failures[:SHOWN_FAILURES]),
            remedy=f"run `{tool.local_command(first)}` in the app's folder",
        )
    if problem is not None:
        facts = {**problem.facts, "untouched": UNTOUCHED}
        raise _red(result, f"The {result.layer} layer is red: {problem.what}", **facts) from problem
    if not any(one.outcome in {"passed", "flaky", "quarantined"} for one in result.tests):
        raise _red(
            result,
            f"The {result.layer} layer ran no test.",
            where=command,
            expected="at least one test that passes",
            got=f"{result.count('skipped')} skipped",
        )
    return result


def describe(test: TestResult) -> str:
    """A failure: name, place, assertion, and the last lines of its traceback and its output."""
    place = f"{test.file}:{test.line}: " if test.file and test.line else ""
    said, *more = test.message.strip().splitlines() or [""]
    lines = [display_name(test.name), f"  {place}{said}"]
    # A traceback says the rest of the message again.
    for text in (test.text or "\n".join(more), test.output):
        lines += [f"  {line}" for line in _last(text)]
    return "\n".join(lines)


def _last(text: str) -> Sequence[str]:
    lines = text.rstrip().splitlines()
    return lines if len(lines) <= SHOWN_LINES else ["[…]", *lines[-SHOWN_LINES:]]


def _red(result: LayerResult, what: str, **facts: str | None) -> RedLayerError:
    error = RedLayerError(what, **{"untouched": UNTOUCHED, **facts})
    error.result = result
    return error
