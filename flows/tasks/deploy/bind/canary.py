"""A canary, bound: stable, canary, and what shares out the requests between them."""

from __future__ import annotations

from blocks.config import CanarySettings
from blocks.kube.objects import KubeObject
from flows.strategies import Canary, Replicas, Stage, Weights
from flows.tasks.deploy.bind.folder import Folder, selects
from flows.tasks.deploy.bind.http_route import weights_of_http_route


def bind_canary(settings: CanarySettings, folder: Folder) -> Canary:
    """Both Deployments, and the router.

    Raises:
        Refuse: An object is missing, or the requests cannot be shared out.
    """
    stable, canary = (
        folder.object(f"Deployment/{name}") for name in (settings.stable, settings.canary)
    )
    if stable is canary:
        raise folder.refused(
            "Stable and canary are the same Deployment.", "two Deployments", settings.stable
        )
    sides = folder.side("stable", stable), folder.side("canary", canary)
    counts = {"stable": sides[0].replicas, "canary": sides[1].replicas}
    if settings.route is None:
        _check_shared_service(folder, stable, canary)
        router = Replicas(**counts)
    else:
        rules = weights_of_http_route(settings.route, folder, stable, canary)
        router = Weights(rules=rules, **counts)
    stages = tuple(
        Stage(weight=one.weight, hold=one.hold, approval=one.approval) for one in settings.steps
    )
    return Canary(stable=sides[0], canary=sides[1], router=router, stages=stages)


def _check_shared_service(folder: Folder, stable: KubeObject, canary: KubeObject) -> None:
    services = [one for one in folder.objects if one.kind == "Service"]
    if any(selects(one, stable) and selects(one, canary) for one in services):
        return
    raise folder.refused(
        "No Service leads to the pods of both Deployments.",
        f"a Service that selects the pods of {stable.title} and of {canary.title}, or `route` "
        "with an HTTPRoute",
        ", ".join(one.title for one in services) or "no Service",
    )
