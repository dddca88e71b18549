"""An environment in a real Git repository, and an app with some revisions."""

from __future__ import annotations

from collections.abc import Mapping

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from shipway.git.trailers import OpsCommit
from shipway.release import Release
from shipway.rollback.commit import CommittedRollback, Reason, commit_rollback
from shipway.rollout.commit import commit_release
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target, target_of
from tests.support.app_environments import SHOP
from tests.support.ops_commits import ops_commits
from tests.support.origin import Origin
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context


class ShopEnvironment:
    """An ops repository that has never seen a release.

    Attributes:
        run: The run that acts.
        revisions: Each contains those before it.
    """

    def __init__(self, ops: Origin, app: Origin, files: Mapping[str, bytes], count: int) -> None:
        self.origin = ops
        ops.commit({f"prod/shop/{name}": content for name, content in files.items()})
        self.ops = OpsRepository(url=ops.url)
        self.source = SourceRepository(url=app.url)
        self.run = run_context(1)
        commits = [app.commit({"app.py": str(number).encode()}) for number in range(1, count + 1)]
        self.revisions = [self.source.resolve(commit) for commit in commits]

    def target(self) -> Target:
        return target_of(self.ops.fetch(SHOP))

    def history(self) -> list[OpsCommit]:
        return ops_commits(self.ops, SHOP)

    def release_of(self, number: int) -> Release:
        """A revision with an image, each by its number from 1."""
        return Release(revision=self.revisions[number - 1], image=image(number))

    def commit(self, number: int, name: str) -> StepCommit:
        """Commit one step of a release."""
        target = self.target()
        step = next(step for step in target.plan(image(number)) if step.name == name)
        release = self.release_of(number)
        return commit_release(self.ops, self.source, target, step, release, {}, self.run)

    def release(self, number: int) -> list[StepCommit]:
        """Commit every step of a release, as a run does that never ends."""
        names = [step.name for step in self.target().plan(image(number))]
        return [self.commit(number, name) for name in names]

    def roll_back(self, why: str = "5xx", by: str = "Ada") -> CommittedRollback:
        """Commit a rollback to the release before."""
        reason = Reason(why=why, by=by)
        return commit_rollback(self.ops, self.source, self.target(), None, reason, self.run)
