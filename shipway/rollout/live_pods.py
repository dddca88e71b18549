"""How many pods workloads have whose number an autoscaler sets: the cluster says, not Git."""

from __future__ import annotations

from kubernetes_asyncio.client import ApiException

from shipway.errors import HaltError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.refused import refused
from shipway.rollout.target import Target
from shipway.rollout.wait_for_field import value_in
from shipway.strategies.app_folder import REPLICAS
from shipway.strategies.step import Step


async def read_live_pods(client: KubeClient, target: Target) -> dict[str, int]:
    """The number of pods that each autoscaled workload is to have now, by kind and name.

    Raises:
        RefuseError: The cluster does not let it be read.
        RetryError: The API server is overloaded or fails.
    """
    pods: dict[str, int] = {}
    for workload in target.autoscaled:
        namespace = target.namespace_of(workload)
        try:
            live = await client.get(workload.api_version, workload.kind, workload.name, namespace)
        except ApiException as error:
            raise refused(error, workload) from error
        number = value_in(live, REPLICAS)
        if isinstance(number, int):
            pods[workload.title] = number
    return pods


def check_pods(target: Target, step: Step) -> None:
    """See that an autoscaler has left enough pods to what a step gives all requests to.

    Raises:
        HaltError: It has not.
    """
    for ready in step.ready:
        live = target.live_pods.get(ready.workload or "")
        if not step.edits or live is None or live >= step.pods:
            continue
        raise HaltError(
            "The new version has too few pods to take the requests over.",
            where=f"{ready.workload} in {target.environment}",
            expected=f"{step.pods} pods, as it was brought up with",
            got=f"{live}: its autoscaler has taken the others, because it has no load yet",
            untouched="the version before, which goes on serving; the image is not on hold",
            remedy=f"set minReplicas of its autoscaler to {step.pods}, or have its "
            "behavior.scaleDown act slowly; then start the release again: it goes on from here",
        )
