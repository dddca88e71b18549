"""An ops repository in memory: one app's folder with its history, and the app's releases in it.

It asks nobody and writes nothing, so that many histories can be looked at in no time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from shipway.app_environment import AppEnvironment
from shipway.config.holds import Hold, Holds, holds_in, write_holds
from shipway.git.folder_history import Version
from shipway.git.history import History
from shipway.git.ops_folder import Landed, OpsFolder, Proposal, Propose
from shipway.git.ops_repository import OpsRepository
from shipway.git.remembered import Remembered
from shipway.git.revision import Revision
from shipway.git.trailers import OpsCommit, trailers_in
from shipway.release import Release
from shipway.rollback.clear_hold import clear_hold
from shipway.rollback.commit import CommittedRollback, Reason, commit_rollback
from shipway.rollout.commit_message import release_proposal
from shipway.rollout.fields import changed_files
from shipway.rollout.result import StepCommit
from shipway.rollout.target import target_of
from tests.support.app_environments import SHOP
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context

Answer = TypeVar("Answer")
START = datetime(2026, 11, 24, tzinfo=UTC)


class MemoryHistory:
    """What `History` tells."""

    def __init__(self, versions: list[Version]) -> None:
        self.app_environment = SHOP
        self.versions = Remembered(iter(versions))
        self.commits = [each.commit for each in versions if "App" in each.commit.trailers]


class MemoryOps:
    """The folder, with as much of `OpsRepository` as rollbacks need.

    Attributes:
        versions: What the folder said, newest first.
        messages: The commit messages, by commit.
        meanwhile: What somebody else commits while the next commit is made.
        review: Where people merge what is proposed, if they do.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.versions: list[Version] = []
        self.messages: dict[str, str] = {}
        self.meanwhile: Callable[[], object] | None = None
        self.review: str | None = None
        self.edit(files)

    @property
    def tip(self) -> str:
        return self.versions[0].commit.commit

    @property
    def files(self) -> dict[str, bytes]:
        return self.versions[0].files if self.versions else {}

    def edit(self, files: Mapping[str, bytes | None], message: str = "By hand") -> str:
        """Commit files of the folder (None takes one away); return the commit."""
        commit = f"{len(self.versions) + 1:040x}"
        at = START + timedelta(minutes=len(self.versions))
        after = {**self.files, **files}
        said = tuple(trailers_in(message))
        self.messages[commit] = message
        self.versions.insert(
            0,
            Version(
                commit=OpsCommit(commit=commit, at=at, by="Ada", trailers=said[-1] if said else {}),
                said=said,
                files={name: text for name, text in after.items() if text is not None},
            ),
        )
        return commit

    def fetch(self, app_environment: AppEnvironment) -> OpsFolder:
        return OpsFolder(app_environment=app_environment, commit=self.tip, files=self.files)

    def consult(
        self, app_environment: AppEnvironment, question: Callable[[OpsFolder, History], Answer]
    ) -> Answer:
        history = cast("History", MemoryHistory(self.versions))
        return question(self.fetch(app_environment), history)

    def commit(
        self, app_environment: AppEnvironment, propose: Propose, on_review: Callable[[str], None]
    ) -> Landed:
        if self.meanwhile is not None:
            self.consult(app_environment, propose)
            self.meanwhile()
        proposal = self.consult(app_environment, propose)
        if proposal is None:
            return Landed(commit=self.tip, new=False)
        if self.review is not None:
            on_review(self.review)
        return Landed(commit=self.take(proposal), new=True)

    def take(self, proposal: Proposal) -> str:
        """Commit what is proposed."""
        changes = {path.rpartition("/")[2]: text for path, text in proposal.changes.items()}
        return self.edit(changes, proposal.message)

    def link(self, commit: str) -> str:
        return commit[:7]


def revision(number: int) -> Revision:
    """The revision that an image of this number was built from."""
    return Revision(
        commit=str(number) * 40,
        tree="0" * 40,
        author="Ada",
        subject=f"change {number}",
        at=START - timedelta(days=10 - number),
    )


class MemoryShop:
    """An app in one environment.

    Attributes:
        run: The run that acts.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.memory = MemoryOps(files)
        self.ops = cast("OpsRepository", self.memory)
        self.run = run_context(1)

    def release(self, *numbers: int) -> None:
        """Commit every step of some releases, each by a run of its own."""
        for number in numbers:
            self.run = run_context(number)
            folder = self.memory.fetch(SHOP)
            for step in target_of(folder).plan(image(number)):
                if step.edits:
                    self.step(number, step.name)
        self.run = run_context(numbers[-1] + 1)

    def step(self, number: int, name: str, *, of: int | None = None) -> None:
        """Commit one step of a release; the image may be that of another revision, too."""
        folder = self.memory.fetch(SHOP)
        (step,) = (one for one in target_of(folder).plan(image(number)) if one.name == name)
        release = Release(revision=revision(of or number), image=image(number))
        changes = changed_files(folder, step.edits, release.revision.commit)
        proposal = release_proposal(folder, changes, release, step.name, {}, self.run.link)
        self.memory.take(proposal)

    def roll_back(self, to: str | None = None, **live_pods: int) -> CommittedRollback:
        """Commit a rollback, with what the cluster says of the pods of some Deployments."""
        reason = Reason(why="it fails", by="Ada")
        live = {f"Deployment/{name.replace('_', '-')}": pods for name, pods in live_pods.items()}
        target = target_of(self.memory.fetch(SHOP)).with_live_pods(live)
        return commit_rollback(self.ops, None, target, to, reason, self.run)

    def clear_hold(self, held: str) -> StepCommit:
        reason = Reason(why="mended", by="Grace")
        return clear_hold(self.ops, SHOP, held, reason, self.run)

    def hold(self, *revisions: str, first: int = 1) -> str:
        """Have the images from a number on, of these revisions, on hold, and no others."""
        holds = [
            Hold(image=str(image(number)), revision=held, reason="it fails", by="Ada", at="then")
            for number, held in enumerate(revisions, first)
        ]
        return self.memory.edit({"holds.yaml": write_holds(Holds(holds=holds))})

    def holds(self) -> list[Hold]:
        return holds_in(self.memory.files).holds
