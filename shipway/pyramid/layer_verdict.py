"""What a layer's results mean, and how a red one is told."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.errors import FailError, ShipwayError
from shipway.pyramid.results import LayerResult, RedLayerError, TestResult
from shipway.pytest_plugin.shipway_names import display_name

SHOWN_FAILURES = 10
SHOWN_LINES = 30
UNTOUCHED = "the registry, the ops repository and the cluster"


def judge(
    result: LayerResult, *, revision: str, command: str, problem: ShipwayError | None
) -> LayerResult:
    """The result of a layer that is green.

    Args:
        result: What its tests came to.
        revision: App and revision, as people know them.
        command: The layer's command.
        problem: What kept a shard from its end, if anything did.

    Raises:
        RedLayerError: A test failed, none ran, or a shard did not come to its end.
    """
    failures = result.with_outcome("failed")
    first = next(iter(failures), None)
    if first is not None:
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        raise _red(
            result,
            f"The {result.layer} layer is red: {display_name(first.name)}{more} failed.",
            where=f"{revision}: {command}",
            got="\n".join(describe(test) for test in failures[:SHOWN_FAILURES]),
            remedy=run_again(first),
        )
    if problem is not None:
        facts = {**problem.facts, "untouched": UNTOUCHED}
        raise _red(result, f"The {result.layer} layer is red: {problem.what}", **facts) from problem
    if not any(test.outcome in {"passed", "flaky", "quarantined"} for test in result.tests):
        raise _red(
            result,
            f"The {result.layer} layer ran no test.",
            where=command,
            expected="at least one test that passes",
            got=f"{result.count('skipped')} skipped",
            remedy="see why it ran none: its command, or what skips them; or take the layer out of "
            "pipeline.yaml",
        )
    return result


def timed_out(
    command: str, seconds: float, key: str, running: Sequence[TestResult], last_words: str
) -> FailError:
    """What to say of a layer that was ended because it took too long.

    Args:
        command: The layer's command.
        seconds: What it may take.
        key: The key of pipeline.yaml that says so.
        running: The tests that had begun and were not over, as far as the tool tells.
        last_words: What the command printed last.
    """
    what, remedy = "It took too long and was ended.", "make the tests quicker"
    got = f"its last words:\n{last_words}" if last_words else None
    if running:
        first, more = running[0], f" and {len(running) - 1} more" if len(running) > 1 else ""
        what = f"{display_name(first.name)}{more} did not end."
        got = "\n".join(describe(test) for test in running[:SHOWN_FAILURES])
        remedy = run_again(first)
    return FailError(
        what,
        where=command,
        expected=f"done within {seconds:.0f} s",
        got=got,
        untouched=UNTOUCHED,
        remedy=f"raise the layer's {key} in pipeline.yaml if it needs longer; else {remedy}",
    )


def suites_differ(command: str) -> FailError:
    """What to say of shards that found different tests."""
    return FailError(
        "The shards found different tests, so that some may have run in none.",
        where=command,
        expected="the same tests in every shard",
        remedy="make the suite's parameters the same each time it is collected, "
        "or set the layer's shards: 1",
    )


def run_again(test: TestResult) -> str:
    """What to do to see a test fail: one command, or a few lines of them."""
    command = test.local_command
    if "\n" in command:
        return f"run in the app's folder:\n{command}"
    return f"run `{command}` in the app's folder"


def describe(test: TestResult) -> str:
    """A failure: name, place, assertion, and the last lines of its traceback and its output."""
    place = f"{test.file}:{test.line}: " if test.file and test.line else ""
    assertion, *more = test.message.strip().splitlines() or [""]
    lines = [display_name(test.name), f"  {place}{assertion}"]
    # A traceback says the rest of the message again.
    for text in (test.text or "\n".join(more), test.output):
        lines += [f"  {line}" for line in _last_lines(text)]
    return "\n".join(lines)


def _last_lines(text: str) -> Sequence[str]:
    lines = text.rstrip().splitlines()
    return lines if len(lines) <= SHOWN_LINES else ["[…]", *lines[-SHOWN_LINES:]]


def _red(result: LayerResult, what: str, **facts: str | None) -> RedLayerError:
    error = RedLayerError(what, **{"untouched": UNTOUCHED, **facts})
    error.result = result
    return error
