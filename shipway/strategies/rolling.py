"""Rolling: one commit; Kubernetes replaces the pods as the manifest's own strategy says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shipway.strategies.app_folder import AppFolder
from shipway.strategies.step import FieldRef, FieldValues, Ready, Step, edits_between
from shipway.strategies.strategy import StrategySettings


class RollingSettings(StrategySettings):
    """One commit; Kubernetes replaces the pods."""

    allows_rendered: ClassVar[bool] = True

    pause_seconds: float = Field(
        default=0, ge=0, description="How long gates measure the new version."
    )
    approval: bool = Field(default=False, description="Whether a person has to approve.")

    renamed: ClassVar[Mapping[str, str]] = {"hold": "pause_seconds"}

    @property
    def asks_for_approval(self) -> bool:
        """Whether a person has to approve the one step."""
        return self.approval

    def bind(self, folder: AppFolder) -> Rolling:
        """All images at once, whatever files they are in."""
        return Rolling(
            images=folder.images, pause_seconds=self.pause_seconds, approval=self.approval
        )


class Rolling(BaseModel):
    """Set every image at once and let maxSurge and maxUnavailable pace the pods.

    Args:
        images: The fields of the images.
        pause_seconds: How long gates measure the new version before the rollout is over.
        approval: Whether a person has to approve.
    """

    model_config = ConfigDict(frozen=True)

    images: tuple[FieldRef, ...]
    pause_seconds: float = 0
    approval: bool = False

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        return self.images

    def serving_image(self, current: FieldValues) -> str:
        """The image that Git says takes the traffic."""
        return str(current[self.images[0]])

    def plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that lead from `current` to `desired`.

        The step stands in the plan even where Git already says so, without edits: what it waits
        for is still to be seen.

        Args:
            current: What Git says now.
            desired: The image reference, by digest.
        """
        (step,) = self.rollback_plan(current, desired)
        gated = {"pause_seconds": self.pause_seconds, "gates": "traffic", "approval": self.approval}
        return [step.model_copy(update=gated)]

    def rollback_plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that lead from `current` back to a version that was good."""
        edits = edits_between(current, dict.fromkeys(self.images, desired))
        return [Step(name="1/1 rolling", edits=edits, ready=(Ready(image=desired),))]
