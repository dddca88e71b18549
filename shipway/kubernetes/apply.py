"""Make the cluster equal to a set of objects: server-side apply, drift, and prune of what it owns.

Ownership is marked as Kubernetes' ApplySet specification (KEP-3659) says: every member carries the
set's id as a label, and a parent ConfigMap names the kinds that the set has had, so that an object
taken out of Git is found and deleted, and nothing else ever is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from kubernetes_asyncio.client import ApiException

from shipway.kubernetes.apply_object import Change, apply_object
from shipway.kubernetes.applyset import (
    APPLIED,
    KINDS,
    NAMESPACES,
    ApplySet,
    listed,
    write_parent,
)
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.ignored import Ignored, ignored_fields
from shipway.kubernetes.membership import Identity, identities, identity_of
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.prune import prune
from shipway.kubernetes.ran_jobs import RAN, goes_by_itself, has_run, hash_of, name_of, ran_jobs
from shipway.kubernetes.refused import refused


async def apply_set(
    client: KubeClient,
    name: str,
    namespace: str,
    objects: list[KubeObject],
    fingerprint: str,
    *,
    heal: bool = True,
    notes: Mapping[str, str] | None = None,
) -> list[Change]:
    """Apply `objects` and delete the members of the set that are not among them.

    Where the fingerprint equals that of the last apply, a difference is drift: Git did not ask
    for it, somebody changed the cluster.

    Args:
        client: The cluster.
        name: Name of the set.
        namespace: Namespace of the set and of every object that names none.
        objects: In the order to apply them.
        fingerprint: Identifies what Git says, such as a tree id.
        heal: Whether drift is put back; otherwise it is only told of.
        notes: Further annotations of the set's parent, such as where it stands in Git.

    Raises:
        RefuseError: The API server does not know a kind or does not accept an object.
        RetryError: The API server is overloaded or fails.
    """
    this_set, notes = ApplySet.of(name, namespace), notes or {}
    try:
        parent = await client.get("v1", "ConfigMap", this_set.name, namespace)
    except ApiException as error:
        raise refused(error, this_set.parent) from error
    annotations: dict[str, str] = parent["metadata"].get("annotations", {}) if parent else {}

    client.forget_kinds()
    # All are known before the first is applied: none of them stands twice.
    known_as = await identities(client, objects, namespace)
    this_pass = _Pass(
        client, this_set, ignored_fields(objects, known_as), annotations, fingerprint, heal
    )
    kinds = {_group_kind(each.api_version, each.kind) for each in objects}
    others = {each.namespace for each in known_as if each.namespace} - {namespace}
    ran = ran_jobs(annotations)

    first = [each for each in objects if each.kind == "Namespace"]
    rest = [each for each in objects if each.kind != "Namespace"]
    done = [await _apply(this_pass, each, ran) for each in first]

    # The parent is written before the members, so that nothing is ever owned without being listed.
    all_kinds = kinds | listed(annotations, KINDS)
    all_others = others | listed(annotations, NAMESPACES)
    await _write_parent(client, this_set, all_kinds, all_others, "", ran, notes)
    for each in rest:
        before = dict(ran)
        done.append(await _apply(this_pass, each, ran))
        # Whatever becomes of those after it: a Job that ran does not run again.
        if ran != before:
            await _write_parent(client, this_set, all_kinds, all_others, "", ran, notes)
    deleted = await prune(
        client,
        this_set.id,
        all_kinds,
        {*all_others, *(each.identity.namespace or namespace for each in done), namespace},
        {each.identity for each in done},
        {each.uid for each in done if each.uid},
    )
    jobs = {name_of(each.identity) for each in done if each.identity.kind == "Job"}
    ran = {name: manifest for name, manifest in ran.items() if name in jobs}
    # A kind that was not served before the pass may have shown its scope since.
    others = {each.identity.namespace for each in done if each.identity.namespace} - {namespace}
    await _write_parent(client, this_set, kinds, others, fingerprint, ran, notes)
    changes = [each.change for each in done]
    return changes + [Change(title=title, action="deleted") for title in deleted]


class _Done(NamedTuple):
    """What happened to one object, and which one it is; one that is not there has no uid."""

    change: Change
    identity: Identity
    uid: str | None


async def applied_fingerprint(client: KubeClient, name: str, namespace: str) -> str | None:
    """What was applied last of a set; None where nothing was, or where it is not over."""
    parent = await client.get("v1", "ConfigMap", ApplySet.of(name, namespace).name, namespace)
    return ((parent or {}).get("metadata", {}).get("annotations") or {}).get(APPLIED) or None


class _Pass(NamedTuple):
    """What is equal for all objects of a pass."""

    client: KubeClient
    this_set: ApplySet
    ignored: Mapping[Identity, Ignored]
    annotations: Mapping[str, str]
    fingerprint: str
    heal: bool

    @property
    def drifts(self) -> bool:
        """Whether Git says what it said the last time, so that a difference is drift."""
        return self.annotations.get(APPLIED) == self.fingerprint


async def _apply(this_pass: _Pass, desired: KubeObject, ran: dict[str, str]) -> _Done:
    """Apply one object, where the cluster does not have it as it stands in Git.

    Args:
        this_pass: The pass.
        desired: The object.
        ran: The Jobs that ran; this one is added to them.
    """
    client = this_pass.client
    identity = await identity_of(client, desired, this_pass.this_set.namespace)
    try:
        change, now = await apply_object(
            client,
            desired,
            identity.namespace,
            this_pass.this_set.id,
            this_pass.ignored.get(identity, Ignored()),
            has_run=has_run(identity, desired.body, ran),
            drifts=this_pass.drifts,
            heal=this_pass.heal,
        )
    except ApiException as error:
        raise refused(error, desired) from error
    if desired.kind == "CustomResourceDefinition":
        client.forget_kinds()
    if now is not None and change.action != "left" and goes_by_itself(identity, now):
        ran[name_of(identity)] = hash_of(desired.body)
    return _Done(change, identity, now["metadata"]["uid"] if now else None)


async def _write_parent(
    client: KubeClient,
    this_set: ApplySet,
    kinds: set[str],
    other_namespaces: set[str],
    fingerprint: str,
    ran: Mapping[str, str],
    notes: Mapping[str, str],
) -> None:
    """Write the set's parent: the kinds and namespaces of its members, and what was applied."""
    annotations = {
        **notes,
        KINDS: ",".join(sorted(kinds)),
        NAMESPACES: ",".join(sorted(other_namespaces)),
        APPLIED: fingerprint,
        **({RAN: json.dumps(ran, sort_keys=True)} if ran else {}),
    }
    await write_parent(client, this_set, annotations)


def _group_kind(api_version: str, kind: str) -> str:
    """A kind as the ApplySet's annotations list it, such as `Deployment.apps`."""
    group = api_version.rpartition("/")[0]
    return f"{kind}.{group}" if group else kind
