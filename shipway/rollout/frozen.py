"""Whether an app takes no releases in an environment now."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway.config.freeze import read_freezes
from shipway.errors import RefuseError
from shipway.git.ops_folder import FREEZE_FILE, OpsFolder


class Frozen(BaseModel):
    """A freeze that is going on.

    Attributes:
        file: The file that says so.
        until: When it ends.
        by: Who wants it.
        reason: Why.
        waits: Whether releases wait until it ends; else they are refused.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    until: datetime
    by: str
    reason: str
    waits: bool = False

    @property
    def end(self) -> str:
        """When it ends, for people."""
        return f"{self.until:%Y-%m-%d %H:%M %Z}"

    @property
    def words(self) -> str:
        """Until when, by whom and why."""
        return f"frozen until {self.end} by {self.by}: {self.reason}"


class FrozenError(RefuseError):
    """An environment takes no release now.

    Args:
        what: That in words.
        frozen: The freeze.
        facts: Those of `ShipwayError`.
    """

    def __init__(self, what: str, frozen: Frozen, **facts: str) -> None:
        super().__init__(what, **facts)
        self.frozen = frozen


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
    waits = freeze.releases == "wait"
    return Frozen(file=file, until=until, by=freeze.by, reason=freeze.reason, waits=waits)
