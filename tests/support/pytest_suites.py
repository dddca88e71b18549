"""A suite that pytest really runs, read as a layer reads it."""

from __future__ import annotations

import sys
from pathlib import Path

from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from shipway.pyramid.results import TestResult
from shipway.test_tools.pytest import Pytest
from tests.support.environments import process_environment

Suite = dict[str, str]


async def run(folder: Path, suite: Suite) -> tuple[list[TestResult], FailError | None]:
    """What a suite's tests came to, and the error that pytest's end is, if it is one."""
    for name, text in suite.items():
        (folder / name).write_text(text)
    tool = Pytest([sys.executable, "-m", "pytest", "-p", "no:cacheprovider"])
    reader, tests = tool.reader(), list[TestResult]()

    def output(chunk: bytes) -> None:
        tests.extend(event for event in reader.feed(chunk) if isinstance(event, TestResult))

    async with process_environment(folder, {}) as environment:
        invocation = tool.invocation(Plan(), environment.folder, environment.env)
        assert invocation is not None
        ended = await environment.run(invocation, output)
    try:
        reader.finish(ended, "the last words")
    except FailError as error:
        return tests, error
    return tests, None
