"""The number of pods behind one Service: the router where there is no other."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.kubernetes.objects import KubeObject
from shipway.strategies.app_folder import AppFolder, selects
from shipway.strategies.step import FieldRef, FieldValues, Value


def replicas_behind_service(folder: AppFolder, stable: KubeObject, canary: KubeObject) -> Replicas:
    """The numbers of pods, where one Service leads to both Deployments.

    Raises:
        RefuseError: No Service does.
    """
    services = [service for service in folder.objects if service.kind == "Service"]
    if not any(selects(service, stable) and selects(service, canary) for service in services):
        raise folder.refusal(
            "No Service leads to the pods of both Deployments.",
            f"a Service that selects the pods of {stable.title} and of {canary.title}, or `router`",
            ", ".join(service.title for service in services) or "no Service",
        )
    return Replicas(stable=folder.replicas_of(stable), canary=folder.replicas_of(canary))


class Replicas(BaseModel):
    """By the number of pods behind one Service, which gives each of them as many requests.

    The share is as near to the weight as whole pods come, and never below one pod.

    Args:
        stable: The number of stable's pods, which stays as it is.
        canary: The number of the canary's pods.
    """

    model_config = ConfigDict(frozen=True)

    stable: FieldRef
    canary: FieldRef

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        return (self.stable, self.canary)

    def route(
        self,
        current: FieldValues,
        weight: int,
        next_weight: int,  # noqa: ARG002
    ) -> dict[FieldRef, Value]:
        """The pods for the weight; none for later, because a pod that is up gets requests."""
        return {self.canary: self._pods(current, weight)}

    def stop(self) -> dict[FieldRef, Value]:
        """No pods: Kubernetes takes them out of the Service before it ends them."""
        return {self.canary: 0}

    def exceeds(self, current: FieldValues, weight: int) -> bool:
        """Whether there are more pods than that weight asks for."""
        return int(current[self.canary]) > self._pods(current, weight)

    def _pods(self, current: FieldValues, weight: int) -> int:
        """The canary's pods c, from c / (stable + c) = weight / 100."""
        pods = int(current[self.stable]) * weight / (100 - weight)
        return max(1, round(pods)) if weight else 0
