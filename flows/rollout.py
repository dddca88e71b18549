"""Deploy: each step of the plan is a commit, applied by the agent, watched and judged."""

from __future__ import annotations

import time
from functools import partial
from typing import Literal

from prefect import flow

from flows.runtime.approval import Declined, ask_for_approval
from flows.runtime.notify import announce, record
from flows.runtime.overtaken import unless_overtaken
from flows.runtime.timeline import timeline
from flows.tasks.rollback.roll_back import roll_back_safely
from flows.tasks.rollout.commit_step import commit_step
from flows.tasks.rollout.dry_run import dry_run
from flows.tasks.rollout.in_force_since import in_force_since
from flows.tasks.rollout.live_pods import at_live_pods
from flows.tasks.rollout.preflight import check_fence, preflight
from flows.tasks.rollout.read_target import read_target
from flows.tasks.rollout.run_gates import check_gates, gate_trailers, run_gates
from flows.tasks.rollout.watch import apply_and_watch
from shipway import commands
from shipway.app_environment import AppEnvironment
from shipway.errors import BadVersionError, FailError, HaltError, RefuseError, ShipwayError
from shipway.release import Release
from shipway.reports.timeline import Timeline
from shipway.rollback.commit import Reason
from shipway.rollout.result import RolloutResult, StepCommit
from shipway.rollout.target import Target
from shipway.strategies.step import Step

Until = Literal["commit", "healthy"]

SHIPWAY = "shipway"


@flow(
    name="rollout",
    flow_run_name="rollout · {app_environment.app} {release.revision.short} → "
    "{app_environment.environment}",
)
async def rollout(
    app_environment: AppEnvironment, release: Release, until: Until = "healthy"
) -> RolloutResult:
    """Lead one environment to a release, step by step; goes on from where Git says that it is.

    Args:
        app_environment: Where it goes.
        release: What is released. Of what a rollback leads away from, nothing is kept.
        until: Stop at the first commit, or go on until the cluster runs the image and is healthy.
    """
    if release.cause.is_rollback:
        target = await read_target(app_environment)
    else:
        target = await check_release(app_environment, release)
    plan = target.plan(release.image, rollback=release.cause.is_rollback)
    if until == "commit":
        _, commit = await take_step(target, plan[0], release, {}, committed=False)
        return RolloutResult(commits=(commit,), served=None)
    return await run_plan(target, plan, release)


async def check_release(app_environment: AppEnvironment, release: Release) -> Target:
    """Ask what can refuse a release before anything is built, committed or asked of a person.

    A rollback from its image that a run before this one did not live to finish is gone on with.

    Returns:
        The environment as the release finds it.
    """
    found = await preflight(app_environment, release)
    if found.unfinished is not None:
        await rollout(app_environment, found.unfinished)
        found = await preflight(app_environment, release)
    await check_gates(found.target)
    return found.target


async def run_plan(target: Target, plan: list[Step], release: Release) -> RolloutResult:
    """Run the steps, and tell the team how it begins and ends, where there is something to do."""
    title, way_back = release.title(target.app_environment), release.cause.is_rollback
    is_new = any(step.edits for step in plan)
    # The first commit of a way back comes before its plan, and is told of there.
    if is_new and not way_back:
        await announce(target, release, "start", f"{title}: {len(plan)} steps")
    try:
        async with timeline(target.app_environment, release) as page:
            result = await run_steps(target, plan, release, page)
    except ShipwayError as error:
        what = "halt" if isinstance(error, HaltError) else "failure"
        await announce(target, release, what, str(error))
        raise
    if is_new or way_back:
        await announce(target, release, "done", f"{title}: {result.served}")
    return result


async def run_steps(
    target: Target, plan: list[Step], release: Release, page: Timeline
) -> RolloutResult:
    """Take the steps one after the other; roll back from a version that turns out bad.

    Raises:
        FailError: The version is bad, or a person did not approve it.
        HaltError: Neither going on nor going back is safe.
        RefuseError: Somebody else has taken the environment over.
    """
    whose = target.app_environment
    commits: list[StepCommit] = []
    served: str | None = None
    notes: dict[str, str] = {}
    for planned in plan:
        begun = bool(commits)
        step, commit = await take_step(target, planned, release, notes, committed=begun)
        commits.append(commit)
        page.begin_step(step, commit)
        try:
            waits = apply_and_watch(target, commit, step, partial(waited, target, release, page))
            served = await unless_overtaken(whose, release, waits, committed=True)
            page.reached(step)
            judged = judge_step(target, step, release, commit, page)
            notes = await unless_overtaken(whose, release, judged, committed=True)
        except BadVersionError as red:
            page.failed(red)
            record(target, release, "red", str(red), step=step.name)
            if release.cause.is_rollback or target.rollout.on_failure == "halt":
                raise
            failure = await roll_back_after(red, target, release, by=SHIPWAY)
            if failure is not red:
                page.rolled_back(failure)
            raise failure from red
        page.end_step()
        if commit.new:
            words = f"{step.name}: {served}"
            record(target, release, "step", words, share=step.share, commit=commit.commit)
    return RolloutResult(commits=tuple(commits), served=served)


def waited(target: Target, release: Release, page: Timeline, words: str) -> None:
    """Tell what keeps the cluster from getting there, and once that is over."""
    page.waited(words)
    record(target, release, "waits", words)


async def take_step(
    target: Target, planned: Step, release: Release, notes: dict[str, str], *, committed: bool
) -> tuple[Step, StepCommit]:
    """Commit a step that nothing refuses, and that a person has approved where one has to.

    What can refuse it is asked before the person, while the person thinks, and once more after.

    Args:
        target: The environment.
        planned: The step.
        release: What is released.
        notes: Trailers: what gates and people said up to now.
        committed: Whether an earlier step of it is committed.

    Returns:
        The step, with as many pods as the load needs now; and its commit.

    Raises:
        FailError: The person did not approve.
        HaltError: Nobody answered, or an autoscaler has left the version too few pods.
        RefuseError: Somebody else has taken the environment over.
    """
    target, step = await at_live_pods(target, planned, release)
    await dry_run(target, step, release)
    if step.approval and step.edits:
        await check_fence(target, release)
        asks = ask_for_approval(target, step, release, notes)
        answer = await unless_overtaken(target.app_environment, release, asks, committed=committed)
        if isinstance(answer, Declined):
            raise await roll_back_after(answer.error(step), target, release, by=answer.who)
        notes = notes | answer
        target, step = await at_live_pods(target, planned, release)
        await dry_run(target, step, release)
    return step, await commit_step(target, step, release, notes)


async def judge_step(
    target: Target, step: Step, release: Release, commit: StepCommit, page: Timeline
) -> dict[str, str]:
    """Run the gates of a step, if it has any; return what they say as trailers of the next one."""
    if step.gates is None:
        return {}
    # What this run has committed came to the cluster before its eyes, just now.
    since = time.monotonic() if commit.new else await in_force_since(target, step, commit)
    passed = await run_gates(target, step, release.image, since, page.measured)
    return gate_trailers(passed)


async def roll_back_after(
    failure: FailError, target: Target, release: Release, *, by: str
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
    await rollout(target.app_environment, earlier)
    held = rollback.from_revision
    remedy = (
        f"{target.environment} is back at {earlier.revision.short}; {held[:12]} is on hold until "
        f"{commands.clear_hold(target.app_environment, held)}: release a revision that mends it"
    )
    return FailError(failure.what, **failure.facts | {"remedy": remedy})
