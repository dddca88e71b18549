"""One of two workloads that run an app side by side."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.kubernetes.autoscaler import Autoscaler
from shipway.strategies.step import FieldRef, FieldValues, Ready, Value


class Variant(BaseModel):
    """A workload, and the fields of its images and its replicas.

    Args:
        name: As steps call it: a colour, stable, canary.
        workload: Kind and name of the object, such as `Deployment/shop`.
        images: The fields of the images that a release sets.
        replicas: The field of the number of its pods.
        autoscaler: What sets that number once there are pods; None where Git does.
        live_pods: The number that the cluster has; None where it is not known.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    workload: str
    images: tuple[FieldRef, ...]
    replicas: FieldRef
    autoscaler: Autoscaler | None = None
    live_pods: int | None = None

    def is_at(self, current: FieldValues, image: str) -> bool:
        """Whether Git says that all of it runs an image."""
        return all(current[field] == image for field in self.images)

    def on(self, image: Value) -> dict[FieldRef, Value]:
        """The values with which all of it runs an image."""
        return dict.fromkeys(self.images, image)

    def ready_on(self, image: str) -> tuple[Ready, ...]:
        """What to wait for: that it runs an image, healthy."""
        return (Ready(image=image, workload=self.workload),)

    def pods(self, current: FieldValues) -> int:
        """How many pods it has for its load: what Git says, or what its autoscaler made of it."""
        in_git = int(current[self.replicas])
        if self.autoscaler is None:
            return in_git
        return self.live_pods or self.autoscaler.bounded(in_git)

    def must_restart(self, current: FieldValues, image: str) -> bool:
        """Whether it has to go to no pods before it runs an image.

        No number but that of one that comes up from none reaches a workload with an autoscaler.
        """
        is_up = int(current[self.replicas]) > 0
        return self.autoscaler is not None and is_up and not self.is_at(current, image)
