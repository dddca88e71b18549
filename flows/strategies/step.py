"""A step of a rollout: what to commit, and what to wait for afterwards."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class SetImage(BaseModel):
    """Set the image at one place of one file.

    Args:
        file: Name of the file in the app's folder.
        kind: What kind of place it is.
        name: Of the container, of the entry in `images:`, or a JSON Pointer into Helm values.
        image: The image there.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    kind: Literal["container", "kustomize", "helm"] = "container"
    name: str
    image: str


class Step(BaseModel):
    """One commit of a rollout.

    Args:
        name: As it stands in the commit's trailer, such as `1/1 rolling`.
        edits: What the commit changes.
        wait_for: The image that must run, healthy, before the next step.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    edits: tuple[SetImage, ...]
    wait_for: str
