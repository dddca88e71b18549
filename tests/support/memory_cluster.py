"""A cluster in memory, for the unit tests; test_kube.py holds it to what a real one does.

It answers requests, so that what KubeClient makes of the answers is tested along with the rest.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from itertools import count
from typing import Any, cast

from kubernetes_asyncio.client import ApiClient, ApiException

from shipway.kubernetes.client import APPLY, MERGE, KubeClient

Object = dict[str, Any]
Path = tuple[str, ...]

# A kind as ApplySets list it, such as Deployment.apps; a namespace, if it has one; a name.
Key = tuple[str, str | None, str]

NAMESPACED, CLUSTER_WIDE = True, False
# What is served, by apiVersion; of a group's versions, the preferred one stands last.
SERVED = {
    "v1": {
        "ConfigMap": NAMESPACED,
        "Endpoints": NAMESPACED,
        "Secret": NAMESPACED,
        "Service": NAMESPACED,
        "Namespace": CLUSTER_WIDE,
        "PersistentVolume": CLUSTER_WIDE,
        "PersistentVolumeClaim": NAMESPACED,
    },
    "apps/v1": {"Deployment": NAMESPACED, "StatefulSet": NAMESPACED},
    "autoscaling/v2": {"HorizontalPodAutoscaler": NAMESPACED},
    "batch/v1": {"Job": NAMESPACED},
    "rbac.authorization.k8s.io/v1": {
        "ClusterRole": CLUSTER_WIDE,
        "ClusterRoleBinding": CLUSTER_WIDE,
        "RoleBinding": NAMESPACED,
    },
    "apiextensions.k8s.io/v1": {"CustomResourceDefinition": CLUSTER_WIDE},
    "example.org/v1": {"Widget": NAMESPACED},
    "example.org/v2": {"Widget": NAMESPACED},
}
IMMUTABLE: dict[str, Path] = {
    "Deployment.apps": ("spec", "selector"),
    "StatefulSet.apps": ("spec", "volumeClaimTemplates"),
    "Job.batch": ("spec", "template"),
    "ClusterRoleBinding.rbac.authorization.k8s.io": ("roleRef",),
    "RoleBinding.rbac.authorization.k8s.io": ("roleRef",),
}

_PATH = re.compile(
    r"/apis?/(?P<version>v1|[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"(?:/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?)?"
)


def api_error(status: int, message: str) -> ApiException:
    error = ApiException(status=status, reason="Reason")
    error.body = json.dumps({"kind": "Status", "message": message})
    return error


class MemoryCluster(KubeClient):
    """A cluster's objects in a dictionary, with the requests of KubeClient that apply_set needs.

    Attributes:
        objects: What there is.
        log: What was applied and deleted, in order.
        requests: All that was asked for.
        refuses: The error for every write of an object of that name.
        fails_to_delete: The error for every try to delete an object of that name.
        served: The kinds of each apiVersion, and whether they have namespaces.
        lingers: For how many requests an object of a name is still there once it is deleted.
        stored_as: Kinds of one group whose objects are those of another group.
    """

    def __init__(self, *namespaces: str) -> None:
        super().__init__(cast("ApiClient", None))
        self.objects: dict[Key, Object] = {}
        self.log: list[str] = []
        self.requests: list[str] = []
        self.refuses: dict[str, ApiException] = {}
        self.fails_to_delete: dict[str, ApiException] = {}
        self.served = copy.deepcopy(SERVED)
        self.lingers: dict[str, int] = {}
        self.stored_as: dict[str, str] = {}
        self._uids = count(1)
        for name in namespaces:
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, None)

    def put(self, body: Object, namespace: str | None = "shop") -> None:
        """Have an object there, by nobody's hand."""
        key = (_group_kind(body["apiVersion"], body["kind"]), namespace, body["metadata"]["name"])
        where = {"namespace": namespace} if namespace else {}
        metadata = {**body["metadata"], **where, "uid": self._uid()}
        self.objects[key] = copy.deepcopy({**body, "metadata": metadata})

    def parent(self) -> Object:
        return self.objects["ConfigMap", "shop", "shipway.shop"]["metadata"]

    def titles(self) -> list[str]:
        return sorted(
            f"{kind.partition('.')[0]}/{name}"
            for kind, _, name in self.objects
            if not name.startswith("shipway.")
        )

    async def call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Object | None = None,
        patch: str = APPLY,
    ) -> Any:
        self.requests.append(f"{method} {path}")
        if path == "/apis":
            return {"groups": self._groups()}
        parts = _PATH.fullmatch(path)
        assert parts, path
        version, namespace, plural, name = parts.group("version", "namespace", "plural", "name")
        kinds = self.served.get(version)
        if kinds is None:
            raise api_error(404, "the server could not find the requested resource")
        if plural is None:
            return {
                "resources": [
                    {"name": _plural(kind), "kind": kind, "namespaced": namespaced}
                    for kind, namespaced in kinds.items()
                ]
            }
        kind = {_plural(kind): kind for kind in kinds}.get(plural)
        if kind is None or kinds[kind] < bool(namespace):
            raise api_error(404, "the server could not find the requested resource")
        group_kind = _group_kind(version, kind)
        stored = self.stored_as.get(group_kind, group_kind)
        if name is not None and patch == MERGE:
            assert body is not None
            return self._merge((stored, namespace, name), body)
        if name is not None:
            return self._one(method, (stored, namespace, name), query or {}, body)
        if method == "GET":
            return {"items": self._list(stored, namespace, query or {})}
        assert body is not None
        return self._create(stored, namespace, body, dry_run="dryRun" in (query or {}))

    def _one(self, method: str, key: Key, query: dict[str, str], body: Object | None) -> Object:
        """A request about one object."""
        if method == "PATCH":
            assert body is not None
            return self._apply(key, body, query["fieldManager"], dry_run="dryRun" in query)
        kind, _, name = key
        if key not in self.objects:
            raise api_error(404, f'{kind} "{name}" not found')
        metadata = self.objects[key]["metadata"]
        if method == "DELETE":
            if name in self.fails_to_delete:
                raise self.fails_to_delete[name]
            self.log.append(f"delete {kind.partition('.')[0]}/{name}")
            metadata["deletionTimestamp"] = "2026-11-24T12:00:00Z"
        found = copy.deepcopy(self.objects[key])
        if "deletionTimestamp" in metadata:
            self.lingers[name] = self.lingers.get(name, 0) - 1
            if self.lingers[name] < 0:
                del self.objects[key]
        return found

    def _merge(self, key: Key, body: Object) -> Object:
        """Merge annotations into an object that is there."""
        if key[2] in self.refuses:
            raise self.refuses[key[2]]
        if key not in self.objects:
            raise api_error(404, f'{key[0]} "{key[2]}" not found')
        metadata = self.objects[key]["metadata"]
        metadata["annotations"] = metadata.get("annotations", {}) | body["metadata"]["annotations"]
        self.log.append(f"annotate {key[0].partition('.')[0]}/{key[2]}")
        return copy.deepcopy(self.objects[key])

    def _groups(self) -> list[Object]:
        versions: dict[str, list[Object]] = {}
        for version in self.served:
            if group := version.rpartition("/")[0]:
                versions.setdefault(group, []).append({"groupVersion": version})
        return [
            {"name": group, "preferredVersion": of[-1], "versions": of}
            for group, of in versions.items()
        ]

    def _list(self, kind: str, namespace: str | None, query: dict[str, str]) -> list[Object]:
        label, is_equal, value = query["labelSelector"].partition("=")
        return [
            copy.deepcopy(body)
            for (of_kind, inside, _), body in self.objects.items()
            if of_kind == kind and namespace in {None, inside}
            for labels in [body["metadata"].get("labels") or {}]
            if not label or (label in labels and (not is_equal or labels[label] == value))
        ]

    def _create(self, kind: str, namespace: str | None, body: Object, *, dry_run: bool) -> Object:
        metadata = body["metadata"]
        name = metadata.get("name") or f"{metadata['generateName']}12345"
        self._admit(namespace, name, body)
        if (kind, namespace, name) in self.objects:
            raise api_error(409, f'"{name}" already exists')
        if not dry_run:
            self.log.append(f"{body['kind']}/{name}")
            self.put(body, namespace)
        return copy.deepcopy(body)

    def _apply(self, key: Key, body: Object, manager: str, *, dry_run: bool) -> Object:
        kind, namespace, name = key
        self._admit(namespace, name, body)
        live = self.objects.get(key)
        applied = _merged(live or {"metadata": {"uid": self._uid()}}, body, manager)
        applied["metadata"] = {"name": name, **applied["metadata"]}
        if namespace:
            applied["metadata"]["namespace"] = namespace
        sealed = live and live.get("immutable")
        fixed = ("data",) if sealed else IMMUTABLE.get(kind, ("kind",))
        if live and _at(live, fixed) != _at(applied, fixed):
            raise api_error(422, f'"{name}" is invalid: {".".join(fixed)}: field is immutable')
        if not dry_run:
            self.log.append(f"{body['kind']}/{name}")
            self.objects[key] = copy.deepcopy(applied)
        return applied

    def _admit(self, namespace: str | None, name: str, body: Object) -> None:
        if name in self.refuses:
            raise self.refuses[name]
        if namespace is not None and ("Namespace", None, namespace) not in self.objects:
            raise api_error(404, f'namespaces "{namespace}" not found')
        if namespace and body["metadata"].get("namespace") not in {None, "", namespace}:
            raise api_error(400, "the namespace of the object does not match the request's")
        if _at(body, ("spec", "template", "spec", "restartPolicy")) == "Sometimes":
            raise api_error(422, f'"{name}" is invalid: restartPolicy: Unsupported value')

    def _uid(self) -> str:
        return f"uid-{next(self._uids)}"


def _merged(live: Object, body: Object, manager: str) -> Object:
    """Server-side apply: what the manager no longer names goes, unless another holds it too."""
    result = copy.deepcopy(live)
    fields = {path: value for path, value in _leaves(body) if path not in _NOT_HELD}
    held = {
        entry["manager"]: {path for path, _ in _leaves(entry["fieldsV1"])}
        for entry in result["metadata"].pop("managedFields", [])
    }
    others = [paths for other, paths in held.items() if other != manager]
    for path in held.get(manager, set()) - {_f(path) for path in fields}:
        if not any(path in paths for paths in others):
            _remove(result, tuple(part.removeprefix("f:") for part in path))
    for path, value in fields.items():
        for paths in others:
            if _at(result, path) != value:
                paths.discard(_f(path))
        _set(result, path, copy.deepcopy(value))
    held[manager] = {_f(path) for path in fields}
    entries: list[Object] = []
    for each, paths in held.items():
        tree: Object = {}
        for path in sorted(paths):
            _set(tree, path, {})
        entries.append({"manager": each, "operation": "Apply", "fieldsV1": tree})
    result |= {"apiVersion": body["apiVersion"], "kind": body["kind"]}
    result["metadata"] |= {"managedFields": entries}
    return result


_NOT_HELD: set[Path] = {
    ("apiVersion",),
    ("kind",),
    ("metadata", "name"),
    ("metadata", "namespace"),
}


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif path:
        yield path, value


def _f(path: Path) -> Path:
    return tuple(f"f:{part}" for part in path)


def _at(body: Any, path: Path) -> Any:
    for part in path:
        body = body.get(part) if isinstance(body, dict) else None
    return body


def _set(body: Object, path: Path, value: Any) -> None:
    for part in path[:-1]:
        inner = body.get(part)
        body[part] = body = inner if isinstance(inner, dict) else {}
    body[path[-1]] = value


def _remove(body: Object, path: Path) -> None:
    inner = _at(body, path[:-1])
    if isinstance(inner, dict):
        inner.pop(path[-1], None)


def _group_kind(api_version: str, kind: str) -> str:
    group = api_version.rpartition("/")[0]
    return f"{kind}.{group}" if group else kind


def _plural(kind: str) -> str:
    return f"{kind.lower()}s"
