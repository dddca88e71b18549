"""What starts next in a run of a layer: its shards, retries of failed tests, new tests again."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from shipway.pyramid.layer_run import LayerRun
from shipway.pyramid.plan import Collected, Plan
from shipway.pyramid.results import CutOff, Shard, TestResult
from shipway.pytest_plugin.shipway_names import display_name


class ShardStart(BaseModel):
    """A shard that is to start.

    Attributes:
        number: Of the shard in the run of its layer, from 0.
        title: What people see of it.
        plan: Which tests it runs.
        retries: The test that failed and runs again in it; a shard of any other kind retries none.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    title: str
    plan: Plan
    retries: str | None = None


class Schedule:
    """Is told what shards tell, and answers with the shards to start.

    Args:
        layer: The layer's name.
        layer_run: Takes the results.
        unit_of: What the test tool is asked for to run a test again.

    Attributes:
        running: How many shards have started and are not over.
        shards: The shards of the layer that came to their end; retries and repeats are none.
        red: Whether a failure came in that counts.
        cut_off: What the shards were at that were ended.
    """

    def __init__(
        self, layer: str, layer_run: LayerRun, unit_of: Callable[[TestResult], str]
    ) -> None:
        self.layer_run = layer_run
        self.running = 0
        self.shards: list[Shard] = []
        self.red = False
        self.cut_off: list[CutOff] = []
        self._layer = layer
        self._unit_of = unit_of
        self._started = 0
        self._suites: set[str] = set()
        self._passed: list[TestResult] = []
        self._retried: set[tuple[str, int]] = set()
        self._to_repeat: list[TestResult] = []
        self._repeats = 1

    def first_shards(self, plan: Plan, shards: int) -> list[ShardStart]:
        """The shards that share the layer's tests."""
        return [
            self._start(
                f"{self._layer}, shard {number + 1}/{shards}",
                plan.model_copy(update={"shard": number, "shards": shards}),
            )
            for number in range(shards)
        ]

    def record(self, shard: ShardStart, event: TestResult | Collected) -> list[ShardStart]:
        """Note what a shard tells; start a failed test's retry at once.

        A retry may run more tests than the one it is for: those do not count.
        """
        only = shard.plan.only
        if isinstance(event, Collected):
            if only is None:
                self._suites.add(event.suite)
            return []
        if only is not None and self._unit_of(event) not in only:
            return []
        step = self.layer_run.record(event)
        if step == "again":
            return self._again(event)
        if step == "red":
            self.red = True
        elif self.layer_run.result(event.name).outcome == "passed":
            self._passed.append(event)
        return []

    def end(self, shard: ShardStart, summary: Shard | None) -> list[ShardStart]:
        """Note that a shard is over; after the last one, new tests run once more.

        Args:
            shard: The shard.
            summary: How it went, if it came to its end.
        """
        self.running -= 1
        if summary is not None and shard.plan.only is None:
            self.shards.append(summary)
        if self.running or not self._to_repeat:
            return []
        units = tuple(self._unit_of(test) for test in self._to_repeat)
        self._to_repeat = []
        self._repeats += 1
        title = f"{self._layer}, new tests, run {self._repeats}"
        return [self._start(title, Plan(only=units))]

    def take_passed(self) -> list[TestResult]:
        """The tests that have passed since the last call."""
        passed, self._passed = self._passed, []
        return passed

    @property
    def suites_differ(self) -> bool:
        """Whether two shards found different tests, so that some may have run in none."""
        return len(self._suites) > 1

    def _again(self, test: TestResult) -> list[ShardStart]:
        """A failed test runs again at once and alone; a new one that passed, with the others."""
        if test.outcome != "failed":
            self._to_repeat.append(test)
            return []
        unit = self._unit_of(test)
        # Two tests of one file may fail in one run of it: that file runs again once.
        retry = (unit, len(self.layer_run.runs[test.name]))
        if retry in self._retried:
            return []
        self._retried.add(retry)
        title = f"{self._layer}, retry {display_name(test.name)}"
        return [self._start(title, Plan(only=(unit,)), retries=test.name)]

    def _start(self, title: str, plan: Plan, retries: str | None = None) -> ShardStart:
        shard = ShardStart(number=self._started, title=title, plan=plan, retries=retries)
        self._started += 1
        self.running += 1
        return shard
