"""Who may approve a rollout by a signature, and the keys that are theirs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.config.rollout import Rollout
from shipway.errors import RefuseError
from shipway.git.ops_folder import SIGNERS_FILE, OpsFolder
from shipway.git.signature import AllowedSigners


class Approvers(BaseModel):
    """Who may approve.

    Attributes:
        names: Their names, as rollout.yaml lists them.
        signers: The environment's list of keys.
    """

    model_config = ConfigDict(frozen=True)

    names: tuple[str, ...]
    signers: AllowedSigners

    @property
    def words(self) -> str:
        """Their names, for people."""
        return " or ".join(self.names)


def approvers_of(folder: OpsFolder, rollout: Rollout) -> Approvers | None:
    """Who may approve in an app's folder; None where whoever answers the form may.

    Args:
        folder: The folder.
        rollout: Its rollout.yaml.

    Raises:
        RefuseError: The environment has no key of any of them.
        FailError: This machine has no ssh-keygen that can tell.
    """
    names = rollout.approvers
    if names is None:
        return None
    file = f"{folder.app_environment.environment}/{SIGNERS_FILE}"
    text = (folder.allowed_signers or b"").decode("utf-8", "replace")
    signers = AllowedSigners(file=file, text=text)
    if not signers.with_keys(names):
        raise RefuseError(
            "Nobody can approve: no approver has a key.",
            where=f"{file} at {folder.commit[:7]}" if folder.commit else file,
            expected=f"a line such as `{names[0]} ssh-ed25519 AAAA…`",
            got="no such file" if folder.allowed_signers is None else "no line for them",
            untouched="the ops repository and the cluster",
            remedy=f"add their keys there, or change approvers in {folder.path}/rollout.yaml",
        )
    return Approvers(names=tuple(names), signers=signers)
