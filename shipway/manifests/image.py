"""An image as a manifest writes it: one string, or a repository, tag and digest of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yaml.nodes import MappingNode, Node, ScalarNode

from shipway.errors import RefuseError
from shipway.image_ref import ImageRef
from shipway.manifests.scalar import Addition, Change
from shipway.manifests.source import Source, fields

# The fields that a digest or a tag is added behind.
_NAMES = ("name", "newName", "newTag", "registry", "repository", "tag")


@dataclass(frozen=True)
class WholeImage:
    """`image: repository:tag@digest`."""

    node: ScalarNode

    @property
    def nodes(self) -> tuple[ScalarNode, ...]:
        """The scalars that hold it."""
        return (self.node,)

    def text(self) -> str:
        """The image as the file has it."""
        return self.node.value

    def changes(self, _source: Source, image: ImageRef, _add: str | None = None) -> list[Change]:
        """Digest alone; with the tag before it where the field has both now."""
        try:
            old = ImageRef.parse(self.node.value)
        except RefuseError:
            old = None
        both = old is not None and old.tag is not None and old.digest is not None
        return [(self.node, str(image if both else image.pinned()))]


@dataclass(frozen=True)
class ImageParts:
    """Scalars that hold a part each.

    Args:
        at: The mapping that has them.
        registry: The registry's host.
        repository: The repository, without the host where that stands alone.
        tag: The tag.
        digest: The digest.
        tag_key: What the tag's key is called.
        fixed: The repository where no scalar holds it; such an entry is nothing without a digest,
            so that it asks for one.
        override: What the renderer takes instead of the registry, whatever that says.
    """

    at: MappingNode
    registry: ScalarNode | None
    repository: ScalarNode | None
    tag: ScalarNode | None
    digest: ScalarNode | None
    tag_key: Literal["tag", "newTag"] = "tag"
    fixed: str | None = None
    override: ScalarNode | None = None

    @property
    def nodes(self) -> tuple[ScalarNode, ...]:
        """The scalars that hold it."""
        parts = (self.registry, self.repository, self.tag, self.digest)
        return tuple(part for part in parts if part is not None)

    def text(self) -> str:
        """The image as the renderer makes it of the file."""
        name = self.repository.value if self.repository else self.fixed
        registry = "" if self._has_host else (self.override or self.registry)
        host = f"{registry.value.rstrip('/')}/" if registry and registry.value else ""
        tag = f":{self.tag.value}" if self.tag and self.tag.value else ""
        digest = f"@{self.digest.value}" if self.digest and self.digest.value else ""
        return f"{host}{name}{tag}{digest}"

    def changes(self, source: Source, image: ImageRef, add: str | None = None) -> list[Change]:
        """Each part that the file has, and the one that is asked for where it is missing.

        A tag without a digest beside it becomes `tag@digest`, which every renderer joins to an
        image by digest.

        Args:
            source: The file.
            image: The image, with its digest.
            add: Key of the part to add where the file has none: the digest's or the tag's.

        Raises:
            RefuseError: No scalar can take the digest or the repository.
        """
        if self.digest is None and self.tag is None and add is None:
            if self.fixed is None:
                raise self._no_place(source)
            add = "digest"
        return [*self._name(source, image), *self._version(image, add)]

    def _name(self, source: Source, image: ImageRef) -> list[Change]:
        repository = image.repository
        if self.override and not repository.startswith(f"{self._override_host}/"):
            raise self._overridden(source, image)
        host = self._override_host or repository.partition("/")[0]
        changes: list[Change] = [(self.registry, host)] if self.registry else []
        if self.registry or (self.override and not self._has_host):
            repository = repository.removeprefix(f"{host}/")
        if self.repository:
            changes.append((self.repository, repository))
        elif self.fixed != repository:
            expected = f"a field `newName`, or the name {repository}"
            raise source.refuse(self.at, "The image has another name.", expected, self.fixed)
        return changes

    def _version(self, image: ImageRef, add: str | None) -> list[Change]:
        digest, changes = str(image.pinned().digest), list[Change]()
        beside = self.digest is not None or add == "digest"
        if self.digest:
            changes.append((self.digest, digest))
        elif beside:
            changes.append(Addition(self.at, "digest", digest, _NAMES))
        tag = image.tag if beside else f"{image.tag or 'latest'}@{digest}"
        if self.tag and tag and (self.tag.value or not beside):
            changes.append((self.tag, tag))
        if not self.tag and tag and add == self.tag_key:
            changes.append(Addition(self.at, self.tag_key, tag, _NAMES))
        return changes

    @property
    def _override_host(self) -> str:
        return self.override.value.rstrip("/") if self.override else ""

    @property
    def _has_host(self) -> bool:
        """Whether the repository has the overriding registry in it, so that it is added to none."""
        if not self.override or self.registry or not self.repository:
            return False
        return self.repository.value.startswith(f"{self._override_host}/")

    def _no_place(self, source: Source) -> RefuseError:
        return source.refuse(
            self.at,
            "The digest has no place.",
            "a field `digest` or `tag` beside the name",
            "neither",
            "add the one that the chart reads, or have it added: `add: digest` or `add: tag` "
            "beside `helm` in rollout.yaml",
        )

    def _overridden(self, source: Source, image: ImageRef) -> RefuseError:
        return source.refuse(
            self.override,
            "A global registry overrides the image's own.",
            f"the registry of {image.repository}",
            f"global registry {self._override_host}",
            "charts take the image from the global registry: set it to the one that the release "
            "pushes to, or take it out; where the chart does not read it, keep the image in a "
            "values file without it",
        )


ImageField = WholeImage | ImageParts


def part(source: Source, node: Node, name: str) -> ScalarNode | None:
    """The scalar `name` of a mapping, if it has one.

    Raises:
        RefuseError: It is a list or a mapping.
    """
    value = fields(node).get(name)
    if value is None or isinstance(value, ScalarNode):
        return value
    raise source.refuse(
        value, f"The field {name!r} is no single value.", "text", "a list or mapping"
    )
