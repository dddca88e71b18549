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
    """

    at: MappingNode
    registry: ScalarNode | None
    repository: ScalarNode | None
    tag: ScalarNode | None
    digest: ScalarNode | None
    tag_key: Literal["tag", "newTag"] = "tag"
    fixed: str | None = None

    def text(self) -> str:
        """The image as the file has it."""
        name = self.repository.value if self.repository else self.fixed
        host = f"{self.registry.value}/" if self.registry and self.registry.value else ""
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
                expected = "a field `digest` or `tag` beside the name"
                remedy = (
                    "add the one that the chart reads, or have it added: `add: digest` or `add: "
                    "tag` beside `helm` in rollout.yaml"
                )
                what = "The digest has no place."
                raise source.refuse(self.at, what, expected, "neither", remedy)
            add = "digest"
        digest, repository = str(image.pinned().digest), image.repository
        changes: list[Change] = []
        if self.registry:
            host, _, repository = repository.partition("/")
            changes.append((self.registry, host))
        if self.repository:
            changes.append((self.repository, repository))
        elif self.fixed != repository:
            expected = f"a field `newName`, or the name {repository}"
            raise source.refuse(self.at, "The image has another name.", expected, self.fixed)
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
