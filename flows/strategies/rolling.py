"""Rolling: one commit; Kubernetes replaces the pods as the manifest's own strategy says."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from flows.strategies.step import SetImage, Step


class Rolling(BaseModel):
    """Set every image at once and let maxSurge and maxUnavailable pace the pods."""

    model_config = ConfigDict(frozen=True)

    def plan(self, live: Sequence[SetImage], wanted: str) -> list[Step]:
        """The steps that lead from `live` to `wanted`.

        The step stands in the plan even where Git already says so, without edits: what it waits
        for is still to be seen.

        Args:
            live: The image fields as they stand in Git.
            wanted: The image reference, by digest.
        """
        edits = tuple(
            field.model_copy(update={"image": wanted}) for field in live if field.image != wanted
        )
        return [Step(name="1/1 rolling", edits=edits, wait_for=wanted)]
