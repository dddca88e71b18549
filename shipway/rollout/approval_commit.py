"""The commit by which a person approves a step: what it says, where it goes, and who signed it."""

from __future__ import annotations

import secrets
import shlex

from pydantic import BaseModel, ConfigDict, Field

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError
from shipway.git.branch_tip import BranchTip
from shipway.git.signature import message_of
from shipway.git.trailers import with_trailers
from shipway.release import Release
from shipway.rollout.approvers import Approvers


def _number() -> str:
    return secrets.token_hex(8)


class ApprovalCommit(BaseModel):
    """The commit that approves one step of one release, on the files that it was planned on.

    It has no parent and no file, so that any clone can make it.

    Attributes:
        app_environment: Where.
        release: What is released there.
        step: Name of the step.
        fingerprint: Of the folder's files.
        approvers: Who may sign it.
        number: Of the question. No two have the same, so that no approval counts twice.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    release: Release
    step: str
    fingerprint: str
    approvers: Approvers
    number: str = Field(default_factory=_number)

    @property
    def message(self) -> str:
        """The whole message: whoever signs it sees all that is approved."""
        trailers = {
            "Approves": self.app_environment.folder,
            "Approves-Step": self.step,
            "Approves-Revision": self.release.revision.commit,
            "Approves-Image": str(self.release.image),
            "Approves-Content": self.fingerprint,
            "Approves-Question": self.number,
        }
        return with_trailers(
            f"Approve {self.step} of {self.app_environment.title}", trailers
        ).strip()

    @property
    def branch(self) -> str:
        """The branch of the ops repository that it is pushed to."""
        return f"shipway/approvals/{self.app_environment.folder}/{self.number}"

    @property
    def command(self) -> str:
        """What an approver pastes into a shell, in a clone of the ops repository."""
        subject, _, trailers = self.message.partition("\n\n")
        sign = ("git", "-c", "gpg.format=ssh", "commit-tree", "-S", "-m", subject, "-m", trailers)
        # A commit that approves nothing may be on the branch.
        return (
            f'approval=$({shlex.join(sign)} "$(git mktree </dev/null)") &&\n'
            f'git push origin "+$approval:refs/heads/{self.branch}"'
        )

    def trailers(self, tip: BranchTip | None) -> dict[str, str]:
        """The trailers that say who approves by what is on the branch.

        Args:
            tip: What is there.

        Raises:
            RefuseError: Nobody does.
            FailError: This machine has no ssh-keygen that can tell.
        """
        if tip is None:
            raise RefuseError(
                "Nobody has signed an approval yet.",
                where=f"{self.branch} in the ops repository",
                expected=f"a commit that {self.approvers.words} signs",
                got="no such branch",
            )
        said = message_of(tip.content)
        if said != self.message:
            raise RefuseError(
                "The commit approves something else.",
                where=f"{tip.commit} on {self.branch}",
                expected=self.message,
                got=said,
            )
        signer = self.approvers.signers.signer_of(tip.content, self.approvers.names)
        return {"Approved-By": f"{signer.name} (signed, {signer.key})", "Approved-In": tip.commit}
