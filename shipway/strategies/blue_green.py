"""Blue/green: the new version comes up beside the old one, and a Service's selector is the switch.

Fowler, "BlueGreenDeployment" (2010). Each colour is a Deployment; the one that takes no traffic is
idle, at no replicas between releases.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shipway.kubernetes.objects import KubeObject
from shipway.parameters import Name
from shipway.strategies.app_folder import AppFolder, escaped, field_of, pod_labels, selector_of
from shipway.strategies.step import (
    FieldRef,
    FieldValues,
    PlannedStep,
    Step,
    Value,
    is_released,
    with_edits,
)
from shipway.strategies.strategy import StrategySettings
from shipway.strategies.variant import Variant


class BlueGreenSettings(StrategySettings):
    """Two Deployments, of which one takes the traffic: the one that the Service selects."""

    blue: Name = Field(description="Name of one Deployment.")
    green: Name = Field(description="Name of the other.")
    service: Name = Field(
        description="Name of the Service. Its selector has one label that tells them apart."
    )
    preview: Name | None = Field(
        default=None,
        description="Name of a second Service, which leads to the new version before the switch.",
    )
    scale_down_delay_seconds: float = Field(
        default=300,
        ge=0,
        description="How long the version before stays up after the switch.",
    )
    approval: bool = Field(default=False, description="Whether a person has to approve the switch.")

    renamed: ClassVar[Mapping[str, str]] = {"keep": "scale_down_delay_seconds"}

    def bind(self, folder: AppFolder) -> BlueGreen:
        """The colours, and the value in the Service that switches between them.

        Raises:
            RefuseError: An object is missing, or the selector does not tell the Deployments apart.
        """
        service = folder.object(f"Service/{self.service}")
        blue, green = (folder.object(f"Deployment/{name}") for name in (self.blue, self.green))
        key = _telling_label(service, blue, green, folder)
        preview: FieldRef | None = None
        if self.preview is not None:
            second = folder.object(f"Service/{self.preview}")
            preview = _switch(second, _telling_label(second, blue, green, folder))
        return BlueGreen(
            variants=(
                folder.variant(pod_labels(blue)[key], blue),
                folder.variant(pod_labels(green)[key], green),
            ),
            selector=_switch(service, key),
            preview=preview,
            scale_down_delay_seconds=self.scale_down_delay_seconds,
            approval=self.approval,
        )


class BlueGreen(BaseModel):
    """Bring the idle colour up, switch to it, and keep the other one for a while.

    Args:
        variants: Both colours.
        selector: The label's value in the Service's selector: the colour that takes the traffic.
        preview: The same of the Service that leads to the new version before the switch, if any.
        scale_down_delay_seconds: How long the colour before stays up: until then, a rollback is
            one commit.
        approval: Whether a person has to approve the switch.
    """

    model_config = ConfigDict(frozen=True)

    variants: tuple[Variant, Variant]
    selector: FieldRef
    preview: FieldRef | None = None
    scale_down_delay_seconds: float
    approval: bool = False

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        fields = (self.selector, *(side.replicas for side in self.variants))
        seen = () if self.preview is None else (self.preview,)
        return (*(field for side in self.variants for field in side.images), *fields, *seen)

    def serving_image(self, current: FieldValues) -> str:
        """The image that Git says takes the traffic."""
        return str(current[self._active_first(current)[0].images[0]])

    def plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that are left on the way from `current` to `desired`.

        A release of another image that was left half-done needs nothing of its own: what is idle
        takes no traffic, whatever it runs, and what was switched to is what the switch leads away
        from.

        Args:
            current: What Git says now.
            desired: The image reference, by digest.
        """
        return with_edits(current, self._drafts(current, desired))

    def _drafts(self, current: FieldValues, desired: str) -> list[PlannedStep]:
        """The steps, each with what Git says once it is committed."""
        active, idle = self._active_first(current)
        if not all(is_released(current[field]) for field in active.images):
            return self._first(active, idle, desired)
        if active.is_at(current, desired):
            return self._after_the_switch(active, idle, current, desired)
        prepared = {
            **idle.on(desired),
            idle.replicas: current[active.replicas],
            **self._previewing(idle),
        }
        prepare = Step(
            name=f"1/3 prepare {idle.name}",
            ready=idle.ready_on(desired),
            gates="preview",
            baseline=active.workload,
            share=0,
        )
        return [
            (prepare, prepared),
            (self._switch(idle, active, desired), {self.selector: idle.name}),
            (self._scale_down(active, idle, desired), {active.replicas: 0}),
        ]

    def rollback_plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that lead from `current` back to a version that was good; nothing is kept.

        Where that version is still up, it takes over with the first commit: it must be healthy.
        Nobody looks at a preview of it, which follows with the last one.
        """
        active, idle = self._active_first(current)
        new = active if active.is_at(current, desired) else idle
        *drafts, (last, end) = self.model_copy(update={"preview": None})._drafts(current, desired)
        plan = with_edits(current, [*drafts, (last, {**end, **self._previewing(new)})])
        plain = {"pause_seconds": 0, "gates": None, "approval": False}
        steps = [step.model_copy(update=plain) for step in plan]
        return [
            step.model_copy(update={"requires": before.ready})
            if not before.edits and any(one.field == self.selector for one in step.edits)
            else step
            for before, step in pairwise([steps[0], *steps])
        ]

    def _active_first(self, current: FieldValues) -> tuple[Variant, Variant]:
        first, second = self.variants
        return (first, second) if current[self.selector] == first.name else (second, first)

    def _previewing(self, side: Variant) -> dict[FieldRef, Value]:
        return {} if self.preview is None else {self.preview: side.name}

    def _first(self, active: Variant, idle: Variant, desired: str) -> list[PlannedStep]:
        """Nothing runs yet: there is nothing to switch from, and no placeholder may be left."""
        first = {**active.on(desired), **idle.on(desired), idle.replicas: 0}
        step = Step(name="1/1 first", ready=active.ready_on(desired))
        return [(step, {**first, **self._previewing(active)})]

    def _after_the_switch(
        self, active: Variant, idle: Variant, current: FieldValues, desired: str
    ) -> list[PlannedStep]:
        down = (self._scale_down(idle, active, desired), {idle.replicas: 0})
        if current[idle.replicas] == 0:
            return [down]
        return [(self._switch(active, idle, desired), {self.selector: active.name}), down]

    def _switch(self, to: Variant, old: Variant, desired: str) -> Step:
        return Step(
            name=f"2/3 switch to {to.name}",
            ready=to.ready_on(desired),
            pause_seconds=self.scale_down_delay_seconds,
            gates="traffic",
            baseline=old.workload,
            approval=self.approval,
        )

    def _scale_down(self, old: Variant, new: Variant, desired: str) -> Step:
        return Step(name=f"3/3 scale down {old.name}", ready=new.ready_on(desired))


def _telling_label(
    service: KubeObject, blue: KubeObject, green: KubeObject, folder: AppFolder
) -> str:
    selector, labels = selector_of(service), [pod_labels(blue), pod_labels(green)]
    telling = [key for key in selector if labels[0].get(key) != labels[1].get(key)]
    if len(telling) != 1 or not all(telling[0] in one for one in labels):
        raise folder.refused(
            f"The selector of {service.title} does not tell the two Deployments apart.",
            "one label in it that the pods of both have, with another value each",
            ", ".join(telling) or "no such label",
        )
    (key,) = telling
    if selector[key] not in {one[key] for one in labels}:
        raise folder.refused(
            f"{service.title} selects neither of the two Deployments.",
            " or ".join(f"{key}: {one[key]}" for one in labels),
            f"{key}: {selector[key]}",
        )
    return key


def _switch(service: KubeObject, key: str) -> FieldRef:
    return field_of(service, f"/spec/selector/{escaped(key)}")
