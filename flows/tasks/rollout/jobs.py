"""Deploy, with what runs once for a release: Jobs before its first step and after its last."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_context import run_context
from shipway.config.jobs import Jobs, JobWhen, ReleaseJob
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes import run_once
from shipway.kubernetes.run_once import Tell
from shipway.release import Release
from shipway.rollout.commit import commit_jobs
from shipway.rollout.fence import check_committed, check_release
from shipway.rollout.jobs import jobs_left
from shipway.rollout.release_job import RanJob, job_object, judge_job
from shipway.rollout.releases import Releases
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target, target_of


@external_task("check the jobs of {target.folder}")
async def check_jobs(target: Target, release: Release, left: Jobs, *, built: bool) -> None:
    """See that the jobs that are left can run, and that none of them ran before in vain.

    Args:
        target: The environment.
        release: What is released.
        left: The jobs.
        built: Whether its image is there. One that is not may be what a policy does not admit.

    Raises:
        RefuseError: The API server would refuse one, or one ran for this image and is not done.
        RetryError: The API server does not answer.
    """
    cluster, namespace = await load_block(Cluster, target.cluster), target.rollout.namespace
    async with cluster.client() as client:
        for when, job in left.in_order:
            made = job_object(target, release, job)
            # What the first commit brings may be the namespace itself.
            may_come = when == "after"
            end = await run_once.check_job(
                client, made, namespace, admission=built, may_come=may_come
            )
            if end is None:
                continue
            ran = RanJob(name=job.name, job=made, end=end)
            if (error := judge_job(target, ran, "before")) is not None:
                raise RefuseError(error.what, **error.facts)


@external_task("find the jobs of {release.revision.short} that are left")
async def find_jobs_left(target: Target, release: Release, when: JobWhen) -> list[ReleaseJob]:
    """The jobs that are to run now, once nothing in Git refuses the release.

    Args:
        target: The environment.
        release: What is released.
        when: Before its first commit, or after its last step.

    Raises:
        RefuseError: The image is on hold, another revision won, or the environment is frozen.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)

    def look(folder: OpsFolder, history: History) -> Jobs:
        check = check_release if when == "before" else check_committed
        check(source, folder, history, release)
        current = target_of(folder)
        return jobs_left(current, Releases(folder, current, history), release)

    left = await asyncio.to_thread(ops.consult, target.app_environment, look)
    return left.before if when == "before" else left.after


@external_task("run the job {job.name}")
async def run_job(target: Target, release: Release, job: ReleaseJob, tell: Tell) -> RanJob:
    """Run a job to its end, or follow it where it runs already.

    Whoever is cancelled meanwhile leaves it to go on: what it has begun is not cut off.

    Args:
        target: The environment.
        release: What is released.
        job: The job.
        tell: Told what keeps it from running.
    """
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        made = job_object(target, release, job)
        end = await run_once.run_once(client, made, target.rollout.namespace, tell)
        return RanJob(name=job.name, job=made, end=end)


@external_task("commit that the jobs after {release.revision.short} ran")
async def commit_jobs_after(target: Target, release: Release, notes: dict[str, str]) -> StepCommit:
    """Commit that the jobs after the last step ran.

    Args:
        target: The environment.
        release: What is released.
        notes: Trailers that say which jobs ran, and what gates said.
    """
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    return await asyncio.to_thread(commit_jobs, ops, source, target, release, notes, run_context())


async def let_jobs_go(target: Target, ran: Sequence[RanJob]) -> None:
    """Have Kubernetes delete, a day later, Jobs that Git records."""
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        for each in ran:
            await run_once.let_go(client, each.job, target.rollout.namespace)
