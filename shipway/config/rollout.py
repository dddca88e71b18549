"""`rollout.yaml`: how an environment takes a new version; it lives beside the manifests."""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, create_model, model_validator

from shipway.config.rendering import Rendering
from shipway.documents.document import Strict, read_document
from shipway.gates import gate_model
from shipway.gates.gate import Gate
from shipway.parameters import Name
from shipway.strategies import BlueGreenSettings, CanarySettings, RollingSettings, Settings

FILE = "rollout.yaml"

Kind = Literal["container", "kustomize", "helm"]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/]+)+$")]
NotifyBlock = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")]
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


class Promotion(Strict):
    """Where `promote` takes this environment's next version from."""

    source: Name = Field(description="The environment before this one.")
    healthy_for: float = Field(
        default=0, ge=0, description="Seconds for which the version must have been healthy there."
    )


class Rollout(Strict):
    """The whole file."""

    strategy: Literal["rolling", "blue-green", "canary"] = Field(
        description="How the cluster moves to the new version."
    )
    rolling: RollingSettings | None = Field(default=None, description="For strategy: rolling.")
    blue_green: BlueGreenSettings | None = Field(
        default=None, description="For strategy: blue-green."
    )
    canary: CanarySettings | None = Field(default=None, description="For strategy: canary.")
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
    metrics: Name | None = Field(
        default=None,
        description="Name of the Metrics block; the environment's own name if not given.",
    )
    gates: list[Gate] = Field(
        default_factory=list[Gate], description="What must be so before a rollout goes on."
    )
    on_failure: Literal["rollback", "halt"] = Field(
        default="rollback",
        description="What a version that is not healthy or fails a gate leads to: the way back to "
        "the version before, or a stop where it is.",
    )
    approval_timeout: float = Field(
        default=3600, gt=0, description="Seconds to wait for a person's approval."
    )
    notify: list[NotifyBlock] = Field(
        default_factory=list[str],
        description="Prefect notification blocks to tell of a rollout's start, wait, halt, way "
        "back and end, such as slack-webhook/team.",
    )
    drift: Literal["heal", "report"] = Field(
        default="heal",
        description="What reconcile does about what somebody changed in the cluster: put it back, "
        "or only tell of it until Git changes.",
    )
    render: Rendering | None = Field(
        default=None, description="The tool that makes manifests of the folder; plain if empty."
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

    @property
    def section(self) -> str:
        """The key that the strategy's settings stand under."""
        return self.strategy.replace("-", "_")

    @property
    def settings(self) -> Settings:
        """The strategy's own settings; rolling needs none."""
        return getattr(self, self.section) or RollingSettings()

    @model_validator(mode="after")
    def _settings_of_the_strategy(self) -> Self:
        given = {key for key, value in self if isinstance(value, Settings)}
        if self.strategy == "rolling":
            given.add("rolling")
        if wrong := given ^ {self.section}:
            key = min(wrong)
            strategy = key.replace("_", "-")
            raise ValueError(f"{key} and strategy: {strategy} belong together")
        return self

    @model_validator(mode="after")
    def _names_of_gates(self) -> Self:
        names = [gate.name for gate in self.gates]
        if len(set(names)) != len(names):
            raise ValueError("gates with different names")
        return self

    @model_validator(mode="after")
    def _renders(self) -> Self:
        rendered = any(image.container is None for image in self.images)
        if rendered and self.agent == "reconcile" and self.render is None:
            raise ValueError("render, for Kustomize and Helm; or agent: external")
        if self.render is not None and not self.settings.rendered:
            raise ValueError("strategy: rolling where manifests are rendered")
        return self


def read_rollout(text: str, file: str = FILE) -> Rollout:
    """Read and check a `rollout.yaml`.

    Raises:
        RefuseError: With file, line, key, expected and got.
    """
    return read_document(text, _model_with(gate_model()), file)


@lru_cache
def _model_with(gate: type[Gate]) -> type[Rollout]:
    """`Rollout` with a model of its gates."""
    gates = (list[gate], copy(Rollout.model_fields["gates"]))
    return create_model("Rollout", __base__=Rollout, gates=gates)
