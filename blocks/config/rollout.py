"""`rollout.yaml`: how an environment takes a new version; it lives beside the manifests."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from blocks.config.document import Strict, read_document
from blocks.config.pipeline import Name

FILE = "rollout.yaml"

Kind = Literal["container", "kustomize", "helm"]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/]+)+$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]+\.ya?ml$")]


class ImageField(Strict):
    """A place that holds an image: of a container, of a kustomization.yaml or of Helm values."""

    file: FileName = Field(description="File beside rollout.yaml.")
    container: Name | None = Field(
        default=None, description="In a manifest: name of the container or initContainer."
    )
    kustomize: str | None = Field(
        default=None, description="In a kustomization.yaml: name of the entry in `images:`."
    )
    helm: Pointer | None = Field(
        default=None, description="In Helm values: JSON Pointer to the image, such as /web/image."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(one is not None for one in (self.container, self.kustomize, self.helm)) != 1:
            raise ValueError("exactly one of container, kustomize and helm")
        return self

    @property
    def place(self) -> tuple[Kind, str]:
        """Which kind of place, and its name there."""
        if self.container is not None:
            return ("container", self.container)
        if self.kustomize is not None:
            return ("kustomize", self.kustomize)
        return ("helm", str(self.helm))


class BlueGreenSettings(Strict):
    """Two Deployments, of which one takes the traffic: the one that the Service selects."""

    blue: Name = Field(description="Name of one Deployment.")
    green: Name = Field(description="Name of the other.")
    service: Name = Field(
        description="Name of the Service. Its selector has one label that tells them apart."
    )
    keep: float = Field(
        default=300,
        ge=0,
        description="Seconds for which the version before stays up after the switch.",
    )


class Promotion(Strict):
    """Where `promote` takes this environment's next version from."""

    source: Name = Field(description="The environment before this one.")
    healthy_for: float = Field(
        default=0, ge=0, description="Seconds for which the version must have been healthy there."
    )


class Rollout(Strict):
    """The whole file."""

    strategy: Literal["rolling", "blue-green"] = Field(
        description="How the cluster moves to the new version."
    )
    blue_green: BlueGreenSettings | None = Field(
        default=None, description="For strategy: blue-green."
    )
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
    promotion: Promotion | None = Field(
        default=None, description="The environment that `promote` takes a version from."
    )
    images: list[ImageField] = Field(min_length=1, description="The fields a release may set.")
    order: Literal["ancestry", "any"] = Field(
        default="ancestry",
        description="Which revision may follow another: only one that contains it, or any, where "
        "releases come from several branches.",
    )
    progress_deadline: float = Field(
        default=300, gt=0, description="Seconds that the rollout may go without progress."
    )

    @model_validator(mode="after")
    def _settings_of_the_strategy(self) -> Self:
        if (self.strategy == "blue-green") != (self.blue_green is not None):
            raise ValueError("blue_green and strategy: blue-green belong together")
        return self

    @model_validator(mode="after")
    def _renders(self) -> Self:
        rendered = any(image.container is None for image in self.images)
        if rendered and self.agent == "reconcile":
            raise ValueError("agent: external, for Kustomize and Helm: reconcile does not render")
        return self


def read_rollout(text: str, file: str = FILE) -> Rollout:
    """Read and check a `rollout.yaml`.

    Raises:
        Refuse: With file, line, key, expected and got.
    """
    return read_document(text, Rollout, file)
