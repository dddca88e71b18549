"""What a release is: a revision, its image, and why it is rolled out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.app_environment import AppEnvironment
from shipway.git.revision import Revision
from shipway.image_ref import ImageRef


class Cause(BaseModel):
    """Why a rollout happens; a plain release has none of these.

    Attributes:
        downgrade: The revision may follow one that it does not contain.
        rollback_from: The revision that a rollback leads away from.
        promoted_from: The environments that a promotion takes the version from, as one line.
        override_freeze: Why it is to follow although the environment is frozen.
    """

    model_config = ConfigDict(frozen=True)

    downgrade: bool = False
    rollback_from: str | None = None
    promoted_from: str | None = None
    override_freeze: str | None = None

    @property
    def is_rollback(self) -> bool:
        """Whether the rollout goes back to an earlier release."""
        return self.rollback_from is not None

    def trailers(self) -> dict[str, str]:
        """For the commits' messages."""
        trailers = {"Rollback-From": self.rollback_from, "Promoted-From": self.promoted_from}
        return {key: value for key, value in trailers.items() if value is not None}


class Release(BaseModel):
    """A version on its way to an environment.

    Attributes:
        revision: What the image was built from.
        image: The image, by digest.
        cause: Why it is rolled out.
    """

    model_config = ConfigDict(frozen=True)

    revision: Revision
    image: ImageRef
    cause: Cause = Cause()

    def title(self, app_environment: AppEnvironment) -> str:
        """What happens, for people."""
        app, environment = app_environment.app, app_environment.environment
        if self.cause.is_rollback:
            return f"{app} back to {self.revision.short} in {environment}"
        return f"{app} {self.revision.short} → {environment}"
