"""Flux: a Kustomization, the GitRepository that it takes commits from, perhaps a HelmRelease."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from shipway.agents.agent import (
    AgentSettings,
    AgentState,
    Fault,
    Object,
    ObjectName,
    ObjectRef,
    commits_in,
    is_denied,
    is_going,
)
from shipway.parameters import Name

_KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
_HELM = "helm.toolkit.fluxcd.io"
_SOURCE = "source.toolkit.fluxcd.io"

# Reasons of what Flux tries again by itself, and that may be over then. All others are faults.
_MAY_PASS = frozenset(
    {"ArtifactFailed", "DependencyNotReady", "GitOperationFailed", "StorageOperationFailed"}
)
# All is applied by then. How healthy it is, a rollout asks the pods.
_IS_APPLIED = frozenset({"HealthCheckFailed", "PruneFailed"})

_RESUME = json.dumps({"spec": {"suspend": False}})


class Flux(AgentSettings):
    """A Kustomization of Flux, with the GitRepository that it names."""

    nudge: ClassVar[str | None] = "reconcile.fluxcd.io/requestedAt"
    managers: ClassVar[frozenset[str]] = frozenset({"kustomize-controller", "helm-controller"})

    kustomization: ObjectName = Field(
        description="Name of the Kustomization that applies the folder."
    )
    helm_release: ObjectName | None = Field(
        default=None,
        description="Name of a HelmRelease in the folder, if it is what makes the workloads.",
    )
    namespace: Name = Field(default="flux-system", description="Namespace of these objects.")

    @property
    def objects(self) -> tuple[ObjectRef, ...]:
        """The Kustomization, and the HelmRelease where there is one."""
        refs = (self._ref(_KUSTOMIZE, "Kustomization", self.kustomization),)
        if self.helm_release is None:
            return refs
        return (*refs, self._ref(_HELM, "HelmRelease", self.helm_release))

    def sources(self, body: Object, /) -> tuple[ObjectRef, ...]:
        """The GitRepository of a Kustomization; a chart may come from anywhere."""
        source = body.get("spec", {}).get("sourceRef") or {}
        if body["kind"] != "Kustomization" or source.get("kind") != "GitRepository":
            return ()
        namespace = source.get("namespace") or self.namespace
        return (
            ObjectRef(
                group=_SOURCE, kind="GitRepository", name=source["name"], namespace=namespace
            ),
        )

    def state(self, bodies: Mapping[ObjectRef, Object]) -> AgentState:
        """What the objects say of the commits."""
        kustomization = self.objects[0]
        status = bodies[kustomization].get("status") or {}
        attempted = commits_in(status.get("lastAttemptedRevision"))
        applied = commits_in(status.get("lastAppliedRevision"))
        ready = _condition(bodies[kustomization], "Ready") or {}
        if ready.get("status") == "False" and ready.get("reason") in _IS_APPLIED:
            applied += attempted
        faults = [
            fault
            for ref, body in bodies.items()
            # A HelmRelease says what it says of what the Kustomization has applied last.
            for fault in _faults(ref, body, applied if ref.kind == "HelmRelease" else attempted)
        ]
        helm = [body for ref, body in bodies.items() if ref.kind == "HelmRelease"]
        return AgentState(
            title=f"Flux {kustomization.address}",
            suspended=next(filter(None, map(_suspended, bodies, bodies.values())), None),
            faults=tuple(faults),
            applied=applied if all(map(_is_ready, helm)) else (),
        )

    @classmethod
    def applier(cls, body: Object) -> str | None:
        """By the labels that Flux puts on all that it applies."""
        labels = body["metadata"].get("labels") or {}
        for group, kind in ((_HELM, "HelmRelease"), (_KUSTOMIZE, "Kustomization")):
            name, namespace = labels.get(f"{group}/name"), labels.get(f"{group}/namespace")
            if name and namespace:
                ref = ObjectRef(group=group, kind=kind, name=name, namespace=namespace)
                return f"Flux {ref.address}"
        return None

    @property
    def titles(self) -> frozenset[str]:
        """By its Kustomization, or its HelmRelease."""
        return frozenset(f"Flux {ref.address}" for ref in self.objects)

    def _ref(self, group: str, kind: str, name: str) -> ObjectRef:
        return ObjectRef(group=group, kind=kind, name=name, namespace=self.namespace)


def _suspended(ref: ObjectRef, body: Object) -> Fault | None:
    """That somebody has suspended an object."""
    if not body.get("spec", {}).get("suspend"):
        return None
    return Fault(words=f"{ref.address} is suspended", remedy=f"`{ref.merge(_RESUME)}`")


def _faults(ref: ObjectRef, body: Object, commits: tuple[str, ...]) -> list[Fault]:
    """What keeps an object from going on.

    Args:
        ref: The object.
        body: As the API server has it.
        commits: What it has tried last.
    """
    if going := is_going(body, ref):
        return [going]
    look = f"see `kubectl describe {ref.kind.lower()}.{ref.group} {ref.name} -n {ref.namespace}`"
    if not (body.get("status") or {}).get("conditions"):
        words = f"{ref.address} has no conditions: no controller has looked at it yet"
        return [Fault(words=words, remedy="see whether Flux runs", may_pass=True)]
    ready, stalled = _condition(body, "Ready") or {}, _condition(body, "Stalled") or {}
    is_stalled = stalled.get("status") == "True"
    told = stalled if is_stalled else ready
    if not is_stalled and (ready.get("status") != "False" or ready.get("reason") in _IS_APPLIED):
        return []
    words = f"{ref.address}: {told.get('reason')}: {told.get('message')}"
    if not is_stalled and told.get("reason") in _MAY_PASS:
        return [Fault(words=words, remedy=look, may_pass=True)]
    # A source fails for whatever comes next. A Helm upgrade that has failed is of one version.
    is_helm = ref.kind == "HelmRelease"
    is_of_any = ref.kind == "GitRepository" or (is_stalled and not is_helm)
    return [
        Fault(
            words=words,
            remedy=f"mend it in Git, or {look}",
            commits=() if is_of_any else commits,
            of_version=is_helm or is_denied(words),
        )
    ]


def _is_ready(body: Object) -> bool:
    """Whether a HelmRelease has done all that its spec says."""
    return (_condition(body, "Ready") or {}).get("status") == "True"


def _condition(body: Object, kind: str) -> Object | None:
    """A condition that is about the object's spec as it is now."""
    status, generation = body.get("status") or {}, body["metadata"].get("generation", 0)
    for condition in status.get("conditions") or []:
        seen = condition.get("observedGeneration", status.get("observedGeneration", 0))
        if condition["type"] == kind and seen >= generation:
            return condition
    return None
