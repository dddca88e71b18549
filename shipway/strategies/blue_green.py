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
from shipway.strategies.enough_pods import with_enough_pods
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

    @property
    def asks_for_approval(self) -> bool:
        """Whether a person has to approve the switch."""
        return self.approval

    def bind(self, folder: AppFolder) -> BlueGreen:
        """The colours, and the value in the Service that switches between them.

        Raises:
            RefuseError: An object is missing, or the selector does not tell the Deployments apart.
        """
        service = folder.object(f"Service/{self.service}")
        blue, green = (folder.object(f"Deployment/{name}") for name in (self.blue, self.green))
        key = _distinguishing_label(service, blue, green, folder)
        preview: FieldRef | None = None
        if self.preview is not None:
            preview_service = folder.object(f"Service/{self.preview}")
            preview_key = _distinguishing_label(preview_service, blue, green, folder)
            preview = _selector_field(preview_service, preview_key)
        return BlueGreen(
            variants=(
                folder.variant(pod_labels(blue)[key], blue),
                folder.variant(pod_labels(green)[key], green),
            ),
            selector=_selector_field(service, key),
            preview=preview,
            scale_down_delay_seconds=self.scale_down_delay_seconds,
            approval=self.approval,
        )


class BlueGreen(BaseModel):
    """Bring the idle colour up, switch to it, and leave the other one up for a while.

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
        images = (image for variant in self.variants for image in variant.images)
        replicas = (variant.replicas for variant in self.variants)
        preview = () if self.preview is None else (self.preview,)
        return (*images, self.selector, *replicas, *preview)

    def serving_image(self, current: FieldValues) -> str:
        """The image that Git says takes the traffic."""
        return str(current[self._active_first(current)[0].images[0]])

    def plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that are left from `current` to `desired`.

        A release of another image that was left half-done needs no steps: what is idle
        takes no traffic, whatever it runs, and what was switched to is what the switch leads away
        from.

        Args:
            current: What Git says now.
            desired: The image reference, by digest.
        """
        return with_edits(current, self._steps(current, desired))

    def _steps(self, current: FieldValues, desired: str) -> list[PlannedStep]:
        """The steps that are left, each with the values that Git has once it is committed."""
        active, idle = self._active_first(current)
        if not all(is_released(current[image]) for image in active.images):
            return self._first_release(active, idle, desired)
        if active.is_at(current, desired):
            return self._after_the_switch(active, idle, current, desired)
        if idle.must_restart(current, desired):
            down = {idle.replicas: 0}
            return [
                (self._make_room(idle, active, current), down),
                *self._steps({**current, **down}, desired),
            ]
        prepared = {
            **idle.on(desired),
            idle.replicas: active.pods(current),
            **self._previewed(idle),
        }
        prepare = Step(
            name=f"1/3 prepare {idle.name}",
            ready=idle.ready_on(desired),
            gates="preview",
            baseline=active.workload,
            share=0,
        )
        prepared = with_enough_pods(current, prepared, active, idle)
        switch = self._switch(idle, active, desired)
        if idle.autoscaler is not None:
            needed = idle.autoscaler.bounded(active.pods(current))
            pods = min(needed, int(prepared[idle.replicas]))
            switch = switch.model_copy(update={"pods": pods})
        return [
            (prepare, prepared),
            (switch, {self.selector: idle.name}),
            (self._scale_down(active, idle, desired), {active.replicas: 0}),
        ]

    def rollback_plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that lead from `current` back to a version that was good, without a pause.

        Where that version is still up, it takes over with the first commit: it must be healthy.
        Nobody looks at a preview of it, which follows with the last one.
        """
        active, idle = self._active_first(current)
        new = active if active.is_at(current, desired) else idle
        without_preview = self.model_copy(update={"preview": None})
        *before_last, (last, values) = without_preview._steps(current, desired)
        plan = with_edits(current, [*before_last, (last, {**values, **self._previewed(new)})])
        ungated = {"pause_seconds": 0, "gates": None, "approval": False, "pods": 0}
        steps = [step.model_copy(update=ungated) for step in plan]
        return [
            step.model_copy(update={"requires": before.ready})
            if not before.edits and any(edit.field == self.selector for edit in step.edits)
            else step
            for before, step in pairwise([steps[0], *steps])
        ]

    def _active_first(self, current: FieldValues) -> tuple[Variant, Variant]:
        """The variant that takes the traffic, and the idle one."""
        first, second = self.variants
        return (first, second) if current[self.selector] == first.name else (second, first)

    def _previewed(self, variant: Variant) -> dict[FieldRef, Value]:
        """The value with which the preview leads to a variant, where there is a preview."""
        return {} if self.preview is None else {self.preview: variant.name}

    def _first_release(self, active: Variant, idle: Variant, desired: str) -> list[PlannedStep]:
        """Nothing runs yet: there is nothing to switch from, and no placeholder may be left."""
        values = {**active.on(desired), **idle.on(desired), idle.replicas: 0}
        step = Step(name="1/1 first", ready=active.ready_on(desired))
        return [(step, {**values, **self._previewed(active)})]

    def _after_the_switch(
        self, active: Variant, idle: Variant, current: FieldValues, desired: str
    ) -> list[PlannedStep]:
        """The switch again while the other variant is up, for its gates; then to scale down."""
        down = (self._scale_down(idle, active, desired), {idle.replicas: 0})
        if current[idle.replicas] == 0:
            return [down]
        return [(self._switch(active, idle, desired), {self.selector: active.name}), down]

    def _make_room(self, idle: Variant, active: Variant, current: FieldValues) -> Step:
        """Of another release that was left half-done, no pods are left to an autoscaler."""
        ready = active.ready_on(self.serving_image(current))
        return Step(name=f"0/3 scale down {idle.name}", ready=ready, share=0)

    def _switch(self, new: Variant, old: Variant, desired: str) -> Step:
        return Step(
            name=f"2/3 switch to {new.name}",
            ready=new.ready_on(desired),
            pause_seconds=self.scale_down_delay_seconds,
            gates="traffic",
            baseline=old.workload,
            approval=self.approval,
        )

    def _scale_down(self, old: Variant, new: Variant, desired: str) -> Step:
        return Step(name=f"3/3 scale down {old.name}", ready=new.ready_on(desired))


def _distinguishing_label(
    service: KubeObject, blue: KubeObject, green: KubeObject, folder: AppFolder
) -> str:
    """The label in a Service's selector whose value differs between the two Deployments.

    Raises:
        RefuseError: There is no such label, or several; or the Service selects neither of them.
    """
    selector, labels = selector_of(service), [pod_labels(blue), pod_labels(green)]
    differing = [key for key in selector if labels[0].get(key) != labels[1].get(key)]
    if len(differing) != 1 or not all(differing[0] in pod for pod in labels):
        raise folder.refusal(
            f"The selector of {service.title} does not tell the two Deployments apart.",
            "one label in it that the pods of both have, with another value each",
            ", ".join(differing) or "no such label",
        )
    (key,) = differing
    if selector[key] not in {pod[key] for pod in labels}:
        raise folder.refusal(
            f"{service.title} selects neither of the two Deployments.",
            " or ".join(f"{key}: {pod[key]}" for pod in labels),
            f"{key}: {selector[key]}",
        )
    return key


def _selector_field(service: KubeObject, key: str) -> FieldRef:
    """The value of a label in a Service's selector."""
    return field_of(service, f"/spec/selector/{escaped(key)}")
