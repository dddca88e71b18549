"""What a plan is made of: fields in Git, what a step sets there, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shipway.image_ref import repository_of
from shipway.manifests import Kind, Value

FieldValues = Mapping["FieldRef", Value]
When = Literal["preview", "traffic"]


class FieldRef(BaseModel, frozen=True):
    """A field in an app's folder of the ops repository.

    Args:
        file: Name of the file.
        kind: An image (of a container, of an entry in a kustomization's `images:`, of Helm values),
            a field of an object, or a number of pods in a kustomization's `replicas:`.
        name: Of the container or the entry; a JSON Pointer into Helm values or into the object.
        title: Kind and name of the object, such as `Service/shop`; for an image it may be the kind
            alone, or empty where the file has one image that fits. Of an entry in `images:`, the
            object whose image it sets, where the folder says so.
        add: Key of the image's digest or tag, to add it where the file has none.
        default: What an object's field says where the object lacks it; it is added when it is set.
    """

    file: str
    kind: Kind | Literal["field", "replicas"] = "container"
    name: str
    title: str = ""
    add: str | None = None
    default: Value | None = None

    @property
    def is_image(self) -> bool:
        """Whether it is an image; else it is a field that the cluster's object has too."""
        return self.kind not in {"field", "replicas"}

    def may_be_in(self, file: str, title: str) -> bool:
        """Whether the value may stand in an object of a file, as far as the field is told."""
        if self.kind == "kustomize":
            return self.title == title
        named = {"", title, title.partition("/")[0]}
        return self.file == file and self.title in named

    def sets(self, container: str, image: str | None) -> bool:
        """Whether it is the image of a container that its manifest gives an image to."""
        if self.kind == "kustomize":
            return repository_of(image) == self.name
        return self.kind == "container" and self.name == container


class Edit(BaseModel):
    """A field and its value."""

    model_config = ConfigDict(frozen=True)

    field: FieldRef
    value: Value


class Ready(BaseModel):
    """A workload that must run an image, healthy; every workload of the app where none is named."""

    model_config = ConfigDict(frozen=True)

    image: str
    workload: str | None = None


class Step(BaseModel):
    """One commit of a rollout.

    Args:
        name: As it stands in the commit's trailer, such as `1/1 rolling`.
        edits: What the commit changes.
        expects: What Git says once it is committed, changed or not; the cluster is to say the same.
        requires: What must be healthy before the commit, because it is what takes over at once.
        ready: What must be healthy before the next step.
        pause_seconds: Time between the commit and the next step, for people and gates to look.
        gates: Which gates must pass before the next step: those that look at a version without
            traffic, those that look at its traffic, or none.
        baseline: The workload that runs the version before meanwhile, to compare with.
        share: Percent of the requests that the new version gets once the step is done.
        approval: Whether a person has to approve before the commit.
        pods: How many pods what is to be ready must have before the commit, where an autoscaler may
            have taken some.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    edits: tuple[Edit, ...] = ()
    expects: tuple[Edit, ...] = ()
    requires: tuple[Ready, ...] = ()
    ready: tuple[Ready, ...] = ()
    pause_seconds: float = 0
    gates: When | None = None
    baseline: str | None = None
    share: float = 100
    approval: bool = False
    pods: int = 0


# A step without its edits, and the values that Git has once it is committed.
PlannedStep = tuple[Step, FieldValues]


def edits_between(current: FieldValues, desired: FieldValues) -> tuple[Edit, ...]:
    """What leads from `current` to `desired`; nothing where Git already says so."""
    return tuple(
        Edit(field=field, value=value)
        for field, value in desired.items()
        if current.get(field) != value
    )


def with_edits(current: FieldValues, steps: Sequence[PlannedStep]) -> list[Step]:
    """Steps, each with the edits that those before it have left to it.

    Args:
        current: What Git says now.
        steps: Each with the values that Git has once it is committed.
    """
    values, plan = dict(current), list[Step]()
    for step, desired in steps:
        update = {"edits": edits_between(values, desired), "expects": edits_between({}, desired)}
        plan.append(step.model_copy(update=update))
        values |= desired
    return plan


def first_with_edits(plan: Sequence[Step]) -> Step:
    """The first step that changes Git; the last one where Git says all of it already."""
    return next((step for step in plan if step.edits), plan[-1])


def is_released(image: Value) -> bool:
    """Whether an image is given by digest, as no placeholder before the first release is."""
    return "@sha256:" in str(image)
