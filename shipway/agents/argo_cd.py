"""Argo CD: an Application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

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

_GROUP = "argoproj.io"
_SKIP = "argocd.argoproj.io/skip-reconcile"
_TRACKING = "argocd.argoproj.io/tracking-id"
# What is known to be no fault, among the conditions of an Application.
_WARNING = "Warning"
# Argo CD keeps an error in mind once manifests could not be made several times in a row. Up to
# then it looks the same as a Git server that does not answer.
_GIVEN_UP = "Manifest generation error (cached)"
_MAY_PASS = frozenset({"ComparisonError", "UnknownError"})


class ArgoCd(AgentSettings):
    """An Application of Argo CD."""

    # Any value but `hard` is a normal refresh.
    nudge: ClassVar[str | None] = "argocd.argoproj.io/refresh"
    managers: ClassVar[frozenset[str]] = frozenset({"argocd-controller"})
    # Helm's hooks are Argo CD's, too.
    hooks: ClassVar[frozenset[str]] = frozenset({"argocd.argoproj.io/hook", "helm.sh/hook"})

    application: ObjectName = Field(description="Name of the Application that applies the folder.")
    namespace: Name = Field(default="argocd", description="Its namespace.")

    @property
    def objects(self) -> tuple[ObjectRef, ...]:
        """The Application."""
        return (
            ObjectRef(
                group=_GROUP,
                kind="Application",
                name=self.application,
                namespace=self.namespace,
            ),
        )

    def state(self, bodies: Mapping[ObjectRef, Object]) -> AgentState:
        """What the Application says of the commits."""
        ((ref, body),) = bodies.items()
        status = body.get("status") or {}
        synced = _revisions(status.get("sync"))
        is_synced = (status.get("sync") or {}).get("status") == "Synced"
        operation = status.get("operationState") or {}
        tried = _revisions(operation.get("syncResult")) or _revisions(
            (operation.get("operation") or {}).get("sync")
        )
        phase = operation.get("phase")
        faults = _told(ref, body)
        # One that was put right since, by whomever, is over.
        if phase in {"Failed", "Error"} and not (is_synced and {*tried} & {*synced}):
            faults.append(_failed(ref, operation, tried))
        if going := is_going(body, ref):
            faults.append(going)
        applied = synced if is_synced else ()
        return AgentState(
            title=f"Argo CD {ref.address}",
            suspended=_suspended(ref, body),
            faults=tuple(faults),
            applied=(*applied, *tried) if phase == "Succeeded" else applied,
            warnings=tuple(
                f"{each['type']}: {each.get('message')}"
                for each in status.get("conditions") or []
                if each["type"] == "SharedResourceWarning"
            ),
        )

    @classmethod
    def applier(cls, body: Object) -> str | None:
        """By the annotation with which Argo CD tracks; a copy on another object counts for none."""
        metadata = body["metadata"]
        tracking = str((metadata.get("annotations") or {}).get(_TRACKING, ""))
        application, _, tracked = tracking.partition(":")
        if not tracked.endswith(f"{body['kind']}:{metadata.get('namespace')}/{metadata['name']}"):
            return None
        return f"Argo CD Application/{application}"

    @property
    def titles(self) -> frozenset[str]:
        """By its name; one in another namespace than Argo CD's with that namespace before it."""
        names = (self.application, f"{self.namespace}_{self.application}")
        return frozenset(f"Argo CD Application/{name}" for name in names)


def _suspended(ref: ObjectRef, body: Object) -> Fault | None:
    """That somebody has to sync it, or that it is not looked at."""
    annotations = body["metadata"].get("annotations") or {}
    if annotations.get(_SKIP) == "true":
        patch = json.dumps({"metadata": {"annotations": {_SKIP: None}}})
        return Fault(
            words=f"{ref.address} has the annotation {_SKIP}", remedy=f"`{ref.merge(patch)}`"
        )
    automated = (body.get("spec", {}).get("syncPolicy") or {}).get("automated")
    if automated is None or automated.get("enabled") is False:
        patch = json.dumps({"spec": {"syncPolicy": {"automated": {"enabled": True}}}})
        return Fault(
            words=f"the automated sync of {ref.address} is off: it waits for a person",
            remedy=f"`{ref.merge(patch)}`, or switch it on where the Application is made",
        )
    return None


def _told(ref: ObjectRef, body: Object) -> list[Fault]:
    """The faults that the Application's conditions tell; a kind that is not known is one."""
    status, look = body.get("status") or {}, f"see `argocd app get {ref.namespace}/{ref.name}`"
    if not (status.get("sync") or {}).get("status"):
        words = f"{ref.address} has no sync status: no controller has looked at it yet"
        return [Fault(words=words, remedy="see whether Argo CD runs", may_pass=True)]
    faults: list[Fault] = []
    for condition in status.get("conditions") or []:
        kind, message = condition["type"], str(condition.get("message"))
        if kind.endswith(_WARNING):
            continue
        faults.append(
            Fault(
                words=f"{ref.address}: {kind}: {message}",
                remedy=look,
                may_pass=kind in _MAY_PASS and _GIVEN_UP not in message,
                # A sync is of the commits that it names; all else is in the way of any commit.
                commits=commits_in(message) if kind == "SyncError" else (),
                of_version=is_denied(message),
            )
        )
    return faults


def _failed(ref: ObjectRef, operation: Object, tried: tuple[str, ...]) -> Fault:
    """The fault of a sync that failed, with what it says of each object."""
    results: list[Object] = (operation.get("syncResult") or {}).get("resources") or []
    of_objects = [
        f"{each.get('kind')}/{each.get('name')}: {each.get('message')}"
        for each in results
        if each.get("status") == "SyncFailed"
    ]
    head = f"{ref.address}: sync {operation['phase']}: {operation.get('message')}"
    words = "\n".join([head, *of_objects])
    return Fault(
        words=words,
        remedy=f"mend it in Git, or see `argocd app get {ref.namespace}/{ref.name}`",
        commits=tried,
        of_version=is_denied(words),
    )


def _revisions(told: Any) -> tuple[str, ...]:
    """The commits of an Application with one source, or with several."""
    told = told or {}
    return commits_in(*(told.get("revisions") or []), told.get("revision"))
