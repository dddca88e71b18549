"""Environments with jobs, in memory, and what such a job is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from shipway.config.jobs import Jobs, ReleaseJob
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.source_repository import SourceRepository
from shipway.release import Cause, Release
from shipway.rollout.commit import commit_jobs, commit_release
from shipway.rollout.jobs import jobs_left
from shipway.rollout.releases import Releases
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import first_with_edits
from tests.support.app_environments import SHOP
from tests.support.memory_ops import MemoryShop, revision
from tests.support.rolling_environment import ROLLOUT, WEB, image
from tests.support.run_contexts import run_context

SPEC = "{template: {spec: {containers: [{name: c, command: [migrate]}]}}}"
JOBS = f"""\
jobs:
  before: [{{name: migrate, spec: {SPEC}}}]
  after: [{{name: contract, spec: {SPEC}}}]
"""


class AnySource:
    """An app's repository in which each revision contains all others."""

    def is_ancestor(self, _old: str, _new: str) -> bool:
        return True

    def changes(self, _old: str, _new: str, _uses: Sequence[str]) -> None:
        return None


SOURCE = cast("SourceRepository", AnySource())


class ShopWithJobs(MemoryShop):
    """An app whose releases run a job before, and one after."""

    def __init__(self) -> None:
        super().__init__({"rollout.yaml": ROLLOUT + JOBS.encode(), "web.yaml": WEB})

    def target(self) -> Target:
        return target_of(self.memory.fetch(SHOP))

    def release_of(self, number: int, cause: Cause | None = None) -> Release:
        return Release(revision=revision(number), image=image(number), cause=cause or Cause())

    def left(self, number: int, cause: Cause | None = None) -> list[str]:
        """The jobs of a release that are left, by their names."""

        def look(folder: OpsFolder, history: History) -> Jobs:
            target = target_of(folder)
            return jobs_left(
                target, Releases(folder, target, history), self.release_of(number, cause)
            )

        return [job.name for _, job in self.ops.consult(SHOP, look).in_order]

    def commit(self, number: int, jobs: str = "") -> StepCommit:
        """Commit the first step that is left, and which jobs ran before it."""
        target, release = self.target(), self.release_of(number)
        step = first_with_edits(target.plan(release.image))
        notes, run = _notes(jobs), run_context(number)
        return commit_release(self.ops, SOURCE, target, step, release, notes, run)

    def commit_after(self, number: int, jobs: str) -> StepCommit:
        """Commit that jobs ran after the last step."""
        release, run = self.release_of(number), run_context(number)
        return commit_jobs(self.ops, SOURCE, self.target(), release, _notes(jobs), run)


def release_job(name: str = "migrate", **spec: object) -> ReleaseJob:
    """A job as rollout.yaml has it."""
    template = {"spec": {"containers": [{"name": "c", "command": ["migrate"]}]}}
    return ReleaseJob(name=name, spec={"template": template, **spec})


def _notes(jobs: str) -> dict[str, str]:
    return {"Jobs": f"{jobs}: exit code 0"} if jobs else {}
