"""Labels by which an image in the registry proves what it was made of."""

from __future__ import annotations

import hashlib

from shipway.code import Code

REVISION = "org.opencontainers.image.revision"
INPUTS = "dev.shipway.inputs"


def labels_of(code: Code) -> dict[str, str]:
    """The revision, and a hash of the app's tree and of how it is built."""
    inputs = f"{code.revision.tree}\n{code.pipeline.image.model_dump_json()}"
    return {
        REVISION: code.revision.commit,
        INPUTS: hashlib.sha256(inputs.encode()).hexdigest(),
    }
