"""`holds.yaml`: the images that were rolled back, beside the manifests they were taken from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import yaml
from pydantic import Field

from shipway.documents.document import Strict, read_document

HOLDS_FILE = "holds.yaml"

_HEAD = """\
# Images that were rolled back. Shipway refuses to release them again
# until a run of `clear-hold` takes them out of this file.
"""


class Hold(Strict):
    """One image that must not come back by itself."""

    image: str = Field(description="The image, by digest.")
    revision: str = Field(description="What it was built from.")
    reason: str = Field(description="Why it was rolled back.")
    by: str = Field(description="Who rolled it back.")
    at: str = Field(description="When, in ISO 8601.")


class Holds(Strict):
    """The whole file."""

    holds: list[Hold] = Field(default_factory=list)

    def of(self, image: str) -> Hold | None:
        """The hold on an image, if there is one."""
        return next((hold for hold in self.holds if hold.image == image), None)


def holds_in(files: Mapping[str, bytes], folder: str = "") -> Holds:
    """What a folder's `holds.yaml` says; no holds where there is no such file.

    Args:
        files: The files of the folder, by name.
        folder: The folder's own path, for errors.

    Raises:
        RefuseError: With file, line, key, expected and got.
    """
    if (content := files.get(HOLDS_FILE)) is None:
        return Holds()
    file = str(PurePosixPath(folder, HOLDS_FILE))
    return read_document(content.decode("utf-8", "replace"), Holds, file)


def write_holds(holds: Holds) -> bytes | None:
    """The file; None, which takes it away, where nothing is held."""
    if not holds.holds:
        return None
    text = yaml.safe_dump(holds.model_dump(), sort_keys=False, allow_unicode=True, width=100)
    return (_HEAD + text).encode("utf-8")
