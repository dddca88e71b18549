"""A workload with what belongs to it by owner reference, never by labels alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from shipway.kubernetes.pods import is_over

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "controller-revision-hash"

Object = dict[str, Any]


class Observed(BaseModel):
    """A workload as the cluster has it.

    Attributes:
        workload: A Deployment, StatefulSet or DaemonSet.
        revisions: ReplicaSets for a Deployment, ControllerRevisions for the others; any of them.
        pods: Pods; those of others and those that are over count for nothing.
        events: Warnings of the namespace.
    """

    model_config = ConfigDict(frozen=True)

    workload: Object
    revisions: tuple[Object, ...]
    pods: tuple[Object, ...]
    events: tuple[Object, ...] = ()

    @cached_property
    def new_revision(self) -> Object | None:
        """What the controller made of the workload as it is now; None if it has not yet."""
        return _new_revision(self.workload, self.revisions)

    @cached_property
    def owned_pods(self) -> list[Object]:
        """The workload's pods that are not over."""
        owners = _pod_owners(self.workload, self.revisions)
        return [pod for pod in self.pods if _owner(pod) in owners and not is_over(pod)]

    @cached_property
    def new_pods(self) -> list[Object]:
        """Those of the new revision."""
        return [pod for pod in self.owned_pods if self._is_new(pod)]

    @cached_property
    def old_pods(self) -> list[Object]:
        """Those of the revisions before."""
        return [pod for pod in self.owned_pods if not self._is_new(pod)]

    def _is_new(self, pod: Object) -> bool:
        """Whether a pod is of the new revision."""
        if self.new_revision is None:
            return False
        if self.workload["kind"] == "Deployment":
            return _owner(pod) == _uid(self.new_revision)
        wanted = self.new_revision["metadata"].get("labels", {}).get(_HASH)
        hashes = {wanted, self.new_revision["metadata"]["name"]} - {None}
        return pod["metadata"].get("labels", {}).get(_HASH) in hashes


def _new_revision(workload: Object, revisions: Sequence[Object]) -> Object | None:
    """The revision that the controller made last; a StatefulSet may go back to an earlier one."""
    owned = [each for each in revisions if _owner(each) == _uid(workload)]
    if workload["kind"] == "Deployment":
        number = _annotation(workload, _REVISION)
        return next((one for one in owned if _annotation(one, _REVISION) == number), None)
    if workload["kind"] == "StatefulSet":
        name = workload.get("status", {}).get("updateRevision")
        return next((one for one in owned if one["metadata"]["name"] == name), None)
    return max(owned, key=lambda one: int(one["revision"]), default=None)


def _pod_owners(workload: Object, revisions: Sequence[Object]) -> set[str | None]:
    """The ids of what its pods belong to: itself, or its ReplicaSets."""
    owners = {_uid(workload)}
    if workload["kind"] == "Deployment":
        return {_uid(each) for each in revisions if _owner(each) in owners}
    return owners


def _uid(body: Object) -> str | None:
    """An object's own id, which no other one ever has."""
    return body["metadata"].get("uid")


def _owner(body: Object) -> str | None:
    """The id of the controller that an object belongs to."""
    owners = body["metadata"].get("ownerReferences", [])
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def _annotation(body: Object, name: str) -> str | None:
    """An annotation."""
    return body["metadata"].get("annotations", {}).get(name)
