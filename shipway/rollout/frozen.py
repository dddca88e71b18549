"""Whether an app takes no releases in an environment now."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway.config.freeze import read_freezes
from shipway.git.ops_folder import FREEZE_FILE, OpsFolder


class Frozen(BaseModel):
    """A freeze that is going on.

    Attributes:
        file: The file that says so.
        until: When it ends.
        by: Who wants it.
        reason: Why.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    until: datetime
    by: str
    reason: str

    @property
    def end(self) -> str:
        """When it ends, for people."""
        return f"{self.until:%Y-%m-%d %H:%M %Z}"


def frozen_now(folder: OpsFolder) -> Frozen | None:
    """The freeze on an app that is going on; None where there is none.

    Raises:
        RefuseError: The environment's freeze.yaml cannot be read.
    """
    where = folder.app_environment
    file = f"{where.environment}/{FREEZE_FILE}"
    found = read_freezes(folder.freeze, file).of(where.app, datetime.now(UTC))
    if found is None:
        return None
    freeze, until = found
    return Frozen(file=file, until=until, by=freeze.by, reason=freeze.reason)
