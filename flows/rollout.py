"""Deploy: each step of the plan is a commit, applied by the agent, watched and judged."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal

from prefect import flow
from prefect.states import Completed

from flows.runtime.approval import Declined, ask_for_approval
from flows.runtime.beside import do_beside
from flows.runtime.freeze import wait_for_end, waiting_for_end
from flows.runtime.notify import announce, record
from flows.runtime.opened_run import opened_run_log
from flows.runtime.overtaken import unless_overtaken
from flows.runtime.question import Question
from flows.runtime.suspension import Waits, commits_before, has_begun, suspendable
from flows.runtime.timeline import timeline
from flows.tasks.agent.external_agent import ask_agent
from flows.tasks.rollback.roll_back import roll_back_safely
from flows.tasks.rollout.commit_step import commit_step
from flows.tasks.rollout.done import commit_done, is_awaited
from flows.tasks.rollout.dry_run import dry_run
from flows.tasks.rollout.in_force_since import in_force_since
from flows.tasks.rollout.jobs import (
    check_jobs,
    commit_jobs_after,
    find_jobs_left,
    let_jobs_go,
    run_job,
)
from flows.tasks.rollout.live_pods import at_live_pods
from flows.tasks.rollout.preflight import check_fence, preflight
from flows.tasks.rollout.read_target import read_target
from flows.tasks.rollout.run_gates import check_gates, gate_trailers, run_gates
from flows.tasks.rollout.watch import apply_and_watch
from flows.tasks.waiting import NOT_LOOKED_AFTER, look_after_waiting
from shipway import commands
from shipway.app_environment import AppEnvironment
from shipway.config.jobs import JobWhen
from shipway.errors import BadVersionError, FailError, HaltError, RefuseError, ShipwayError
from shipway.release import Release
from shipway.reports.timeline import Timeline
from shipway.rollback.commit import Reason
from shipway.rollout.release_job import RanJob, job_trailers, judge_job
from shipway.rollout.result import RolloutResult, StepCommit
from shipway.rollout.target import Target
from shipway.strategies.step import Step

Until = Literal["commit", "healthy"]
ReleaseUntil = Literal["image", "commit", "healthy"]

SHIPWAY = "shipway"
JOBS_STAY = "What ran for this release stays in the cluster until somebody deletes it"


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
    return found.target


async def run_plan(target: Target, plan: list[Step], release: Release) -> RolloutResult:
    """Run the steps, and tell the team how it begins and ends, where there is something to do."""
    title, way_back = release.title(target.app_environment), release.cause.is_rollback
    is_new = any(step.edits for step in plan)
    # The first commit of a way back comes before its plan, and is told of there.
    if is_new and not way_back and not has_begun(release):
        await announce(target, release, "start", f"{title}: {len(plan)} steps")
    try:
        async with timeline(target.app_environment, release) as page:
            result = await run_steps(target, plan, release, page)
    except ShipwayError as error:
        what = "halt" if isinstance(error, HaltError) else "failure"
        await announce(target, release, what, str(error))
        raise
    if is_new or way_back or any(commit.new for commit in result.commits):
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
    # What was gone back to goes nowhere else by itself. Git is asked while nothing is at stake.
    awaited = not release.cause.is_rollback and await is_awaited(target)
    commits = commits_before(release)
    served: str | None = None
    notes: dict[str, str] = {}
    for planned in plan:
        is_told = planned.name in commits
        step, found = await take_step(target, planned, release, notes, page, commits)
        # What this run committed before it was suspended, it only finds now.
        commit = commits.setdefault(planned.name, found)
        page.begin_step(step, commit)
        async with rolled_back_if_bad(target, release, page, step.name):
            waits = apply_and_watch(target, found, step, partial(waited, target, release, page))
            served = await unless_overtaken(whose, release, waits, committed=True)
            page.reached(step)
            judged = judge_step(target, step, release, found, page)
            notes = await unless_overtaken(whose, release, judged, committed=True)
        page.end_step()
        if commit.new and not is_told:
            words = f"{step.name}: {served}"
            record(target, release, "step", words, share=step.share, commit=commit.commit)
    done = [*commits.values()]
    async with rolled_back_if_bad(target, release, page, "after"):
        ran = await run_jobs(target, release, "after", page)
    if ran:
        done.append(await commit_jobs_after(target, release, notes | job_trailers(ran)))
        do_beside(let_jobs_go(target, ran), JOBS_STAY)
    if awaited:
        done.append(await commit_done(target, release, notes))
    return RolloutResult(commits=tuple(done), served=served)


@asynccontextmanager
async def rolled_back_if_bad(
    target: Target, release: Release, page: Timeline, step: str
) -> AsyncGenerator[None]:
    """Roll back from a version that turns out bad within, unless rollout.yaml wants it to halt.

    Raises:
        FailError: The version is bad, and what has become of the environment.
    """
    try:
        yield
    except BadVersionError as red:
        page.failed(red)
        record(target, release, "red", str(red), step=step)
        if release.cause.is_rollback or target.rollout.on_failure == "halt":
            raise
        failure = await roll_back_after(red, target, release, by=SHIPWAY)
        if failure is not red:
            page.rolled_back(failure)
        raise failure from red


async def run_jobs(target: Target, release: Release, when: JobWhen, page: Timeline) -> list[RanJob]:
    """Run what rollout.yaml has run once for a release, one after the other, as far as it is left.

    Raises:
        FailError: One is red; of one after the last step, the version is at fault.
        HaltError: One has no answer.
        RefuseError: Somebody else has taken the environment over, or it may not be changed now.
    """
    whose, ran = target.app_environment, list[RanJob]()
    if release.cause.is_rollback or not target.rollout.jobs.in_order:
        return ran
    for job in await find_jobs_left(target, release, when):
        runs = run_job(target, release, job, partial(waited, target, release, page))
        done = await unless_overtaken(whose, release, runs, committed=when == "after")
        opened_run_log().info("job %s: %s", done.name, done.words)
        page.ran(f"job {done.name}: {done.words}\n{done.end.words}".strip())
        if (error := judge_job(target, done, when)) is not None:
            raise error
        ran.append(done)
    return ran


def waited(target: Target, release: Release, page: Timeline, words: str) -> None:
    """Tell what keeps the cluster from getting there, and once that is over."""
    page.waited(words)
    record(target, release, "waits", words)


async def take_step(
    target: Target,
    planned: Step,
    release: Release,
    notes: dict[str, str],
    page: Timeline,
    commits: dict[str, StepCommit],
) -> tuple[Step, StepCommit]:
    """Commit a step that nothing refuses, and that a person has approved where one has to.

    What can refuse it is asked before the person, while the person thinks, and once more after.
    What is to run before the first step runs then.

    Args:
        target: The environment.
        planned: The step.
        release: What is released.
        notes: Trailers: what gates and people said up to now.
        page: Told of the jobs.
        commits: Those of the steps before, by the step's name.

    Returns:
        The step, with as many pods as the load needs now; and its commit.

    Raises:
        FailError: The person did not approve, or a job is red.
        HaltError: Nobody answered, a job has no answer, or an autoscaler has left the version too
            few pods.
        RefuseError: Somebody else has taken the environment over.
        Waits: The person has not answered yet, or a freeze has begun, and the run can be suspended
            until then.
    """
    async with waiting_for_end(target, release):
        return await take_unfrozen_step(target, planned, release, notes, page, commits)


async def take_unfrozen_step(
    target: Target,
    planned: Step,
    release: Release,
    notes: dict[str, str],
    page: Timeline,
    commits: dict[str, StepCommit],
) -> tuple[Step, StepCommit]:
    """Take a step as `take_step` does, for as long as no freeze begins.

    Raises:
        FrozenError: One has begun.
    """
    way_back = release.cause.is_rollback
    target, step = await at_live_pods(target, planned, release)
    await ask_agent(target, step, way_back=way_back)
    await dry_run(target, step, release)
    if step.approval and step.edits:
        fingerprint = await check_fence(target, release)
        asks = ask_for_approval(target, step, release, notes, fingerprint, commits)
        whose, committed = target.app_environment, bool(commits)
        answer = await unless_overtaken(whose, release, asks, committed=committed)
        if isinstance(answer, Declined):
            raise await roll_back_after(answer.error(step), target, release, by=answer.who)
        notes = notes | answer
        target, step = await at_live_pods(target, planned, release)
        await ask_agent(target, step, way_back=way_back)
        await dry_run(target, step, release)
    ran = await run_jobs(target, release, "before", page) if step.edits else []
    if ran:
        # The load may be another one by now.
        target, step = await at_live_pods(target, planned, release)
    commit = await commit_step(target, step, release, notes | job_trailers(ran))
    if ran:
        do_beside(let_jobs_go(target, ran), JOBS_STAY)
    if commit.new and not commits:
        do_beside(look_after_waiting(target.app_environment), NOT_LOOKED_AFTER)
    return step, commit


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
    await roll_out(target.app_environment, earlier)
    held = rollback.from_revision
    remedy = (
        f"{target.environment} is back at {earlier.revision.short}; {held[:12]} is on hold until "
        f"{commands.clear_hold(target.app_environment, held)}: release a revision that mends it"
    )
    return FailError(failure.what, **failure.facts | {"remedy": remedy})
