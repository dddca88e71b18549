"""Where a release goes: one app in one environment."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AppEnvironment(BaseModel):
    """One app in one environment.

    Attributes:
        app: As the app's Source Repository block is named.
        environment: As its folder in the ops repository is named.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    environment: str

    @property
    def folder(self) -> str:
        """Where its manifests lie in the ops repository."""
        return f"{self.environment}/{self.app}"

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.app} in {self.environment}"
