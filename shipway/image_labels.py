"""Labels by which an image in the registry proves what it was made of."""

from __future__ import annotations

import hashlib

from shipway.code import Code
from shipway.errors import RefuseError
from shipway.image_ref import ImageRef
from shipway.registry import Stored

REVISION = "org.opencontainers.image.revision"
INPUTS = "dev.shipway.inputs"
APP = "dev.shipway.app"


def labels_of(code: Code) -> dict[str, str]:
    """The app, the revision, and a hash of the app's tree and of how it is built."""
    # What is not set counts for nothing, so that a new setting changes no image's inputs.
    image = code.pipeline.image.model_dump_json(exclude_defaults=True)
    inputs = f"{code.revision.tree}\n{image}"
    return {
        APP: code.app,
        REVISION: code.revision.commit,
        INPUTS: hashlib.sha256(inputs.encode()).hexdigest(),
    }


def image_of(stored: Stored, code: Code) -> ImageRef:
    """The image under a revision's tag, by digest.

    Raises:
        RefuseError: It was not made of this revision's inputs.
    """
    labels, expected = stored.labels, labels_of(code)
    if labels.get(INPUTS) != expected[INPUTS]:
        raise RefuseError(
            "The tag of this revision is taken by another image; a tag never moves.",
            where=str(stored.ref),
            expected=f"{REVISION}={expected[REVISION]}, {INPUTS}={expected[INPUTS]}",
            got=", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
            or "an image without Shipway's labels",
            untouched="the registry, the ops repository and the cluster",
            remedy="find out who pushed it; delete the tag if it is wrong, then release again",
        )
    return stored.ref.pinned()
