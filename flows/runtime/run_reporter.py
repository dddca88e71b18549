"""What people see of a run while it goes on and when it is over: progress, report, status."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from prefect.artifacts import (
    Artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.runtime.beside import do_beside, do_if_possible
from flows.runtime.commit_status import ATTEMPTS, NOT_TOLD, RunStatus
from flows.runtime.run_link import artifact_link, known_root_run
from flows.runtime.run_name import name_this_run
from flows.runtime.suspension import Waits, report_before
from flows.runtime.tag_run import tag_this_run
from flows.runtime.timeline import timeline_key
from flows.runtime.told_to_end import ended_when_told
from shipway.app_environment import AppEnvironment
from shipway.config.pipeline import Tests
from shipway.git.revision import Revision
from shipway.image_ref import ImageRef
from shipway.log_fields import add_field, log_about
from shipway.parameters import check_names
from shipway.pyramid.results import LayerResult, RedLayerError
from shipway.registry import Pushed
from shipway.reports.junit import pack
from shipway.reports.release import Report, render
from shipway.reports.what_runs import TITLE
from shipway.rollout.result import RolloutResult
from shipway.rollout.status import WHAT_RUNS
from shipway.test_tools.junit_xml import write_junit

Result = TypeVar("Result")

# Shares of a run that people see move, in percent; a stage that is not needed counts at the end.
SHARES = {"code": 5.0, "build": 25.0, "release": 10.0, "deploy": 15.0}
JUNIT = "JUnit XML of all layers, for `shipway watch RUN --junit FILE`"
# What is left is the pyramid's: each layer's share is its weight's.
TESTS_SHARE = 100 - sum(SHARES.values())


class RunReporter:
    """Times the stages of one run and keeps its artifacts up to date."""

    def __init__(self, app_environment: AppEnvironment, progress: UUID) -> None:
        app, environment = app_environment.app, app_environment.environment
        before = report_before()
        self.report = before.resumed() if before else Report(app=app, environment=environment)
        self._app_environment = app_environment
        # The time that a run waits without a process is not its own.
        self._started = time.monotonic() - self.report.seconds
        self._progress = progress
        self._shares = dict(SHARES)
        self._showing = asyncio.Lock()
        self._status = RunStatus(app_environment)

    async def timed(self, stage: str, work: Awaitable[Result]) -> Result:
        """Await a stage's work, note how long it took, and move the progress on."""
        begin = self._now()
        try:
            result = await work
        except BaseException:
            self.report.add_stage(stage, begin, self._now(), done=False)
            raise
        self.report.add_stage(stage, begin, self._now(), done=True)
        if stage == "build":
            self.report.built = 1
        do_beside(self._show_progress(), "The progress of this run is not shown")
        return result

    def releases(
        self, revision: Revision, tests: Tests | None = None, title: str | None = None
    ) -> None:
        """Note what is being released and which tests it has, and name the run by it or a title."""
        self.report.revision = revision
        add_field("revision", revision.commit)
        if tests is not None:
            self._shares |= {name: TESTS_SHARE * tests.weight(name) for name in tests.layers}
        naming = name_this_run(title or self.report.title)
        do_beside(naming, "This run keeps the name that it began with")
        do_beside(self._status.show(revision.commit, "pending", "Under way"), NOT_TOLD)

    async def verified(self, layer: str, work: Awaitable[LayerResult]) -> None:
        """Await a layer, and note what it came to; of a red one, what it came to so far."""
        try:
            self.report.layers.append(await self.timed(layer, work))
        except RedLayerError as error:
            if error.result is not None:
                self.report.layers.append(error.result)
            raise

    def pushed(self, pushed: Pushed) -> None:
        """Note whether an image was pushed."""
        self.report.pushed = int(pushed.new)

    def stopped_at(self, image: ImageRef) -> None:
        """Note the image of a run that goes no further; a forge shows that it is not released."""
        self.report.image = image
        self.report.state = "pending"

    def rolled_out(self, image: ImageRef, result: RolloutResult) -> None:
        """Note the image, the commits, and what the cluster then served."""
        last = result.commits[-1]
        self.report.image = image
        self.report.commit, self.report.commit_link = last.commit, last.link
        self.report.committed = sum(commit.new for commit in result.commits)
        self.report.what_changed = result.what_changed
        self.report.served = result.served

    def completed(self) -> State[None]:
        """The state of a run that is done; it says what the run came to."""
        return Completed(message=self.report.outcome)

    async def close(self, error: BaseException | None) -> None:
        """Write the report, whatever the run came to."""
        report = self.report
        report.seconds = self._now()
        if isinstance(error, Waits):
            report.suspended_by(error)
            error.report = report
        elif error is not None:
            report.ended_by(error)
        key = f"{report.app}-{report.environment}"
        title = report.title
        page = f"{render(report)}\n\n{self._links()}"
        artifacts: list[Awaitable[Any]] = [
            acreate_markdown_artifact(page, key=f"{key}-report", description=title),
            acreate_table_artifact([report.row()], key=f"{key}-summary", description=title),
        ]
        if report.layers:
            packed = pack(write_junit(report.layers))
            tests = Artifact(type="junit", key=f"{key}-junit", data=packed, description=JUNIT)
            artifacts.append(tests.acreate())
        await asyncio.gather(*artifacts)
        await self._show_outcome()
        if error is None:
            do_beside(self._show_progress(100.0), "The progress of this run is not shown")

    def _links(self) -> str:
        """What people look at next, as Markdown."""
        links = [artifact_link(WHAT_RUNS, TITLE)]
        if any(stage.name == "deploy" for stage in self.report.stages):
            links.insert(0, artifact_link(timeline_key(self._app_environment), "Timeline"))
        return " · ".join(links)

    async def _show_outcome(self) -> None:
        """Have the forge show what the run came to."""
        report = self.report
        if report.revision is None:
            return
        outcome = (report.revision.commit, report.state, report.sentence)
        if report.cancelled:
            # Nobody waits for what goes on beside a run that is told to end.
            await do_if_possible(self._status.show(*outcome), NOT_TOLD)
        else:
            do_beside(self._status.show(*outcome, attempts=ATTEMPTS), NOT_TOLD)

    async def _show_progress(self, percent: float | None = None) -> None:
        # One after the other, each with what is true by then: the last one to come is right.
        async with self._showing:
            done = sum(self._shares[stage.name] for stage in self.report.stages if stage.done)
            await aupdate_progress_artifact(self._progress, done if percent is None else percent)

    def _now(self) -> float:
        return time.monotonic() - self._started


@asynccontextmanager
async def report_run(app_environment: AppEnvironment) -> AsyncGenerator[RunReporter]:
    """Report on the current run; the report is written however it ends.

    Raises:
        RefuseError: App or environment is no name.
    """
    app, environment = app_environment.app, app_environment.environment
    check_names(app=app, environment=environment)
    tag_this_run(app, environment)
    progress = await acreate_progress_artifact(
        0.0, key=f"{app}-{environment}-progress", description=f"Progress of {app} → {environment}"
    )
    reporter = RunReporter(app_environment, progress)
    try:
        with (
            known_root_run(),
            ended_when_told(),
            log_about(app=app, environment=environment),
        ):
            yield reporter
    except BaseException as error:
        await reporter.close(error)
        raise
    await reporter.close(None)
