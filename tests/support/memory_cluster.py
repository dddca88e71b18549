"""A cluster in memory, for the unit tests; test_kube.py holds it to what a real one does."""

from __future__ import annotations

import copy
import json
from typing import Any

from kubernetes_asyncio.client import ApiException

from shipway.kubernetes.client import Resource

Key = tuple[str, str | None, str]

CLUSTER_WIDE = {"Namespace", "CustomResourceDefinition", "ClusterRole"}
GROUPS = {
    "apps": "apps/v1",
    "example.org": "example.org/v2",
    "apiextensions.k8s.io": "apiextensions.k8s.io/v1",
}


def api_error(status: int, message: str) -> ApiException:
    error = ApiException(status=status, reason="Reason")
    error.body = json.dumps({"kind": "Status", "message": message})
    return error


class MemoryCluster:
    """A cluster's objects in a dictionary, with the methods of KubeClient that apply_set needs."""

    def __init__(self, *namespaces: str) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.log: list[str] = []
        self.refuses: dict[str, ApiException] = {}
        for name in namespaces:
            self.put({"kind": "Namespace", "metadata": {"name": name}}, None)

    def put(self, body: dict[str, Any], namespace: str | None = "shop") -> None:
        key = (body["kind"], namespace, body["metadata"]["name"])
        self.objects[key] = copy.deepcopy(body)

    def parent(self) -> dict[str, Any]:
        return self.objects["ConfigMap", "shop", "shipway.shop"]["metadata"]

    def titles(self) -> list[str]:
        return sorted(
            f"{kind}/{name}" for kind, _, name in self.objects if not name.startswith("shipway.")
        )

    async def resource(self, api_version: str, kind: str) -> Resource:
        return Resource(api_version, kind.lower(), kind not in CLUSTER_WIDE)

    async def preferred_version(self, group: str) -> str | None:
        return GROUPS.get(group) if group else "v1"

    async def get(
        self, api_version: str, kind: str, name: str, namespace: str | None
    ) -> dict[str, Any] | None:
        assert api_version
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    async def list(
        self, api_version: str, kind: str, namespace: str | None, selector: str
    ) -> list[dict[str, Any]]:
        assert api_version
        where = None if kind in CLUSTER_WIDE else namespace
        label, _, value = selector.partition("=")
        return [
            copy.deepcopy(body)
            for (of_kind, inside, _), body in self.objects.items()
            if (of_kind, inside) == (kind, where)
            and (body["metadata"].get("labels") or {}).get(label) == value
        ]

    async def apply(
        self, body: dict[str, Any], namespace: str | None, manager: str, *, dry_run: bool = False
    ) -> dict[str, Any]:
        assert manager == "shipway"
        kind, name = body["kind"], body["metadata"]["name"]
        if name in self.refuses:
            raise self.refuses[name]
        if namespace is not None and ("Namespace", None, namespace) not in self.objects:
            raise api_error(404, f'namespaces "{namespace}" not found')
        if not dry_run:
            self.log.append(f"{kind}/{name}")
            self.put(body, namespace)
        return copy.deepcopy(body)

    async def delete(self, api_version: str, kind: str, name: str, namespace: str | None) -> None:
        assert api_version
        key = (kind, None if kind in CLUSTER_WIDE else namespace, name)
        if key not in self.objects:
            raise api_error(404, f"{kind.lower()}s {name!r} not found")
        self.log.append(f"delete {kind}/{name}")
        del self.objects[key]
