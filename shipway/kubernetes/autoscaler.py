"""HorizontalPodAutoscalers: what they scale, and between which bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from shipway.kubernetes.objects import KubeObject


class ScaleTarget(NamedTuple):
    """The workload that an autoscaler scales, in the autoscaler's namespace."""

    group: str
    kind: str
    name: str


class Autoscaler(BaseModel):
    """An autoscaler's bounds.

    Attributes:
        title: Kind and name.
        minimum: It keeps no fewer pods.
        maximum: It makes no more; None where its manifest does not say.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    minimum: int = 1
    maximum: int | None = None

    def bounded(self, pods: int) -> int:
        """The number of pods within the bounds that is nearest."""
        most = pods if self.maximum is None else min(pods, self.maximum)
        return max(most, self.minimum)


def is_autoscaler(kube_object: KubeObject) -> bool:
    """Whether an object is a HorizontalPodAutoscaler, of whatever version."""
    kind = (kube_object.group, kube_object.kind)
    return kind == ("autoscaling", "HorizontalPodAutoscaler")


def scale_target(autoscaler: KubeObject) -> ScaleTarget:
    """What an autoscaler scales; empty names where its manifest does not say."""
    target = _mapping(_mapping(autoscaler.body, "spec"), "scaleTargetRef")
    version, kind, name = (str(target.get(key, "")) for key in ("apiVersion", "kind", "name"))
    return ScaleTarget(version.rpartition("/")[0], kind, name)


def autoscaler_of(
    workload: KubeObject, objects: Iterable[KubeObject], namespace: str | None
) -> Autoscaler | None:
    """The autoscaler among some objects that scales a workload.

    Args:
        workload: The workload.
        objects: All objects of its folder.
        namespace: The namespace of those that name none.
    """
    target = ScaleTarget(workload.group, workload.kind, workload.name)
    where = workload.namespace or namespace
    for candidate in objects:
        if not is_autoscaler(candidate) or (candidate.namespace or namespace) != where:
            continue
        if scale_target(candidate) == target:
            spec = _mapping(candidate.body, "spec")
            return Autoscaler(
                title=candidate.title,
                minimum=_number(spec.get("minReplicas")) or 1,
                maximum=_number(spec.get("maxReplicas")),
            )
    return None


def _mapping(body: Any, key: str) -> dict[str, Any]:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None
