"""What somebody has pushed in the place of an approval, and whether it is one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.git.ops_repository import OpsRepository
from shipway.rollout.approval_commit import ApprovalCommit


class FoundApproval(BaseModel):
    """What was found.

    Attributes:
        commit: The commit; empty where there is none.
        trailers: Who approves by it; none where it approves nothing.
        why_not: Why it approves nothing, in lines for people.
    """

    model_config = ConfigDict(frozen=True)

    commit: str = ""
    trailers: dict[str, str] = {}
    why_not: str = ""


def find_approval(ops: OpsRepository, wanted: ApprovalCommit) -> FoundApproval:
    """Look for an approval in the ops repository.

    Raises:
        FailError: This machine has no ssh-keygen that can tell.
        RetryError: The server cannot be reached.
    """
    tip = ops.branch_tip(wanted.branch)
    commit = tip.commit if tip else ""
    try:
        return FoundApproval(commit=commit, trailers=wanted.trailers(tip))
    except RefuseError as error:
        return FoundApproval(commit=commit, why_not=str(error))
