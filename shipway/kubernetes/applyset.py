"""A set of objects, by its parent: a ConfigMap that says of what kinds its members are, and where.

It is that of Kubernetes' ApplySet specification (KEP-3659).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.membership import FIELD_MANAGER
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import words_of

SET_ID = "applyset.kubernetes.io/id"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
TOOLING = "applyset.kubernetes.io/tooling"
APPLIED = "shipway.dev/applied"

TOOL = "shipway/v1"
_PREFIX = "shipway."


class ApplySet(NamedTuple):
    """The set's parent, a ConfigMap."""

    name: str
    namespace: str

    @classmethod
    def of(cls, app: str, namespace: str) -> ApplySet:
        """The set of an app whose objects are in a namespace."""
        return cls(f"{_PREFIX}{app}", namespace)

    @property
    def app(self) -> str:
        """The app."""
        return self.name.removeprefix(_PREFIX)

    @property
    def id(self) -> str:
        """The value of the label that members have."""
        digest = hashlib.sha256(f"{self.name}.{self.namespace}.ConfigMap.".encode()).digest()
        return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"

    @property
    def parent(self) -> KubeObject:
        """The parent, as errors name it."""
        return KubeObject(
            file=f"namespace {self.namespace}",
            api_version="v1",
            kind="ConfigMap",
            name=self.name,
            namespace=self.namespace,
            body={},
        )


def listed(annotations: Mapping[str, str], key: str) -> set[str]:
    """The names that an annotation lists."""
    return {name for name in annotations.get(key, "").split(",") if name}


async def write_parent(
    client: KubeClient, this_set: ApplySet, annotations: Mapping[str, str]
) -> None:
    """Write a set's parent; an annotation of Shipway's that is not among these goes.

    Raises:
        RefuseError: The API server does not take it.
    """
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": this_set.name,
            "namespace": this_set.namespace,
            "labels": {SET_ID: this_set.id},
            "annotations": {TOOLING: TOOL, **annotations},
        },
    }
    try:
        await client.apply(body, this_set.namespace, FIELD_MANAGER)
    except ApiException as error:
        raise RefuseError(
            "The namespace cannot take the release.",
            where=f"namespace {this_set.namespace}",
            expected="an existing namespace, or a Namespace among the manifests",
            got=words_of(error),
            untouched="the cluster",
        ) from error
