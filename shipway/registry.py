"""Images that a registry holds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.image_ref import ImageRef


class Stored(BaseModel):
    """An image that the registry holds."""

    model_config = ConfigDict(frozen=True)

    ref: ImageRef
    labels: dict[str, str]


class Pushed(BaseModel):
    """The image in the registry, and whether this run put it there."""

    model_config = ConfigDict(frozen=True)

    image: ImageRef
    new: bool
