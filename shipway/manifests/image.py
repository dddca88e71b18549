"""An image as a manifest writes it: one string, or a repository, tag and digest of their own."""

from __future__ import annotations

from dataclasses import dataclass

from yaml.nodes import Node, ScalarNode

from shipway.errors import RefuseError
from shipway.image_ref import ImageRef
from shipway.manifests.scalar import ScalarChange
from shipway.manifests.source import Source, fields


@dataclass(frozen=True)
class WholeImage:
    """`image: repository:tag@digest`."""

    node: ScalarNode

    def text(self) -> str:
        """The image as the file has it."""
        return self.node.value

    def changes(self, _source: Source, image: ImageRef) -> list[ScalarChange]:
        """Digest alone; with the tag before it where the field has both now."""
        try:
            old = ImageRef.parse(self.node.value)
        except RefuseError:
            old = None
        both = old is not None and old.tag is not None and old.digest is not None
        return [(self.node, str(image if both else image.pinned()))]


@dataclass(frozen=True)
class ImageParts:
    """Scalars that hold a part each; `fixed` is the repository where no scalar holds it."""

    at: Node
    registry: ScalarNode | None
    repository: ScalarNode | None
    tag: ScalarNode | None
    digest: ScalarNode | None
    fixed: str | None = None

    def text(self) -> str:
        """The image as the file has it."""
        name = self.repository.value if self.repository else self.fixed
        host = f"{self.registry.value}/" if self.registry and self.registry.value else ""
        tag = f":{self.tag.value}" if self.tag and self.tag.value else ""
        digest = f"@{self.digest.value}" if self.digest and self.digest.value else ""
        return f"{host}{name}{tag}{digest}"

    def changes(self, source: Source, image: ImageRef) -> list[ScalarChange]:
        """Each part that the file has.

        A tag without a digest beside it becomes `tag@digest`, which every renderer joins to an
        image by digest.

        Raises:
            RefuseError: No scalar can take the digest or the repository.
        """
        if self.digest is None and self.tag is None:
            expected = "a field `digest` or `tag` beside the name"
            raise source.refuse(self.at, "The digest has no place.", expected, "neither")
        digest, repository = str(image.pinned().digest), image.repository
        changes: list[ScalarChange] = []
        if self.registry:
            host, _, repository = repository.partition("/")
            changes.append((self.registry, host))
        if self.repository:
            changes.append((self.repository, repository))
        elif self.fixed != repository:
            expected = f"a field `newName`, or the name {repository}"
            raise source.refuse(self.at, "The image has another name.", expected, self.fixed)
        if self.digest:
            changes.append((self.digest, digest))
        if self.tag and self.tag.value and image.tag and self.digest:
            changes.append((self.tag, image.tag))
        if self.tag and not self.digest:
            changes.append((self.tag, f"{image.tag or 'latest'}@{digest}"))
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
