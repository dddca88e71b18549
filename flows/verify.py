"""Test: one layer of the pyramid, in shards, as a subflow that bears the layer's name."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress

from prefect import flow
from prefect.logging import get_run_logger

from blocks.ledger import Ledger
from flows.runtime.external_task import as_is
from flows.runtime.load_block import load_block
from flows.runtime.open_runner import open_runner
from flows.runtime.run_link import address_of
from flows.tasks.test.environments import LayerEnvironments
from flows.tasks.test.ledger import read_ledger, write_ledger
from flows.tasks.test.run_shard import ShardSpec, run_shard, timed_out
from shipway.code import Code
from shipway.concurrency import fail_fast_group, shielded
from shipway.config.pipeline import Layer
from shipway.errors import FailError, RetryError, ShipwayError
from shipway.ledger.layer_history import LayerHistory
from shipway.ledger.session import TestRun
from shipway.pyramid.layer_run import LayerRun
from shipway.pyramid.layer_verdict import judge
from shipway.pyramid.plan import Collected, Plan
from shipway.pyramid.results import LayerResult, RedLayerError, Shard, TestResult
from shipway.pyramid.rules import rules_of
from shipway.pytest_plugin.shipway_names import display_name, ledger_name
from shipway.pytest_plugin.shipway_split import shard_count
from shipway.runners.environment import Images
from shipway.test_tools.registry import TOOLS

# A container and a start of the test tool cost about a second.
LEAST_SHARD_SECONDS = 5.0
FLUSH_SECONDS = 0.5


@flow(name="layer", flow_run_name="{name} · {code.app} {code.revision.short}")
async def verify(name: str, code: Code, images: Images, *, fresh: bool = False) -> LayerResult:
    """Run a layer's tests, unless they were green with the same inputs before.

    Args:
        name: The layer.
        code: The revision.
        images: What the tests run in, and what they test.
        fresh: Run every test to its end, whatever is known; a failure stops nothing.

    Raises:
        RedLayerError: The layer is red.
    """
    before = await read_ledger(name, code, images, fresh=fresh)
    if before.green is not None:
        since = address_of(str(before.green.cached))
        get_run_logger().info("The %s layer was green with the same inputs: %s", name, since)
        return before.green.model_copy(update={"cached": since})
    shards = await _shards(name, code, before)
    return await Run(name, code, images, before, fresh=fresh).to_its_end(shards)


async def _shards(name: str, code: Code, before: LayerHistory) -> int:
    """How many shards: as the team says, or from recorded times and the layer's share of slots."""
    layer = code.pipeline.tests.layers[name]
    if layer.shards != "auto":
        return layer.shards
    if not layer.splits:
        return 1
    slots = await (await open_runner(layer.runner)).slots()
    share = max(1, round(slots * code.pipeline.tests.weight(name)))
    left = [one.seconds for key, one in before.known.items() if key not in before.passed]
    return shard_count([one for one in left if one is not None], share, LEAST_SHARD_SECONDS)


class Run:
    """One run of a layer: starts shards, retries and repeats, and keeps what they tell."""

    def __init__(
        self, name: str, code: Code, images: Images, before: LayerHistory, *, fresh: bool
    ) -> None:
        self._name = name
        self._code = code
        self._before = before
        self._fresh = fresh
        self._layer: Layer = code.pipeline.tests.layers[name]
        live = not (fresh or self._layer.retries or self._layer.quarantine)
        tool = TOOLS[self._layer.tool_name]
        self._tool = tool.create(self._layer.tool_settings, code.folder, fail_fast=live)
        proven = {key: one.proven for key, one in before.known.items()}
        self._course = LayerRun(rules_of(self._layer), proven, before.passed)
        self._told: asyncio.Queue[TestResult | Collected | None] = asyncio.Queue()
        self._unsaved: list[TestResult] = []
        self._repeat: list[TestResult] = []
        self._shards: list[Shard] = []
        self._suites: set[str] = set()
        self._problem: ShipwayError | None = None
        self._retried: set[tuple[str, int]] = set()
        self._numbers = itertools.count()
        self._open = 0
        self._environments = LayerEnvironments(name, code, images)
        self._begin = time.monotonic()

    async def to_its_end(self, shards: int) -> LayerResult:
        """Run every test; a failure that counts stops all of it at once, unless `fresh`."""
        strict = self._layer.over_budget == "fail"
        budget = self._code.pipeline.tests.budget_seconds_of(self._name)
        limit = min(budget, self._layer.timeout_seconds) if strict else self._layer.timeout_seconds
        green = over = False
        try:
            try:
                async with asyncio.timeout(limit):
                    await self._run_all(shards)
            except TimeoutError:
                key = "budget_seconds" if limit < self._layer.timeout_seconds else "timeout_seconds"
                self._problem = timed_out(" ".join(self._layer.command), limit, key)
            except RedLayerError:
                raise
            except FailError as problem:
                self._problem = problem
            result = judge(self._result(), self._code, self._tool, self._problem)
            over = True
            plain = {"passed", "skipped"}
            green = not self._fresh and {one.outcome for one in result.tests} <= plain
            self._warn(result)
            return result
        except ShipwayError as error:
            # What somebody else's fault cut off goes on where it was.
            over = not isinstance(error, RetryError)
            raise
        finally:
            # What another run of the same inputs has noted so far is that run's.
            await shielded(self._write_down(over=over and not self._fresh, green=green))

    async def _run_all(self, shards: int) -> None:
        plan = self._plan()
        async with fail_fast_group() as group:
            saving = group.create_task(self._save_while_it_runs())
            for number in range(shards):
                title = f"{self._name}, shard {number + 1}/{shards}"
                part = plan.model_copy(update={"shard": number, "shards": shards})
                self._start(group, title, part)
            await self._follow(group)
            for turn in range(1, self._layer.new_tests):
                if self._repeat:
                    names = tuple(self._tool.unit_of(one) for one in self._repeat)
                    self._repeat = []
                    title = f"{self._name}, new tests, run {turn + 1}"
                    self._start(group, title, plan.model_copy(update={"only": names}))
                    await self._follow(group)
            saving.cancel()
        if len(self._suites) > 1:
            raise FailError(
                "The shards found different tests, so that some may have run in none.",
                where=" ".join(self._layer.command),
                expected="the same tests in every shard",
                remedy="make the suite's parameters the same each time it is collected, "
                "or set the layer's shards: 1",
            )

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        """Take what shards tell until the last one is done."""
        while self._open:
            told = await self._told.get()
            if told is None:
                self._open -= 1
            elif isinstance(told, Collected):
                self._suites.add(told.suite)
            elif (step := self._course.take(told)) == "again":
                self._again(group, told)
            elif step == "red" and not self._fresh:
                # Leaving the group cancels every shard, and what the caller runs beside the layer.
                judge(self._result(), self._code, self._tool, None)
            elif step == "done" and self._course.result(told.name).outcome == "passed":
                self._unsaved.append(told)

    def _again(self, group: asyncio.TaskGroup, test: TestResult) -> None:
        """Run a failed test alone and at once; a new one that passed, later with the others."""
        if test.outcome != "failed":
            self._repeat.append(test)
            return
        alone = self._tool.unit_of(test)
        # Two tests of one file may fail in one run of it: that file runs again once.
        retry = (alone, len(self._course.runs[test.name]))
        if retry not in self._retried:
            get_run_logger().warning("%s failed and runs again, alone", display_name(test.name))
            self._retried.add(retry)
            self._start(
                group, f"{self._name}, retry {display_name(test.name)}", Plan(only=(alone,))
            )

    def _start(self, group: asyncio.TaskGroup, title: str, plan: Plan) -> None:
        number = next(self._numbers)
        key = f"{self._code.app}-{self._name}-{number + 1}"

        def tell(event: TestResult | Collected) -> None:
            if plan.only is None or (
                isinstance(event, TestResult) and self._tool.unit_of(event) in plan.only
            ):
                self._told.put_nowait(event)

        part = ShardSpec(key, lambda: self._environments.open(number), self._tool, plan, tell)
        self._open += 1
        group.create_task(self._shard(title, part))

    async def _shard(self, title: str, part: ShardSpec) -> None:
        try:
            done = await run_shard(title, part)
            if part.plan.only is None:
                self._shards.append(done)
        except ShipwayError as error:
            if not self._fresh:
                raise
            self._problem = self._problem or error
        finally:
            self._told.put_nowait(None)

    def _plan(self) -> Plan:
        """What is left to run, and what it took before, by what the tool asks for."""
        seconds: dict[str, float] = {}
        open_: set[str] = set()
        for key, one in self._before.known.items():
            seconds[one.unit] = seconds.get(one.unit, 0.0) + (one.seconds or 0.0)
            if key not in self._before.passed:
                open_.add(one.unit)
        units = {key: one.unit for key, one in self._before.known.items()}
        done = {units.get(key, key) for key in self._before.passed} - open_
        return Plan(done=tuple(sorted(done)), seconds=seconds, split=self._layer.split)

    def _result(self) -> LayerResult:
        tests = self._code.pipeline.tests
        found = (self._told_to_people(one) for one in self._course.results())
        return LayerResult(
            layer=self._name,
            weight=100 * tests.weight(self._name),
            budget_seconds=tests.budget_seconds_of(self._name),
            tests=tuple(found),
            seconds=time.monotonic() - self._begin,
            shards=tuple(self._shards),
        )

    def _warn(self, result: LayerResult) -> None:
        """Say what fails nothing, but should not stay so."""
        log = get_run_logger()
        if result.over_budget:
            took = self._name, result.seconds, result.budget_seconds
            log.warning("The %s layer took %.1f s, over its budget of %.1f s", *took)
        for name in sorted(
            set(self._layer.quarantine).difference(one.name for one in result.tests)
        ):
            log.warning("The quarantine names %s, and there is no such test", display_name(name))

    def _told_to_people(self, test: TestResult) -> TestResult:
        """With how to run it alone, and who knows of it; what a passed test printed is no news."""
        if test.outcome in {"passed", "skipped"}:
            return test.model_copy(update={"output": ""})
        known = self._layer.quarantine.get(test.name)
        about = f"{known.owner} until {known.until}: {known.reason}" if known else test.message
        said = about if test.outcome == "quarantined" else test.message
        return test.model_copy(
            update={"message": said, "local_command": self._tool.local_command(test)}
        )

    async def _save_while_it_runs(self) -> None:
        """Keep what is green, so that after a kill only the rest runs again."""
        while not self._fresh:
            await asyncio.sleep(FLUSH_SECONDS)
            if tests := self._unsaved:
                self._unsaved = []
                with suppress(RetryError):
                    async with (await load_block(Ledger)).open() as book:
                        await book.note_passed(self._before.inputs, tests)

    async def _write_down(self, *, over: bool, green: bool) -> None:
        ran = [
            TestRun(
                unit=ledger_name(self._tool.unit_of(runs[0])),
                runs=tuple(runs),
                result=self._course.result(name),
                proven=self._course.has_proven_itself(name),
            )
            for name, runs in self._course.runs.items()
        ]
        inputs, result = self._before.inputs, self._result()
        noted = write_ledger(as_is(result), self._code, inputs, as_is(ran), over=over, green=green)
        await noted
