"""Deploy: the steps of a plan lead an environment to a release, and back from a bad one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

from prefect import flow
from prefect.states import Completed

from flows.runtime.approval import DeclinedError
from flows.runtime.freeze import wait_for_end
from flows.runtime.notify import announce
from flows.runtime.question import Question
from flows.runtime.suspension import Waits, has_begun, suspendable
from flows.runtime.timeline import timeline
from flows.steps.run_steps import run_steps
from flows.steps.take_step import take_step
from flows.tasks.rollback.roll_back import roll_back_safely
from flows.tasks.rollout.check_rendered import check_rendered
from flows.tasks.rollout.jobs import check_jobs
from flows.tasks.rollout.preflight import preflight
from flows.tasks.rollout.read_target import read_target
from flows.tasks.rollout.run_gates import check_gates
from shipway import commands
from shipway.app_environment import AppEnvironment
from shipway.errors import BadVersionError, FailError, HaltError, RefuseError, ShipwayError
from shipway.release import Release
from shipway.reports.timeline import Timeline
from shipway.rollback.commit import Reason
from shipway.rollout.result import RolloutResult
from shipway.rollout.target import Target
from shipway.strategies.step import Step

Until = Literal["commit", "healthy"]
ReleaseUntil = Literal["image", "commit", "healthy"]

SHIPWAY = "shipway"


@flow(
    name="rollout",
    flow_run_name="rollout · {app_environment.app} {release.revision.short} → "
    "{app_environment.environment}",
    # It is done again where the run that people started is resumed, whatever it came to before.
    persist_result=False,
)
async def rollout(
    app_environment: AppEnvironment, release: Release, until: Until = "healthy"
) -> Any:
    """Lead one environment to a release, step by step; goes on from where Git says that it is.

    Its callers want `roll_out`.

    Args:
        app_environment: Where it goes.
        release: What is released. Of what a rollback leads away from, nothing is kept.
        until: Stop at the first commit, or go on until the cluster runs the image and is healthy.

    Returns:
        The result, or the question that a person has to answer before.
    """
    try:
        return await lead(app_environment, release, until)
    except Waits as waits:
        # Nothing has failed. Prefect hands the caller the data of a state.
        return Completed(name="Waits", message=str(waits), data=waits.question)


async def roll_out(
    app_environment: AppEnvironment, release: Release, until: Until = "healthy"
) -> RolloutResult:
    """Lead one environment to a release, as a subflow; the arguments are those of `rollout`.

    Raises:
        Waits: A person has to answer before, and the run can be suspended until then.
    """
    result: RolloutResult | Question = await rollout(app_environment, release, until)
    if isinstance(result, Question):
        raise Waits(result)
    return result


async def lead(app_environment: AppEnvironment, release: Release, until: Until) -> RolloutResult:
    """Check a release, plan it, and run the plan or its first step."""
    if release.cause.is_rollback:
        target = await read_target(app_environment)
    else:
        target = await check_release(app_environment, release)
    plan = target.plan(release.image, rollback=release.cause.is_rollback)
    if until == "commit":
        page = Timeline(release.title(app_environment))
        async with gone_back_if_bad(target, release, page):
            _, commit = await take_step(target, plan[0], release, {}, page, {})
        return RolloutResult(commits=(commit,), served=None)
    return await run_plan(target, plan, release)


async def check_release(
    app_environment: AppEnvironment, release: Release, *, built: bool = True
) -> Target:
    """Ask what can refuse a release before anything is built, committed or asked of a person.

    A rollback from its image that a run before this one did not live to finish is gone on with.
    Where releases wait for the end of a freeze, an image is built and tested before.

    Args:
        app_environment: Where it goes.
        release: What is released.
        built: Whether its image is there.

    Returns:
        The environment as the release finds it.

    Raises:
        Waits: A freeze has to end before, and the run can be suspended until then.
    """
    waits = suspendable() is not None
    found = await preflight(app_environment, release, waits=waits)
    if found.unfinished is not None:
        await roll_out(app_environment, found.unfinished)
        found = await preflight(app_environment, release, waits=waits)
    if found.frozen is not None and built:
        raise await wait_for_end(found.target, release, found.frozen)
    await check_gates(found.target)
    if found.jobs.in_order:
        await check_jobs(found.target, release, found.jobs, built=built)
    plan = found.target.plan(release.image)
    await check_rendered(found.target, plan, release.revision.commit)
    return found.target


async def run_plan(target: Target, plan: list[Step], release: Release) -> RolloutResult:
    """Run the steps, and tell the team how it begins and ends, where there is something to do."""
    title, way_back = release.title(target.app_environment), release.cause.is_rollback
    is_new = any(step.edits for step in plan)
    # The first commit of a way back comes before its plan, and is told of there.
    if is_new and not way_back and not has_begun(release):
        await announce(target, release, "start", f"{title}: {len(plan)} steps")
    try:
        async with (
            timeline(target.app_environment, release) as page,
            gone_back_if_bad(target, release, page),
        ):
            result = await run_steps(target, plan, release, page)
    except ShipwayError as error:
        what = "halt" if isinstance(error, HaltError) else "failure"
        await announce(target, release, what, str(error))
        raise
    if is_new or way_back or any(commit.new for commit in result.commits):
        await announce(target, release, "done", f"{title}: {result.served}")
    return result


@asynccontextmanager
async def gone_back_if_bad(
    target: Target, release: Release, page: Timeline
) -> AsyncGenerator[None]:
    """Lead the environment back from a version that turns out bad, or is not approved, within.

    A bad version stays where rollout.yaml wants it to halt, and where it is the way back.

    Raises:
        FailError: What is wrong, and what has become of the environment.
    """
    try:
        yield
    except DeclinedError as no:
        page.failed(no)
        raise await go_back_from(no, target, release, page, by=no.who) from no
    except BadVersionError as red:
        if release.cause.is_rollback or target.rollout.on_failure == "halt":
            raise
        raise await go_back_from(red, target, release, page, by=SHIPWAY) from red


async def go_back_from(
    failure: FailError, target: Target, release: Release, page: Timeline, *, by: str
) -> FailError:
    """Lead an environment back from a release; return the error that says all of it.

    Where Git has nothing of that release yet, or had none before it, there is nothing to roll back.
    """
    current = await read_target(target.app_environment)
    if str(release.image) not in current.current.values():
        return failure
    reason = Reason(why=f"{failure.what} {failure.facts['got'] or ''}", by=by)
    try:
        rollback = (await roll_back_safely(target, None, reason)).target
    except RefuseError:
        return failure
    earlier = rollback.release
    await roll_out(target.app_environment, earlier)
    held = rollback.from_revision
    remedy = (
        f"{target.environment} is back at {earlier.revision.short}; {held[:12]} is on hold until "
        f"{commands.clear_hold(target.app_environment, held)}: release a revision that mends it"
    )
    back = FailError(failure.what, **failure.facts | {"remedy": remedy})
    page.rolled_back(back)
    return back
