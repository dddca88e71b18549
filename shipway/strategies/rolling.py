"""Rolling: one commit; Kubernetes replaces the pods as the manifest's own strategy says."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shipway.strategies.app_folder import Folder
from shipway.strategies.step import Live, Place, Ready, Step, edits
from shipway.strategies.strategy import Settings


class RollingSettings(Settings):
    """One commit; Kubernetes replaces the pods."""

    rendered: ClassVar[bool] = True

    hold: float = Field(
        default=0, ge=0, description="Seconds for which gates look at the new version."
    )
    approval: bool = Field(default=False, description="Whether a person has to approve.")

    def bind(self, folder: Folder) -> Rolling:
        """All images at once, wherever they stand."""
        return Rolling(images=folder.images, hold=self.hold, approval=self.approval)


class Rolling(BaseModel):
    """Set every image at once and let maxSurge and maxUnavailable pace the pods.

    Args:
        images: Where the images stand.
        hold: Seconds for which gates look at the new version before the rollout is over.
        approval: Whether a person has to approve.
    """

    model_config = ConfigDict(frozen=True)

    images: tuple[Place, ...]
    hold: float = 0
    approval: bool = False

    @property
    def places(self) -> tuple[Place, ...]:
        """All that it reads and sets."""
        return self.images

    def serving(self, live: Live) -> str:
        """The image that Git says takes the traffic."""
        return str(live[self.images[0]])

    def plan(self, live: Live, wanted: str) -> list[Step]:
        """The steps that lead from `live` to `wanted`.

        The step stands in the plan even where Git already says so, without edits: what it waits
        for is still to be seen.

        Args:
            live: What Git says now.
            wanted: The image reference, by digest.
        """
        (step,) = self.back(live, wanted)
        gated = {"hold": self.hold, "gates": "traffic", "approval": self.approval}
        return [step.model_copy(update=gated)]

    def back(self, live: Live, wanted: str) -> list[Step]:
        """The steps that lead from `live` back to a version that was good."""
        changes = edits(live, dict.fromkeys(self.images, wanted))
        return [Step(name="1/1 rolling", edits=changes, ready=(Ready(image=wanted),))]
