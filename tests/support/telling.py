"""A tool's command in a place, told of as a shard tells of it."""

from __future__ import annotations

from shipway.pyramid.plan import Collected, Plan
from shipway.pyramid.results import TestResult
from shipway.runners.environment import TestEnvironment
from shipway.test_tools.tool import Event, Tool

LAST_WORDS = 15


class Told:
    """What a tool told of one invocation.

    Attributes:
        lines: What its command printed.
        results: In the order they came; with those that were known at once marked by `at_once`.
        collected: How many tests the tool found.
        suites: Hashes of all tests there are.
        running: The tests that ran, each as it was told of last before it was over.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.results: list[TestResult] = []
        self.at_once = 0
        self.collected = 0
        self.suites: set[str] = set()
        self.running: dict[str, TestResult] = {}
        self.ended = -1

    def take(self, event: Event) -> None:
        """Note one event."""
        if isinstance(event, str):
            self.lines.append(event)
        elif isinstance(event, Collected):
            self.collected = event.count
            self.suites.add(event.suite)
        else:
            self.results.append(event)

    def outcomes(self) -> dict[str, str]:
        """What each test came to."""
        return {result.name: result.outcome for result in self.results}


async def tell(place: TestEnvironment, tool: Tool, plan: Plan, told: Told | None = None) -> Told:
    """Run what the tool asks for; what is left to run when the plan leaves nothing is an error."""
    told = told or Told()
    reader = tool.reader()

    def output(chunk: bytes) -> None:
        # Line by line: in one chunk, a test may both run and be over.
        for line in chunk.splitlines(keepends=True):
            for event in reader.feed(line):
                told.take(event)
            told.running |= {test.name: test for test in reader.running()}

    invocation = tool.invocation(plan, place.folder, place.env)
    assert invocation is not None
    ended = await place.run(invocation, output)
    told.ended = ended.status
    told.at_once = len(told.results)
    for event in reader.finish(ended, "\n".join(told.lines[-LAST_WORDS:])):
        told.take(event)
    return told
