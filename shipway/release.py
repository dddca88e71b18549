"""Why a rollout happens, as its commits say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.git.revision import Revision


class Cause(BaseModel):
    """Why a rollout happens; a plain release has none of these.

    Attributes:
        downgrade: The revision may follow one that it does not contain.
        back_from: The revision that a rollback leads away from.
        promoted_from: The environment that a promotion takes the version from.
    """

    model_config = ConfigDict(frozen=True)

    downgrade: bool = False
    back_from: str | None = None
    promoted_from: str | None = None

    def title(self, app: str, environment: str, revision: Revision) -> str:
        """What happens, for people."""
        if self.back_from is not None:
            return f"{app} back to {revision.short} in {environment}"
        return f"{app} {revision.short} → {environment}"

    def trailers(self) -> dict[str, str]:
        """For the commits' messages."""
        said = {"Rollback-From": self.back_from, "Promoted-From": self.promoted_from}
        return {key: value for key, value in said.items() if value is not None}
