"""What rollout.yaml has run once for a release, as far as it is left."""

from __future__ import annotations

from functools import partial

from flows.runtime.notify import record
from flows.runtime.opened_run import opened_run_log
from flows.runtime.overtaken import unless_overtaken
from flows.tasks.rollout.jobs import find_jobs_left, run_job
from shipway.config.jobs import JobWhen
from shipway.release import Release
from shipway.reports.timeline import Timeline
from shipway.rollout.release_job import RanJob, judge_job
from shipway.rollout.target import Target

JOBS_STAY = "What ran for this release stays in the cluster until somebody deletes it"


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
