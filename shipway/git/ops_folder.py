"""One app's folder in the ops repository: a snapshot of it, and a change to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict

from shipway.app_environment import AppEnvironment
from shipway.errors import RetryError
from shipway.git.history import History


class OpsFolder(BaseModel):
    """What the ops repository says about one app in one environment, at one commit."""

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    commit: str
    files: dict[str, bytes]

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


class Proposal(BaseModel):
    """Files to change, by path (None takes one away), and the commit message."""

    model_config = ConfigDict(frozen=True)

    changes: Mapping[str, bytes | None]
    message: str


class Landed(BaseModel):
    """The commit that holds a proposal, and whether this call pushed it."""

    model_config = ConfigDict(frozen=True)

    commit: str
    new: bool


Propose = Callable[[OpsFolder, History], Proposal | None]


class LostRaceError(RetryError):
    """Somebody else pushed first."""
