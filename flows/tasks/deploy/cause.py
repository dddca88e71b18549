"""Why a rollout happens, as its commits say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


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

    def trailers(self) -> dict[str, str]:
        """For the commits' messages."""
        said = {"Rollback-From": self.back_from, "Promoted-From": self.promoted_from}
        return {key: value for key, value in said.items() if value is not None}
