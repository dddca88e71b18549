"""Argo CD: parameters that it puts over what Git's manifests say, and its Image Updater."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shipway.agents.agent import Object, ObjectRef
from shipway.documents.yaml_text import compose, construct, decode
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.target import Target
from shipway.rollout.writers.other_writer import OtherWriter, names_of, without_version

_UNTOUCHED = "the ops repository and the cluster"
# Of any Application of the folder, and of the one that is named.
_FILE = re.compile(r"\.argocd-source(-.+)?\.yaml")
_UPDATES = "argocd-image-updater.argoproj.io/image-list"
_GUIDE = "docs/moving-in/argo-cd-image-updater.md has the order"


def said_in_parameter_files(folder: OpsFolder, target: Target) -> OtherWriter | None:
    """What a file of parameters, as the Image Updater leaves them in Git, says of our images."""
    for name in sorted(filter(_FILE.fullmatch, folder.files)):
        path = f"{target.folder}/{name}"
        for words in _said(_read(folder.files[name], path), target):
            return OtherWriter(
                who="Argo CD",
                where=path,
                words=words,
                remedy="have the Image Updater leave this Application alone, then take the file "
                f"away; {_GUIDE}",
            )
    return None


def said_by_application(ref: ObjectRef, body: Object, target: Target) -> OtherWriter | None:
    """What an Application says of our images, or has the Image Updater say."""
    if ref.kind != "Application":
        return None
    spec = body.get("spec") or {}
    for source in [spec.get("source"), *(spec.get("sources") or [])]:
        for words in _said(source, target):
            return OtherWriter(
                who="Argo CD",
                where=ref.address,
                words=words,
                remedy="take it out where the Application is made, and out of the cluster: "
                f"`argocd app unset` or `kubectl edit`; {_GUIDE}",
            )
    listed = str((body["metadata"].get("annotations") or {}).get(_UPDATES, ""))
    ours = {name for field in target.image_values for name in names_of(*field)}
    for image in filter(None, map(str.strip, listed.split(","))):
        if without_version(image.rpartition("=")[2]) in ours:
            return OtherWriter(
                who="Argo CD Image Updater",
                where=ref.address,
                words=f"{_UPDATES}: {image}",
                remedy=f"take the annotation out where the Application is made; {_GUIDE}",
            )
    return None


def _read(content: bytes, path: str) -> Any:
    nodes = compose(decode(content, path, _UNTOUCHED), path, _UNTOUCHED)
    return construct(nodes[0], path, _UNTOUCHED) if nodes else None


def _said(source: Any, target: Target) -> Iterator[str]:
    """What a source of an Application puts in the place of images that the release sets."""
    if not isinstance(source, Mapping):
        return
    kustomize, helm = source.get("kustomize") or {}, source.get("helm") or {}
    for field, value in target.image_values:
        names = names_of(field, value)
        for image in kustomize.get("images") or []:
            if without_version(str(image).partition("=")[0]) in names:
                yield f"kustomize.images: {image}"
        if field.kind != "helm":
            continue
        keys = field.name.removeprefix("/").split("/")
        path = ".".join(keys)
        for parameter in [*(helm.get("parameters") or []), *(helm.get("fileParameters") or [])]:
            if f"{parameter.get('name')}.".startswith(f"{path}."):
                yield f"helm: {parameter['name']}"
        if _leads(helm.get("valuesObject"), keys) or _leads(_values(helm), keys):
            yield f"helm: values with {path}"


def _values(helm: Mapping[str, Any]) -> Any:
    text = str(helm.get("values") or "")
    return _read(text.encode(), "values of an Application of Argo CD")


def _leads(values: Any, keys: list[str]) -> bool:
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True
