"""Events of `go test -json`, written down shortly."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shipway.errors import FailError
from shipway.pyramid.results import TestResult
from shipway.test_tools.go import GoReader
from shipway.test_tools.tool import Ended

ACTIONS = {"run", "pause", "cont", "pass", "fail", "skip", "start"}


def still_running(events: str) -> dict[str, str]:
    """What each test that has begun and is not over has printed."""
    reader = GoReader("go test ./...")
    reader.feed(_stream(events))
    return {test.name: test.output for test in reader.running()}


def told(events: str, status: int) -> tuple[dict[str, str], FailError | None]:
    """What events lead to: each result, and the error that Go's end is, if it is one.

    Args:
        events: An event a line: an action, the package and the test; `says` has a text behind it.
        status: Go's exit status.
    """
    reader = GoReader("go test ./...")
    tests = [event for event in reader.feed(_stream(events)) if isinstance(event, TestResult)]
    try:
        tests += reader.finish(Ended(status=status), "the last words")
    except FailError as error:
        return _outcomes(tests), error
    return _outcomes(tests), None


def _stream(events: str) -> bytes:
    lines = [line.split(maxsplit=2) for line in events.strip().splitlines()]
    return "".join(json.dumps(_event(words)) + "\n" for words in lines).encode()


def _event(words: Sequence[str]) -> dict[str, str]:
    action, package, rest = [*words, ""][:3]
    if action in ACTIONS:
        return {"Action": action, "Package": package} | ({"Test": rest} if rest else {})
    test = {} if action == "says" else {"Test": action}
    return {"Action": "output", "Package": package, "Output": f"{rest}\n"} | test


def _outcomes(tests: Sequence[TestResult]) -> dict[str, str]:
    outcomes = {test.name: test.outcome for test in tests}
    assert len(outcomes) == len(tests)
    return outcomes
