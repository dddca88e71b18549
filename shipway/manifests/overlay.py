"""What an overlay of Kustomize takes from its own folder: whole manifests, patches, numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import normpath

from yaml.nodes import Node, ScalarNode

from shipway.errors import RefuseError
from shipway.manifests.source import (
    UNTOUCHED,
    Source,
    fields,
    items_of,
    objects_of,
    read_source,
)

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# With anything else in it, a patch's target may be another object, or several.
_TARGET = frozenset({"group", "version", "kind", "name"})


@dataclass(frozen=True)
class Overlay:
    """What a kustomization takes from its own folder.

    Attributes:
        file: Its name.
        manifests: The files with whole objects, and with patches of one object each.
        counted: The workloads whose number of pods stands in `replicas:`, by name.
    """

    file: str
    manifests: tuple[str, ...]
    counted: tuple[str, ...]


def read_overlay(files: Mapping[str, bytes], folder: str) -> Overlay:
    """What the kustomization of a folder takes from it.

    Args:
        files: The folder's files, by name.
        folder: The folder's name, for errors.

    Raises:
        RefuseError: There is no kustomization, or it is not YAML.
    """
    file = next((name for name in KUSTOMIZATIONS if name in files), None)
    if file is None:
        raise RefuseError(
            "There is no kustomization.yaml.",
            where=folder,
            expected="one, for `render: {kustomize: …}` in rollout.yaml",
            got=", ".join(sorted(files)),
            untouched=UNTOUCHED,
            remedy="add it, or take `render` out of rollout.yaml",
        )
    source = read_source(files[file], f"{folder}/{file}")
    named = dict.fromkeys(normpath(name) for name in _named(source, files, folder))
    return Overlay(
        file=file,
        manifests=tuple(name for name in named if name in files),
        counted=tuple(_text(fields(entry).get("name")) for entry in items_of(source, "replicas")),
    )


def _named(source: Source, files: Mapping[str, bytes], folder: str) -> Iterator[str]:
    """The paths of whole objects, and of patches of one object each."""
    for key in ("resources", "patchesStrategicMerge"):
        yield from (_text(item) for item in items_of(source, key))
    for patch in items_of(source, "patches"):
        path, target = _text(fields(patch).get("path")), fields(patch).get("target")
        if target is None or _is_for_its_own(target, path, files, folder):
            yield path


def _is_for_its_own(target: Node, path: str, files: Mapping[str, bytes], folder: str) -> bool:
    """Whether a patch with a target is for the very object that it names itself."""
    name = normpath(path)
    if name not in files or not fields(target).keys() <= _TARGET:
        return False
    titles = [title for title, _ in objects_of(read_source(files[name], f"{folder}/{name}"))]
    return titles == ["/".join(_text(fields(target).get(key)) for key in ("kind", "name"))]


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, ScalarNode) else ""
