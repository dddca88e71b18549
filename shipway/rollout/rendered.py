"""What Kustomize makes of an overlay, and where the values stand in it that a release sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from shipway.errors import RefuseError
from shipway.image_ref import without_tag
from shipway.kubernetes.objects import KubeObject, images_of
from shipway.rollout.target import Target
from shipway.rollout.wait_for_field import value_in
from shipway.strategies.step import FieldRef

_REMEDY = (
    "have Kustomize take it from the folder: from a file in `resources:`, from a patch of this "
    "object alone in `patches:`, or from `images:` and `replicas:` of the kustomization"
)


class Key(NamedTuple):
    """What tells one object from every other."""

    group: str
    kind: str
    name: str
    namespace: str

    @property
    def title(self) -> str:
        """Kind and name as kubectl writes them."""
        return f"{self.kind}/{self.name}"


class Place(NamedTuple):
    """Where a value stands in what is rendered: the object, a JSON Pointer, and what is there."""

    key: Key
    pointer: str
    value: object


Rendered = Mapping[Key, KubeObject]


def places_of(target: Target, field: FieldRef, rendered: Rendered) -> list[Place]:
    """Where a field stands in what is rendered.

    Raises:
        RefuseError: Nowhere.
    """
    places = [
        place for part in parts_set(target) for place in _places_in(target, part, field, rendered)
    ]
    if places:
        return places
    raise not_as_meant(
        target,
        "Kustomize makes nothing of a value that the release sets.",
        field.file,
        expected=f"{field.title} {field.name}".strip(),
        got="none",
    )


def _places_in(
    target: Target, part: KubeObject, field: FieldRef, rendered: Rendered
) -> Iterator[Place]:
    """Where a field stands in one object."""
    key = key_of(target, part)
    body = rendered[key].body if key in rendered else {}
    if not field.is_image:
        if part.title == field.title and body:
            value = value_in(body, field.name)
            yield Place(key, field.name, field.default if value is None else value)
        return
    if not field.may_be_in(part.file_name, part.title):
        return
    names = {name for name, image in images_of(part).items() if field.sets(name, image)}
    for kind in ("initContainers", "containers"):
        containers = value_in(body, f"/spec/template/spec/{kind}")
        for position, container in enumerate(containers if isinstance(containers, list) else []):
            if container.get("name") in names:
                pointer = f"/spec/template/spec/{kind}/{position}/image"
                yield Place(key, pointer, without_tag(str(container.get("image"))))


def parts_set(target: Target) -> list[KubeObject]:
    """The objects of the folder whose fields the strategy sets."""
    titles = {field.title for field in target.current if not field.is_image}
    titles |= {workload.title for workload in target.workloads}
    return [part for part in target.objects if part.title in titles]


def by_key(target: Target, objects: Sequence[KubeObject]) -> dict[Key, KubeObject]:
    """Objects that are rendered, each under its key."""
    return {key_of(target, each): each for each in objects}


def key_of(target: Target, each: KubeObject) -> Key:
    """The key of an object, of the folder or rendered."""
    return Key(each.group, each.kind, each.name, target.namespace_of(each))


def not_as_meant(
    target: Target, what: str, file: str, *, expected: str, got: str, remedy: str = _REMEDY
) -> RefuseError:
    """The error for what Kustomize makes in another way than the folder means it."""
    return RefuseError(
        what,
        where=f"{target.folder}/{file}",
        expected=expected,
        got=got,
        untouched="the ops repository and the cluster",
        remedy=remedy,
    )
