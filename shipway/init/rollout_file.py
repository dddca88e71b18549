"""The rollout.yaml of a folder whose manifests are there: what a team that moves in lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from posixpath import normpath
from typing import NamedTuple

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipway.app_environment import AppEnvironment
from shipway.config import rollout
from shipway.errors import RefuseError
from shipway.image_ref import repository_of
from shipway.init.new_file import UNTOUCHED, NewFile
from shipway.manifests.source import (
    Source,
    fields,
    items_of,
    objects_of,
    read_source,
    walk,
)

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
_LEADS = ("resources", "components", "bases")
_TEXT = """\
# How {environment} takes a new version.
strategy: rolling
namespace: {namespace}
images:
  - {{{image}}}
{render}# Whoever applies this folder now goes on. Without this line, Shipway's own agent does.
agent: external
"""


class _Image(NamedTuple):
    """An image of the folder: what names it, and the keys that lead to it."""

    name: str
    repository: str | None
    keys: str


def rollout_file(where: AppEnvironment, root: Path) -> NewFile:
    """The rollout.yaml for manifests that others have written.

    Args:
        where: Whose folder it is.
        root: The ops repository.

    Raises:
        RefuseError: They do not say which image is the app's, or in which namespace it runs; or one
            is not YAML.
    """
    folder = root / where.folder
    sources = [
        read_source(file.read_bytes(), f"{where.folder}/{file.name}")
        for file in sorted(folder.iterdir())
        if file.suffix in {".yaml", ".yml"} and not file.name.startswith(".")
    ]
    overlay = next((each for each in sources if _name(each) in _KUSTOMIZATIONS), None)
    if overlay is None:
        images = [image for source in sources for image in _containers(source)]
    else:
        images = list(_entries(overlay))
    image = _ours(where, images)
    include = _include(root, where.folder) if overlay else []
    render = f"render:\n  kustomize: {{include: [{', '.join(include)}]}}\n" if overlay else ""
    text = _TEXT.format(
        environment=where.environment,
        namespace=_namespace(where, sources),
        image=image.keys,
        render=render,
    )
    why = f"the manifests are there; {image.name} has the app's image; see `agent` in it"
    return NewFile(f"{where.folder}/{rollout.FILE}", text, why)


def _ours(where: AppEnvironment, images: Sequence[_Image]) -> _Image:
    """The image that the app is: the only one, or the only one of its name."""
    named = [
        image
        for image in images
        if where.app in {image.name, (image.repository or "").rpartition("/")[2]}
    ]
    found = images if len(images) == 1 else named
    if len(found) == 1:
        return found[0]
    raise RefuseError(
        f"The manifests do not tell which image is that of {where.app}.",
        where=where.folder,
        expected=f"one container, or one entry of `images:`, that is called {where.app}",
        got=", ".join(image.keys for image in images) or "no image in a manifest",
        untouched=UNTOUCHED,
        remedy=f"write {where.folder}/{rollout.FILE} by hand, as docs/by-hand.md shows; for Helm, "
        "docs/moving-in/jenkins.md has one",
    )


def _containers(source: Source) -> Iterator[_Image]:
    found = [(title, *named) for title, root in objects_of(source) for named in _named_images(root)]
    for title, name, image in found:
        several = len([other for _, other, _ in found if other == name]) > 1
        which = f", object: {title}" if several else ""
        keys = f"file: {_name(source)}, container: {name}{which}"
        yield _Image(name, repository_of(image), keys)


def _named_images(root: Node) -> Iterator[tuple[str, str]]:
    for path, node in walk([root]):
        if isinstance(node, SequenceNode) and path and path[-1] == "containers":
            for container in node.value:
                name, image = _text(container, "name"), _text(container, "image")
                if name and image:
                    yield name, image


def _entries(source: Source) -> Iterator[_Image]:
    for entry in items_of(source, "images"):
        if name := _text(entry, "name"):
            repository = repository_of(_text(entry, "newName") or name)
            yield _Image(name, repository, f"file: {_name(source)}, kustomize: {name}")


def _namespace(where: AppEnvironment, sources: Sequence[Source]) -> str:
    """The one namespace that the manifests name."""
    roots = [(title, root) for source in sources for title, root in objects_of(source)]
    named = {
        _text(root, "namespace") or _text(fields(root).get("metadata"), "namespace")
        for _, root in roots
    }
    named |= {title.partition("/")[2] for title, _ in roots if title.startswith("Namespace/")}
    found = sorted(filter(None, named))
    if len(found) == 1:
        return found[0]
    raise RefuseError(
        "The manifests do not tell in which namespace the app runs.",
        where=where.folder,
        expected="one `namespace`, in a manifest or in the kustomization.yaml",
        got=", ".join(found) or "none",
        untouched=UNTOUCHED,
        remedy="name it there; a wrong one would start the app a second time",
    )


def _include(root: Path, folder: str) -> list[str]:
    """The folders that an overlay is made of beside its own, those that they lead to as well."""
    found, left = list[str](), [folder]
    while left:
        for path in _led_to(root, left.pop()):
            target = path if (root / path).is_dir() else path.rpartition("/")[0]
            is_outside = not f"{target}/".startswith((f"{folder}/", "../"))
            if is_outside and target not in found and (root / target).is_dir():
                found.append(target)
                left.append(target)
    return found


def _led_to(root: Path, folder: str) -> Iterator[str]:
    for name in _KUSTOMIZATIONS:
        file = root / folder / name
        if file.is_file():
            source = read_source(file.read_bytes(), f"{folder}/{name}")
            items = (item for key in _LEADS for item in items_of(source, key))
            texts = (item.value for item in items if isinstance(item, ScalarNode))
            # An address leads out of the repository: the renderer says so.
            yield from (normpath(f"{folder}/{text}") for text in texts if "://" not in text)


def _name(source: Source) -> str:
    return source.file.rpartition("/")[2]


def _text(node: Node | None, key: str) -> str | None:
    value = fields(node).get(key) if isinstance(node, MappingNode) else None
    return value.value if isinstance(value, ScalarNode) else None
