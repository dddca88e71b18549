"""Kubernetes objects as they stand in a folder of plain manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from shipway.documents.yaml_text import compose, construct, decode
from shipway.errors import RefuseError

NOT_MANIFESTS = frozenset({"rollout.yaml", "holds.yaml", "kustomization.yaml", "kustomization.yml"})

# What others need stands first; every kind not named comes between the two groups.
_FIRST = ("CustomResourceDefinition", "Namespace", "ServiceAccount", "ConfigMap", "Secret")
_LAST = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "PodDisruptionBudget")


class KubeObject(BaseModel):
    """One object: where it stands, what it is, and its whole body."""

    model_config = ConfigDict(frozen=True)

    file: str
    api_version: str
    kind: str
    name: str
    namespace: str | None
    body: dict[str, Any]

    @property
    def file_name(self) -> str:
        """The name of its file, without the folder."""
        return self.file.rpartition("/")[2]

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def title(self) -> str:
        """Kind and name as kubectl writes them."""
        return f"{self.kind}/{self.name}"


def read_objects(files: Mapping[str, bytes], folder: str) -> list[KubeObject]:
    """Every object of a folder's manifests, in the order to apply them.

    Raises:
        RefuseError: A manifest is not YAML, or an object stands twice or lacks kind or name.
    """
    objects: dict[tuple[str, str, str, str | None], KubeObject] = {}
    for file in sorted(files):
        if not file.endswith((".yaml", ".yml")) or _is_for_tools(file):
            continue
        for each in _objects(files[file], f"{folder}/{file}"):
            key = (each.group, each.kind, each.name, each.namespace)
            if key in objects:
                raise stands_twice(each, objects[key])
            objects[key] = each
    return sorted(objects.values(), key=_wave)


def stands_twice(each: KubeObject, first: KubeObject) -> RefuseError:
    """The error for an object that stands in two places."""
    return RefuseError(
        f"{each.title} stands twice.",
        where=each.file,
        expected="each object once",
        got=f"first in {first.file}",
        untouched="the cluster",
    )


def images_of(workload: KubeObject) -> dict[str, str | None]:
    """The image of each container of a workload's pods, by name; empty for anything else."""
    spec = workload.body.get("spec") or {}
    template = spec.get("template") if isinstance(spec, dict) else None
    pod = template.get("spec") or {} if isinstance(template, dict) else {}
    return images_in(pod)


def images_in(pod: dict[str, Any]) -> dict[str, str | None]:
    """The image of each container and init container of a pod's spec, by name."""
    containers = [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]
    return {container["name"]: container.get("image") for container in containers}


def _is_for_tools(file: str) -> bool:
    """Whether a tool reads a file itself, such as the parameters of an Application of Argo CD."""
    return file in NOT_MANIFESTS or file.startswith(".argocd-source")


def _objects(content: bytes, file: str) -> list[KubeObject]:
    """The objects of one file."""
    nodes = compose(decode(content, file, "the cluster"), file, "the cluster")
    documents = [construct(node, file, "the cluster") for node in nodes]
    return [
        _object(each, file)
        for document in documents
        if document is not None
        for each in _items(document)
    ]


def _items(document: Any) -> Iterator[Any]:
    """The objects of a document: itself, or those of a `kind: List` or a typed list."""
    if not _is_list(document):
        yield document
        return
    # Those of a typed list need not say again what they are.
    kind = str(document["kind"]).removesuffix("List")
    head = {"apiVersion": document.get("apiVersion"), "kind": kind} if kind else {}
    for item in document.get("items") or []:
        yield from _items({**head, **item} if isinstance(item, dict) else item)


def _is_list(document: Any) -> bool:
    """Whether a document is a list; a list has no name, a custom kind such as AllowList has."""
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or not kind.endswith("List"):
        return False
    named = isinstance(document.get("metadata"), dict) and "name" in document["metadata"]
    return isinstance(document.get("items"), list | None) and not named and "items" in document


def _object(document: Any, file: str) -> KubeObject:
    try:
        metadata = document["metadata"]
        namespace = metadata.get("namespace")
        return KubeObject(
            file=file,
            api_version=document["apiVersion"],
            kind=document["kind"],
            name=metadata["name"],
            namespace=None if namespace == "" else namespace,
            body=document,
        )
    except (TypeError, KeyError, ValueError) as error:
        raise RefuseError(
            "Not a Kubernetes object.",
            where=file,
            expected="apiVersion, kind and metadata.name",
            got=f"{type(error).__name__}: {error}",
            untouched="the cluster",
        ) from error


def _wave(kube_object: KubeObject) -> tuple[int, int]:
    """The position of an object in the order to apply them."""
    if kube_object.kind in _FIRST:
        return (0, _FIRST.index(kube_object.kind))
    if kube_object.kind in _LAST:
        return (2, _LAST.index(kube_object.kind))
    return (1, 0)
