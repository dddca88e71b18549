"""One shard of a layer: some of its tests, in a clean environment of their own."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect import task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from flows.runtime.external_task import as_is
from flows.tasks.test.environments import LayerEnvironments
from shipway.code import Code
from shipway.pyramid.plan import Collected, Plan
from shipway.pyramid.results import CutOff, Shard, TestResult
from shipway.pyramid.run_shards import OnEvent, RunShard
from shipway.pyramid.schedule import ShardStart
from shipway.pytest_plugin.shipway_names import display_name
from shipway.runners.environment import Images, TestEnvironment
from shipway.test_tools.tool import Tool

LAST_LINES = 15
PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class ShardSpec:
    """What one shard runs, and whom it tells.

    Attributes:
        key: Name of its progress artifact.
        open_environment: Opens the environment that it runs in.
        tool: The test tool.
        plan: Which tests.
        on_event: Called with each result, and with what the tool has found, the moment it is known;
            once the shard is being ended, with what it was at.
        ends_at: When the layer's time is up, on the monotonic clock.
    """

    key: str
    open_environment: Callable[[], AbstractAsyncContextManager[TestEnvironment]]
    tool: Tool
    plan: Plan
    on_event: OnEvent
    ends_at: float


def shard_runner(name: str, code: Code, images: Images, tool: Tool, ends_at: float) -> RunShard:
    """What runs the shards of a layer, each in an environment of its own.

    Args:
        name: The layer.
        code: The revision.
        images: What the tests run in, and what they test.
        tool: The layer's tool.
        ends_at: When the layer's time is up, on the monotonic clock.
    """
    environments = LayerEnvironments(name, code, images)

    async def run(shard: ShardStart, on_event: OnEvent) -> Shard:
        if shard.retries is not None:
            log = get_run_logger()
            log.warning("%s failed and runs again, alone", display_name(shard.retries))
        key = f"{code.app}-{name}-{shard.number + 1}"

        def open_environment() -> AbstractAsyncContextManager[TestEnvironment]:
            return environments.open(shard.number)

        spec = ShardSpec(key, open_environment, tool, shard.plan, on_event, ends_at)
        return await run_shard(shard.title, as_is(spec))

    return run


class Progress:
    """How far a shard is."""

    def __init__(self) -> None:
        self.expected = 0
        self.done = 0
        self.seconds = 0.0
        self.over = False

    def count(self, event: TestResult | Collected) -> None:
        """Count a result, or learn how many there will be."""
        if isinstance(event, Collected):
            self.expected = event.count
        else:
            self.done += 1
            self.seconds += event.seconds

    @property
    def percent(self) -> float:
        """Share of the tests that are over; not every tool says beforehand how many there are."""
        if self.over:
            return 100.0
        return min(100.0, 100.0 * self.done / self.expected) if self.expected else 0.0


@task(task_run_name="{title}", cache_policy=NO_CACHE, persist_result=False)
async def run_shard(title: str, spec: ShardSpec) -> Shard:
    """Run a shard's tests, and tell of each as it is over.

    Raises:
        RefuseError: The test command cannot start, or a service's image cannot be pulled.
        FailError: The tool did not come to its end, or a service does not get ready.
    """
    log, begin = get_run_logger(), time.monotonic()
    loop = asyncio.get_running_loop()
    reader, progress = spec.tool.reader(), Progress()
    last_lines = deque[str](maxlen=LAST_LINES)

    def report(event: TestResult | Collected) -> None:
        progress.count(event)
        spec.on_event(event)

    newest = b"\n"

    def output(chunk: bytes) -> None:
        nonlocal newest
        newest = chunk
        for event in reader.feed(chunk):
            if isinstance(event, str):
                last_lines.append(event)
                log.info("%s", event)
            else:
                loop.call_soon_threadsafe(report, event)

    async with spec.open_environment() as environment:
        plan = spec.plan.model_copy(update={"seconds_left": spec.ends_at - time.monotonic()})
        invocation = spec.tool.invocation(plan, environment.folder, environment.env)
        if invocation is not None:
            async with _shown(progress, spec.key, title):
                try:
                    ended = await environment.run(invocation, output)
                except asyncio.CancelledError:
                    running = tuple(reader.running())
                    spec.on_event(CutOff(tests=running, last_words="\n".join(last_lines)))
                    raise
                if not newest.endswith(b"\n"):
                    # Nobody else will end the last line.
                    output(b"\n")
                # What the runner's thread has told of comes first.
                await asyncio.sleep(0)
                for test in reader.finish(ended, "\n".join(last_lines)):
                    report(test)
                progress.over = True
    seconds = time.monotonic() - begin
    log.info("%s: %d tests in %.1f s", title, progress.done, seconds)
    return Shard(tests=progress.done, test_seconds=progress.seconds, seconds=seconds)


@asynccontextmanager
async def _shown(progress: Progress, key: str, title: str) -> AsyncGenerator[None]:
    """Keep a progress artifact up to date; a shard that is over at once needs none."""
    artifact: UUID | None = None

    async def update() -> None:
        nonlocal artifact
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            if artifact is None:
                artifact = await acreate_progress_artifact(
                    progress.percent, key=key, description=title
                )
            else:
                await aupdate_progress_artifact(artifact, progress.percent)

    updates = asyncio.create_task(update())
    try:
        yield
    finally:
        updates.cancel()
        await asyncio.gather(updates, return_exceptions=True)
    if artifact is not None:
        await aupdate_progress_artifact(artifact, progress.percent)
