"""A step's commit: nothing refuses it, and a person has approved it where one has to."""

from __future__ import annotations

from flows.runtime.approval import ask_for_approval
from flows.runtime.beside import do_beside
from flows.runtime.freeze import waiting_for_end
from flows.runtime.overtaken import unless_overtaken
from flows.steps.run_jobs import JOBS_STAY, run_jobs
from flows.tasks.agent.external_agent import ask_agent
from flows.tasks.rollout.check_rendered import check_rendered
from flows.tasks.rollout.commit_step import commit_step
from flows.tasks.rollout.dry_run import dry_run
from flows.tasks.rollout.jobs import let_jobs_go
from flows.tasks.rollout.live_pods import at_live_pods
from flows.tasks.rollout.look_for_approval import look_for_approval
from flows.tasks.rollout.preflight import check_fence
from flows.tasks.waiting import NOT_LOOKED_AFTER, look_after_waiting
from shipway.release import Release
from shipway.reports.timeline import Timeline
from shipway.rollout.release_job import job_trailers
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target
from shipway.strategies.step import Step


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
        DeclinedError: The person did not approve.
        FailError: A job is red.
        HaltError: Nobody answered, a job has no answer, or an autoscaler has left the version too
            few pods.
        RefuseError: Somebody else has taken the environment over.
        Waits: The person has not answered yet, or a freeze has begun, and the run can be suspended
            until then.
    """
    async with waiting_for_end(target, release):
        target, step = await at_live_pods(target, planned, release)
        await ask_what_refuses(target, step, release)
        if step.approval and step.edits:
            folder = await check_fence(target, release)
            asks = ask_for_approval(
                target, step, release, notes, folder, commits, look_for_approval
            )
            whose, committed = target.app_environment, bool(commits)
            notes = notes | await unless_overtaken(whose, release, asks, committed=committed)
            target, step = await at_live_pods(target, planned, release)
            await ask_what_refuses(target, step, release)
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


async def ask_what_refuses(target: Target, step: Step, release: Release) -> None:
    """Ask the agent, what renders the manifests, and the API server whether they take a step.

    A way back leads to what they took before: it is not rendered for a proof.

    Raises:
        RefuseError: One of them does not.
        RetryError: One does not answer.
    """
    way_back = release.cause.is_rollback
    await ask_agent(target, step, way_back=way_back)
    if not way_back:
        await check_rendered(target, [step], release.revision.commit)
    await dry_run(target, step, release)
