"""An HTTPRoute of Gateway API: the weights of its backends.

A mesh's kind is another file like this one: a canary needs nothing but the fields of the weights.
"""

from __future__ import annotations

from typing import Any

from shipway.kubernetes.objects import KubeObject
from shipway.strategies.app_folder import AppFolder, field_of, selects
from shipway.strategies.routers.weights import Backends, Weights


def weights_of_http_route(
    name: str, folder: AppFolder, stable: KubeObject, canary: KubeObject
) -> Weights:
    """The weights of every rule that leads to both Deployments.

    Raises:
        RefuseError: No rule has a backend for each of them.
    """
    route = folder.object(f"HTTPRoute/{name}")
    rules: list[dict[str, Any]] = route.body.get("spec", {}).get("rules") or []
    backends = [
        [str(backend.get("name")) for backend in rule.get("backendRefs") or []] for rule in rules
    ]
    shared: list[Backends] = []
    for number, services in enumerate(backends):
        fields = {
            variant: field_of(route, f"/spec/rules/{number}/backendRefs/{position}/weight")
            for position, service in enumerate(services)
            if (variant := _variant_behind(service, folder, stable, canary)) is not None
        }
        if len(fields) == 2:
            shared.append(Backends(stable=fields["stable"], canary=fields["canary"]))
    if shared:
        return Weights(
            rules=tuple(shared),
            stable=folder.replicas_of(stable),
            canary=folder.replicas_of(canary),
        )
    raise folder.refusal(
        f"No rule of {route.title} leads to both Deployments.",
        f"a rule whose backendRefs name a Service of the pods of {stable.title} alone, and one "
        f"of those of {canary.title}, with a weight each",
        ", ".join(service for services in backends for service in services) or "no backends",
    )


def _variant_behind(
    name: str, folder: AppFolder, stable: KubeObject, canary: KubeObject
) -> str | None:
    """Which Deployment a Service of the folder leads to; None for both or neither."""
    variants = [
        variant
        for service in folder.objects
        if service.title == f"Service/{name}"
        for variant, deployment in (("stable", stable), ("canary", canary))
        if selects(service, deployment)
    ]
    return variants[0] if len(variants) == 1 else None
