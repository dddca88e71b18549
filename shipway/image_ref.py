"""Names of container images."""

from __future__ import annotations

import re
from typing import Self

from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<repository>(?:{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def repository_of(text: str | None) -> str | None:
    """The repository of a reference; None for what is none."""
    match = _REFERENCE.fullmatch(text or "")
    return match["repository"] if match else None


def without_tag(text: str) -> str:
    """A reference without its tag, where it has a digest: the tag says nothing then."""
    return re.sub(r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}@", "@", text)


class ImageRef(BaseModel):
    """An image as `repository[:tag][@digest]`; the grammar is the OCI distribution spec's."""

    model_config = ConfigDict(frozen=True)

    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference.

        Raises:
            RefuseError: `text` is no image reference.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise RefuseError(
                "Not an image reference.", expected="repository[:tag][@sha256:<64 hex>]", got=text
            )
        return cls(**match.groupdict())

    def pinned(self) -> Self:
        """The same image by digest alone, the only name used from the push on.

        Raises:
            RefuseError: The digest is not known yet.
        """
        if self.digest is None:
            raise RefuseError(
                "The image has no digest yet.", where=str(self), expected="a pushed image"
            )
        return self.model_copy(update={"tag": None})

    def unbuilt(self) -> Self:
        """A stand-in for the same image by digest, before there is one."""
        return self.model_copy(update={"tag": None, "digest": f"sha256:{'0' * 64}"})

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"
