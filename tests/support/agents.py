"""The objects of other agents, as their controllers leave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shipway.agents.agent import AgentSettings, AgentState, Object, ObjectRef

TIP, EARLIER, LATER = "b" * 40, "a" * 40, "c" * 40
FLUX_SERVED = {
    "kustomize.toolkit.fluxcd.io/v1": {"Kustomization": True},
    "source.toolkit.fluxcd.io/v1": {"GitRepository": True},
}


def condition(kind: str, status: str, reason: str, message: str, generation: int = 1) -> Object:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
    }


def ready(reason: str = "ReconciliationSucceeded", message: str = "done") -> Object:
    """`Ready`, which is true for a reason of success alone."""
    is_good = reason in {"ReconciliationSucceeded", "Succeeded", "UpgradeSucceeded"}
    return condition("Ready", "True" if is_good else "False", reason, message)


def git_repository(*conditions: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "ops", "namespace": "flux-system", "generation": 1},
        "spec": {"url": "https://git.example.org/ops.git", **spec},
        "status": {"conditions": list(conditions or [ready("Succeeded")])},
    }


def kustomization(
    *conditions: Object, applied: str = TIP, attempted: str | None = None, **spec: Any
) -> Object:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "shop", "namespace": "flux-system", "generation": 1},
        "spec": {"sourceRef": {"kind": "GitRepository", "name": "ops"}, **spec},
        "status": {
            "conditions": list(conditions or [ready()]),
            "lastAppliedRevision": f"main@sha1:{applied}",
            "lastAttemptedRevision": f"main@sha1:{attempted or applied}",
        },
    }


def application(
    sync: str = "Synced",
    revision: str = TIP,
    operation: Object | None = None,
    conditions: tuple[Object, ...] = (),
    metadata: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd", **(metadata or {})},
        "spec": {"syncPolicy": {"automated": {"prune": True}}, **spec},
        "status": {
            "sync": {"status": sync, "revision": revision},
            "operationState": operation or {},
            "conditions": list(conditions),
        },
    }


def state_of(settings: AgentSettings, *bodies: Object) -> AgentState:
    """What objects say, with a ready GitRepository where a Kustomization has none beside it."""
    return settings.state(refs_of(*bodies))


def refs_of(*bodies: Object) -> dict[ObjectRef, Object]:
    """Objects by what names them."""
    return {_ref(body): body for body in bodies}


def _ref(body: Object) -> ObjectRef:
    return ObjectRef(
        group=body["apiVersion"].partition("/")[0],
        kind=body["kind"],
        name=body["metadata"]["name"],
        namespace=body["metadata"]["namespace"],
    )
