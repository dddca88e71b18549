"""`rollout.yaml`: how an environment takes a new version; it lives beside the manifests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from blocks.config.document import Strict, read_document
from blocks.config.pipeline import Name

FILE = "rollout.yaml"

FileName = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]+\.ya?ml$")]


class ImageField(Strict):
    """A container whose image the release may set."""

    file: FileName = Field(description="Manifest beside rollout.yaml.")
    container: Name = Field(description="Name of the container or initContainer.")


class Rollout(Strict):
    """The whole file."""

    strategy: Literal["rolling"] = Field(description="How the cluster moves to the new version.")
    namespace: Name = Field(description="Namespace that the manifests of this folder live in.")
    cluster: Name | None = Field(
        default=None,
        description="Name of the Cluster block; the environment's own name if not given.",
    )
    agent: Literal["reconcile", "external"] = Field(
        default="reconcile",
        description="What applies the commit: Shipway's reconcile deployment, or an agent that "
        "Shipway only watches (Argo CD, Flux).",
    )
    images: list[ImageField] = Field(min_length=1, description="The fields a release may set.")
    progress_deadline: float = Field(
        default=300, gt=0, description="Seconds that the rollout may go without progress."
    )


def read_rollout(text: str, file: str = FILE) -> Rollout:
    """Read and check a `rollout.yaml`.

    Raises:
        Refuse: With file, line, key, expected and got.
    """
    return read_document(text, Rollout, file)
