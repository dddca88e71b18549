"""A step of a rollout: what to commit, and what to wait for afterwards."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SetImage(BaseModel):
    """Set the image of one container in one manifest."""

    model_config = ConfigDict(frozen=True)

    file: str
    container: str
    image: str


class Step(BaseModel):
    """One commit of a rollout.

    Args:
        name: As it stands in the commit's trailer, such as `1/1 rolling`.
        edits: What the commit changes.
        wait_for: The image that each container must run, healthy, before the next step.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    edits: tuple[SetImage, ...]
    wait_for: dict[str, str]
