"""`rollout.yaml`: how an environment takes a new version; it lives beside the manifests."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)

from shipway.agents import agent_model
from shipway.agents.agent import ExternalAgent
from shipway.config.jobs import Jobs
from shipway.config.rendering import Rendering
from shipway.documents.document import Strict, read_document
from shipway.gates import gate_model
from shipway.gates.gate import Gate
from shipway.kubernetes.startup import Startup
from shipway.manifests import Kind
from shipway.parameters import Name
from shipway.strategies import STRATEGIES
from shipway.strategies.strategy import StrategySettings

FILE = "rollout.yaml"

Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/]+)+$")]
Title = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*(/[^/\s]+)?$")]
NotifyBlock = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")]
Principal = Annotated[str, StringConstraints(pattern=r'^[^\s,"*?!]+$')]
FileName = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]+\.ya?ml$")]


class ImageEntry(Strict):
    """A field that holds an image: of a container, of a kustomization.yaml or of Helm values."""

    file: FileName = Field(description="File beside rollout.yaml.")
    object: Title | None = Field(
        default=None,
        description="Kind and name of the object, such as Deployment/web, where several in the "
        "file have such a container or such values; the kind alone where there is one of it.",
    )
    container: Name | None = Field(
        default=None, description="In a manifest: name of the container or initContainer."
    )
    kustomize: str | None = Field(
        default=None, description="In a kustomization.yaml: name of the entry in `images:`."
    )
    helm: Pointer | None = Field(
        default=None,
        description="In Helm values: JSON Pointer to the image, such as /web/image; "
        "it begins at the object where one is named.",
    )
    add: Literal["digest", "tag", "newTag"] | None = Field(
        default=None, description="What is added where the file has none."
    )

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        if sum(name is not None for name in (self.container, self.kustomize, self.helm)) != 1:
            raise ValueError("exactly one of container, kustomize and helm")
        if self.object is not None and self.kustomize is not None:
            raise ValueError("object beside container or helm only")
        addable = {"kustomize": ("digest", "newTag"), "helm": ("digest", "tag"), "container": ()}
        kind = self.kind_and_name[0]
        if self.add is not None and self.add not in addable[kind]:
            raise ValueError(f"add: {' or '.join(addable[kind]) or 'none'} beside {kind}")
        return self

    @property
    def kind_and_name(self) -> tuple[Kind, str]:
        """What kind of field it is, and its name in the file."""
        if self.container is not None:
            return ("container", self.container)
        if self.kustomize is not None:
            return ("kustomize", self.kustomize)
        return ("helm", str(self.helm))


def _one_or_several(given: object) -> object:
    if isinstance(given, str):
        return (given,)
    if isinstance(given, (list, tuple)) and given:
        return tuple(given)
    raise ValueError("an environment, or a list of environments")


def _or_one(schema: dict[str, Any]) -> None:
    """Say in a schema that what is in the list may stand there alone."""
    several = {key: schema.pop(key) for key in ("type", "items", "minItems")}
    schema["anyOf"] = [several["items"], several]


class Promotion(Strict):
    """Where `promote` takes this environment's next version from."""

    source: Annotated[tuple[Name, ...], BeforeValidator(_one_or_several)] = Field(
        min_length=1,
        description="The environment before this one; or several, which must all run the version.",
        json_schema_extra=_or_one,
    )
    healthy_for_seconds: float = Field(
        default=0, ge=0, description="How long the version must have been healthy there."
    )
    by_itself: bool = Field(
        default=False,
        description="Start it without a person, once a run has seen the version through there.",
    )

    renamed: ClassVar[Mapping[str, str]] = {"healthy_for": "healthy_for_seconds"}

    @field_validator("source")
    @classmethod
    def _are_different(cls, source: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(source)) != len(source):
            raise ValueError("each environment once")
        return source

    @property
    def sources(self) -> str:
        """The environments before this one, for people."""
        return ", ".join(self.source)


class ReleaseRule(Strict):
    """What of an app's repository is released here by itself."""

    tags: str = Field(
        default="v*",
        min_length=1,
        description="New tags that fit a pattern, as `git tag --list` takes it.",
    )
    branch: str | None = Field(
        default=None, min_length=1, description="Instead of tags: each new tip of a branch."
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.branch is not None and "tags" in self.model_fields_set:
            raise ValueError("tags or branch, not both")
        return self

    def means(self, ref: str) -> bool:
        """Whether a branch or a tag, by its whole name, is released by itself."""
        if self.branch is not None:
            return ref == f"refs/heads/{self.branch}"
        return ref.startswith("refs/tags/") and fnmatchcase(ref, f"refs/tags/{self.tags}")


class Rollout(Strict):
    """The keys that every file may have.

    The model of a file has, beside these, a section for each strategy: see `rollout_model`.
    """

    strategy: str = Field(
        description="How the cluster moves to the new version.",
        json_schema_extra=lambda schema: schema.update(enum=[*STRATEGIES]),
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
    external_agent: ExternalAgent | None = Field(
        default=None,
        description="The objects in which another agent is told to apply the folder, so that "
        "Shipway hears from it.",
    )
    metrics: Name | None = Field(
        default=None,
        description="Name of the Metrics block; the environment's own name if not given.",
    )
    gates: list[Gate] = Field(
        default_factory=list[Gate], description="What must be so before a rollout goes on."
    )
    jobs: Jobs = Field(
        default_factory=Jobs,
        description="Kubernetes Jobs that run once for a release, such as migrations.",
    )
    on_failure: Literal["rollback", "halt"] = Field(
        default="rollback",
        description="What a version that is not healthy, or fails a gate or a job after it, leads "
        "to: a rollback to the version before, or a stop where it is.",
    )
    approval_timeout_seconds: float = Field(
        default=3600, gt=0, description="How long to wait for a person's approval."
    )
    approvers: list[Principal] | None = Field(
        default=None,
        min_length=1,
        description="Who may approve, each by a commit that they sign, as the environment's "
        "allowed_signers names them; whoever answers the form if empty.",
    )
    notify: list[NotifyBlock] = Field(
        default_factory=list[str],
        description="Prefect notification blocks to tell of a rollout's start, wait, halt, "
        "rollback and end, such as slack-webhook/team.",
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
    releases: ReleaseRule | None = Field(
        default=None,
        description="Which new tags, or which branch, are released here by themselves; none if "
        "empty.",
    )
    images: list[ImageEntry] = Field(min_length=1, description="The fields a release may set.")
    order: Literal["ancestry", "any"] = Field(
        default="ancestry",
        description="Which revision may follow another: only one that contains it, or any, where "
        "releases come from several branches.",
    )
    progress_deadline_seconds: float = Field(
        default=300, gt=0, description="How long the rollout may go without progress."
    )
    startup: Startup = Field(
        default_factory=Startup,
        description="What a new version's container that does not start at once is forgiven.",
    )

    renamed: ClassVar[Mapping[str, str]] = {
        "approval_timeout": "approval_timeout_seconds",
        "progress_deadline": "progress_deadline_seconds",
    }

    @property
    def section(self) -> str:
        """The key that the strategy's settings stand under."""
        return _section_of(self.strategy)

    @property
    def settings(self) -> StrategySettings:
        """The strategy's settings; the defaults where the file has no section for it."""
        return getattr(self, self.section) or STRATEGIES[self.strategy]()

    @field_validator("strategy")
    @classmethod
    def _is_known(cls, strategy: str) -> str:
        if strategy not in STRATEGIES:
            raise ValueError(f"one of {', '.join(STRATEGIES)}")
        return strategy

    @model_validator(mode="after")
    def _has_the_strategys_section(self) -> Self:
        given = {key for key, value in self if isinstance(value, StrategySettings)}
        if not STRATEGIES[self.strategy].is_required():
            given.add(self.section)
        for strategy in STRATEGIES:
            key = _section_of(strategy)
            if (key in given) != (strategy == self.strategy):
                raise ValueError(f"{key} and strategy: {strategy} belong together")
        return self

    @model_validator(mode="after")
    def _gates_have_names(self) -> Self:
        names = [gate.name for gate in self.gates]
        if len(set(names)) != len(names):
            raise ValueError("gates with different names")
        return self

    @model_validator(mode="after")
    def _approvers_are_asked(self) -> Self:
        if self.approvers is not None and not self.settings.asks_for_approval:
            raise ValueError(f"approvers beside approval: true in {self.section}")
        return self

    @model_validator(mode="after")
    def _has_another_agent(self) -> Self:
        if self.external_agent is not None and self.agent != "external":
            raise ValueError("external_agent beside agent: external only")
        return self

    @model_validator(mode="after")
    def _can_be_rendered(self) -> Self:
        rendered = any(image.container is None for image in self.images)
        if rendered and self.agent == "reconcile" and self.render is None:
            raise ValueError("render, for Kustomize and Helm; or agent: external")
        return self

    @model_validator(mode="after")
    def _can_be_proved(self) -> Self:
        """What a strategy sets in objects that are rendered has to have places in the folder."""
        if STRATEGIES[self.strategy].allows_rendered:
            return self
        kustomize = self.render.kustomize if self.render is not None else None
        if any(image.helm is not None for image in self.images) or (self.render and not kustomize):
            names = [name for name, settings in STRATEGIES.items() if settings.allows_rendered]
            raise ValueError(
                f"strategy: {' or '.join(names)} where Helm renders the manifests; or Kustomize, "
                "which takes the chart by `helmCharts`, with a patch of each object"
            )
        if kustomize is None and any(image.kustomize is not None for image in self.images):
            raise ValueError("render, so that what is set there can be proved")
        return self


def read_rollout(text: str, file: str = FILE) -> Rollout:
    """Read and check a `rollout.yaml`.

    Raises:
        RefuseError: With file, line, key, expected and got.
    """
    return read_document(text, rollout_model(), file)


def rollout_model() -> type[Rollout]:
    """The model of a file, with all strategies, kinds of gates and of agents registered now."""
    return _model_of(gate_model(), agent_model(), tuple(STRATEGIES.items()))


@lru_cache
def _model_of(
    gate: type[Gate],
    agent: type[ExternalAgent],
    strategies: tuple[tuple[str, type[StrategySettings]], ...],
) -> type[Rollout]:
    """`Rollout` with models of its gates and its agent, and a section for each strategy."""
    fields: dict[str, Any] = {
        _section_of(name): (settings | None, Field(None, description=f"For strategy: {name}."))
        for name, settings in strategies
    }
    fields["gates"] = (list[gate], copy(Rollout.model_fields["gates"]))
    fields["external_agent"] = (agent | None, copy(Rollout.model_fields["external_agent"]))
    return create_model("Rollout", __base__=Rollout, **fields)


def _section_of(strategy: str) -> str:
    """The key that a strategy's settings stand under."""
    return strategy.replace("-", "_")
