"""Steps one after the other: each is a commit, applied by the agent, watched and judged."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from flows.runtime.beside import do_beside
from flows.runtime.notify import record
from flows.runtime.overtaken import unless_overtaken
from flows.runtime.suspension import commits_before
from flows.steps.run_jobs import JOBS_STAY, run_jobs, waited
from flows.steps.take_step import take_step
from flows.tasks.rollout.done import commit_done, is_awaited
from flows.tasks.rollout.in_force_since import in_force_since
from flows.tasks.rollout.jobs import commit_jobs_after, let_jobs_go
from flows.tasks.rollout.run_gates import gate_trailers, run_gates
from flows.tasks.rollout.watch import apply_and_watch
from shipway.errors import BadVersionError
from shipway.release import Release
from shipway.reports.timeline import Timeline
from shipway.rollout.release_job import job_trailers
from shipway.rollout.result import RolloutResult, StepCommit
from shipway.rollout.target import Target
from shipway.strategies.step import Step


async def run_steps(
    target: Target, plan: list[Step], release: Release, page: Timeline
) -> RolloutResult:
    """Take the steps one after the other.

    Raises:
        BadVersionError: The version is bad.
        DeclinedError: A person did not approve it.
        FailError: A job before the first step is red.
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
        async with told_if_bad(target, release, page, step.name):
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
    async with told_if_bad(target, release, page, "after"):
        ran = await run_jobs(target, release, "after", page)
    if ran:
        done.append(await commit_jobs_after(target, release, notes | job_trailers(ran)))
        do_beside(let_jobs_go(target, ran), JOBS_STAY)
    if awaited:
        done.append(await commit_done(target, release, notes))
    return RolloutResult(commits=tuple(done), served=served)


@asynccontextmanager
async def told_if_bad(
    target: Target, release: Release, page: Timeline, step: str
) -> AsyncGenerator[None]:
    """Have the page and the events say at which step a version turns out bad.

    Raises:
        BadVersionError: It does.
    """
    try:
        yield
    except BadVersionError as red:
        page.failed(red)
        record(target, release, "red", str(red), step=step)
        raise


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
