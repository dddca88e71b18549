"""One app's folder in the ops repository: a snapshot of it, and a change to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict

from shipway.app_environment import AppEnvironment
from shipway.errors import RetryError
from shipway.git.history import History
from shipway.git.record import RECORD_FILE

FREEZE_FILE = "freeze.yaml"
SIGNERS_FILE = "allowed_signers"


class OpsFolder(BaseModel):
    """What the ops repository says about one app in one environment, at one commit.

    Attributes:
        app_environment: The app, and the environment.
        commit: The commit.
        files: The files of the app's folder, by name.
        freeze: The environment's `freeze.yaml`; None where it has none.
        allowed_signers: The environment's `allowed_signers`; None where it has none.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    commit: str
    files: dict[str, bytes]
    freeze: bytes | None = None
    allowed_signers: bytes | None = None

    @property
    def path(self) -> str:
        """Where it lies in the ops repository."""
        return self.app_environment.folder

    @property
    def fingerprint(self) -> str:
        """Equal for equal files, whatever else the repository holds."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        return digest.hexdigest()

    def with_changes(self, changes: Mapping[str, bytes]) -> OpsFolder:
        """The folder with other content in some of its files, by path in the repository."""
        files = {
            name: changes.get(f"{self.path}/{name}", content)
            for name, content in self.files.items()
        }
        return self.model_copy(update={"files": files})


class Proposal(BaseModel):
    """Files to change, and the commit message.

    Attributes:
        changes: What the files say then, by path; None takes one away.
        message: The commit message.
        notes: Those of the files that also say who, when and why: another run that proposes the
            same writes something else there.
    """

    model_config = ConfigDict(frozen=True)

    changes: Mapping[str, bytes | None]
    message: str
    notes: frozenset[str] = frozenset()

    def identity(self, folder: OpsFolder) -> str:
        """Equal for what changes the same in a folder in which the same was released last."""
        files = [
            (path, folder.files.get(path.removeprefix(f"{folder.path}/")), text)
            for path, text in sorted(self.changes.items())
            if path not in self.notes
        ]
        last = folder.files.get(RECORD_FILE)
        return hashlib.sha256(repr((last, files)).encode()).hexdigest()


class Landed(BaseModel):
    """The commit that holds a proposal, and whether this call pushed it."""

    model_config = ConfigDict(frozen=True)

    commit: str
    new: bool


Propose = Callable[[OpsFolder, History], Proposal | None]


class LostRaceError(RetryError):
    """Somebody else pushed first."""
