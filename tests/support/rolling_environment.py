"""A rolling environment in a real Git repository, and an app with three revisions."""

from __future__ import annotations

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from shipway.config.holds import holds_in
from shipway.git.revision import Revision
from shipway.image_ref import ImageRef
from shipway.release import Cause, Release
from shipway.rollback.clear_hold import clear_hold
from shipway.rollback.commit import CommittedRollback, Reason, commit_rollback
from shipway.rollout.commit import commit_release
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Step
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.run_contexts import run_context

ROLLOUT = b"""\
strategy: rolling
namespace: shop
images:
- {file: web.yaml, container: web}
- {file: web.yaml, container: migrate}
"""
WEB = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      initContainers:
      - {name: migrate, image: "shop:0"}  # first
      containers:
      - name: web
        image: shop:0   # then
"""


def image(digit: int) -> ImageRef:
    return ImageRef.parse(f"registry.example.org/shop@sha256:{str(digit) * 64}")


class RollingEnvironment:
    """An ops repository that has never seen a release.

    Attributes:
        run: The run that acts.
        older: A revision.
        newer: One that contains it.
        beside: One that contains the older, not the newer.
    """

    def __init__(self, ops: Origin, app: Origin) -> None:
        files = {
            "prod/shop/rollout.yaml": ROLLOUT,
            "prod/shop/web.yaml": WEB,
            "prod/cart/web.yaml": WEB,
        }
        self.start = ops.commit(files)
        self.origin = ops
        self.ops = OpsRepository(url=ops.url)
        self.source = SourceRepository(url=app.url)
        self.run = run_context(1)
        commits = [app.commit({"app.py": text}) for text in (b"1", b"2")]
        self.older, self.newer = (self.source.resolve(commit) for commit in commits)
        app.work.checkout("--quiet", "-b", "side", commits[0])
        app.commit({"app.py": b"3"})
        app.work.push(".", "HEAD:refs/heads/side")
        self.beside = self.source.resolve("side")

    def target(self) -> Target:
        return target_of(self.ops.fetch(SHOP))

    def step(self, desired: ImageRef) -> Step:
        (step,) = self.target().plan(desired)
        return step

    def release(
        self,
        revision: Revision,
        desired: ImageRef,
        *,
        downgrade: bool = False,
        override_freeze: str | None = None,
    ) -> StepCommit:
        """Commit a release of a revision."""
        cause = Cause(downgrade=downgrade, override_freeze=override_freeze)
        release = Release(revision=revision, image=desired, cause=cause)
        step, target = self.step(desired), self.target()
        return commit_release(self.ops, self.source, target, step, release, {}, self.run)

    def freeze(self, more: str = "") -> str:
        """Freeze the environment from now on; return the commit."""
        time = "from: 2026-01-01T00:00:00Z, until: 2126-01-01T00:00:00Z"
        text = f"freezes: [{{{more}{time}, by: Ada, reason: the holidays}}]\n"
        # What was released since.
        self.origin.work.checkout("main", "--", ".")
        return self.origin.commit({"prod/freeze.yaml": text.encode()})

    def roll_back(self, to: str | None = None) -> CommittedRollback:
        """Commit a rollback."""
        reason = Reason(why="it fails", by="Ada")
        return commit_rollback(self.ops, self.source, self.target(), to, reason, self.run)

    def clear_hold(self, revision: str, why: str, by: str) -> StepCommit:
        """Commit the end of a hold."""
        return clear_hold(self.ops, SHOP, revision, Reason(why=why, by=by), self.run)

    def holds(self) -> list[str]:
        """The held revisions."""
        files = self.ops.fetch(SHOP).files
        return [hold.revision for hold in holds_in(files).holds]

    def web(self) -> bytes:
        """The manifest with the images."""
        return self.ops.fetch(SHOP).files["web.yaml"]

    def trailer(self, commit: str, key: str) -> list[str]:
        """The values of a trailer of a commit."""
        return self.origin.bare.commit(commit).trailers_dict.get(key, [])
