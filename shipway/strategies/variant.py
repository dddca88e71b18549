"""One of two workloads that run an app side by side."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.strategies.step import FieldRef, FieldValues, Ready, Value


class Variant(BaseModel):
    """A workload, and the fields of its images and its replicas.

    Args:
        name: As steps call it: a colour, stable, canary.
        workload: Kind and name of the object, such as `Deployment/shop`.
        images: The fields of the images that a release sets.
        replicas: The field of the number of its pods.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    workload: str
    images: tuple[FieldRef, ...]
    replicas: FieldRef

    def is_at(self, current: FieldValues, image: str) -> bool:
        """Whether Git says that all of it runs an image."""
        return all(current[field] == image for field in self.images)

    def on(self, image: Value) -> dict[FieldRef, Value]:
        """The values with which all of it runs an image."""
        return dict.fromkeys(self.images, image)

    def ready_on(self, image: str) -> tuple[Ready, ...]:
        """What to wait for: that it runs an image, healthy."""
        return (Ready(image=image, workload=self.workload),)
