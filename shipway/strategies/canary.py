"""Canary: the new version gets a growing share of the requests, then all of them.

Sato, "CanaryRelease" (2014). Two Deployments: stable takes the requests between releases, and the
canary has no pods then. Stable keeps all of its pods until the new version has had its share: to go
back is to give it the requests, in one commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shipway.documents.document import Strict
from shipway.errors import RefuseError
from shipway.parameters import Name
from shipway.strategies.app_folder import UNTOUCHED, AppFolder
from shipway.strategies.enough_pods import with_enough_pods
from shipway.strategies.routers import ROUTERS
from shipway.strategies.routers.replicas import Replicas, replicas_behind_service
from shipway.strategies.routers.router import Router
from shipway.strategies.step import (
    FieldRef,
    FieldValues,
    PlannedStep,
    Step,
    is_released,
    with_edits,
)
from shipway.strategies.strategy import StrategySettings
from shipway.strategies.variant import Variant


class Stage(Strict):
    """A share of the requests that the canary gets for a while."""

    weight: int = Field(ge=1, le=100, description="Percent of the requests.")
    pause_seconds: float = Field(default=60, ge=0, description="Time until the next step.")
    approval: bool = Field(default=False, description="Whether a person has to approve the step.")

    renamed: ClassVar[Mapping[str, str]] = {"hold": "pause_seconds"}


class CanarySettings(StrategySettings):
    """Two Deployments, of which one takes the requests between releases."""

    stable: Name = Field(description="Name of that Deployment.")
    canary: Name = Field(description="Name of the other, which has no pods between releases.")
    router: dict[str, Name] | None = Field(
        default=None,
        description="What shares out the requests, such as `http_route` with the name of an "
        "HTTPRoute; without it, the number of pods behind one Service does.",
    )
    steps: list[Stage] = Field(min_length=1, description="The shares, rising.")

    renamed: ClassVar[Mapping[str, str]] = {"route": "router.http_route"}

    @field_validator("router")
    @classmethod
    def _is_one_known_router(cls, router: dict[str, str] | None) -> dict[str, str] | None:
        if router is not None and (len(router) != 1 or not router.keys() <= ROUTERS.keys()):
            raise ValueError(f"exactly one of {', '.join(ROUTERS)}")
        return router

    @model_validator(mode="after")
    def _weights_rise(self) -> Self:
        weights = [stage.weight for stage in self.steps]
        if weights != sorted(set(weights)):
            raise ValueError("weights that rise from step to step")
        if self.router is None and weights[-1] == 100:
            raise ValueError("weights below 100 where there is no router: stable keeps its pods")
        return self

    @property
    def asks_for_approval(self) -> bool:
        """Whether a person has to approve one of the shares."""
        return any(stage.approval for stage in self.steps)

    def bind(self, folder: AppFolder) -> Canary:
        """Both Deployments, and the router.

        Raises:
            RefuseError: An object is missing, or the requests cannot be shared out.
        """
        stable, canary = (
            folder.object(f"Deployment/{name}") for name in (self.stable, self.canary)
        )
        if stable is canary:
            raise folder.refusal(
                "Stable and canary are the same Deployment.", "two Deployments", self.stable
            )
        variants = folder.variant("stable", stable), folder.variant("canary", canary)
        if self.router is None:
            router = replicas_behind_service(folder, stable, canary)
        else:
            ((kind, name),) = self.router.items()
            router = ROUTERS[kind](name, folder, stable, canary)
        return Canary(
            stable=variants[0], canary=variants[1], router=router, stages=tuple(self.steps)
        )


class Canary(BaseModel):
    """Bring the canary up, raise its share stage by stage, then have stable follow.

    Args:
        stable: The workload that takes the requests between releases.
        canary: The workload that takes a share during a rollout.
        router: What gives it that share.
        stages: The shares, rising.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    stable: Variant
    canary: Variant
    router: Router
    stages: tuple[Stage, ...]

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        return (*self.stable.images, *self.canary.images, *self.router.fields)

    def serving_image(self, current: FieldValues) -> str:
        """The image that Git says takes the traffic, apart from a canary's share."""
        return str(current[self.stable.images[0]])

    def plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that are left from `current` to `desired`.

        The canary of another release that was left half-done gives its requests back to stable
        first.

        Args:
            current: What Git says now.
            desired: The image reference, by digest.

        Raises:
            RefuseError: An autoscaler sets the numbers of pods that are to be the shares.
        """
        self._refuse_scaled_shares()
        if not all(is_released(current[image]) for image in self.stable.images):
            return with_edits(current, [self._first_release(current, desired)])
        end = self._end(current, desired)
        if self.stable.is_at(current, desired):
            plan = with_edits(current, end)
            next_step = next((n for n, step in enumerate(plan) if step.edits), len(plan))
            return plan[max(0, next_step - 1) :]
        has_requests = self.router.exceeds(current, 0)
        if has_requests and self.canary.is_at(current, desired):
            stages = self._stages(current, desired, self._stage_reached(current))
            return with_edits(current, [*stages, *end])
        before = [self._undo(current)] if has_requests else []
        if self.canary.must_restart(current, desired):
            before.append(self._make_room(current))
        started = _after(current, before)
        prepare = self._prepare(started, desired)
        stages = self._stages(_after(started, [prepare]), desired, 0)
        return with_edits(current, [*before, prepare, *stages, *end])

    def rollback_plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that lead from `current` back to a version that was good.

        Where stable still runs it, it takes over with the first commit: it must be healthy.
        Otherwise stable is rolled back to it. Between releases, that is all.
        """
        ready, at_rest = self.stable.ready_on(desired), self._at_rest(current, desired)
        takes_over = self.stable.is_at(current, desired) and self.router.exceeds(current, 0)
        back = Step(name="1/2 back to stable", requires=ready if takes_over else (), ready=ready)
        values = {**self.stable.on(desired), **self.router.stop()}
        if current[self.canary.replicas] == 0:
            values |= at_rest
        down = Step(name="2/2 scale down canary", ready=ready)
        return with_edits(current, [(back, values), (down, at_rest)])

    def _first_release(self, current: FieldValues, desired: str) -> PlannedStep:
        """Nothing runs yet: there is nothing to compare with, and no placeholder may be left."""
        step = Step(name="1/1 first", ready=self.stable.ready_on(desired))
        return step, {**self.stable.on(desired), **self._at_rest(current, desired)}

    def _prepare(self, current: FieldValues, desired: str) -> PlannedStep:
        """The canary becomes the new version, while stable has all requests."""
        step = Step(
            name=self._named(1, "prepare canary"),
            ready=self.canary.ready_on(desired),
            gates="preview",
            baseline=self.stable.workload,
            share=0,
        )
        values = self._route(current, 0, self.stages[0].weight)
        values = {**self.canary.on(desired), **values}
        return step, with_enough_pods(current, values, self.stable, self.canary)

    def _stage_reached(self, current: FieldValues) -> int:
        """The position of the stage that Git has come to; between two, the later one."""
        reached = (
            position
            for position, stage in enumerate(self.stages)
            if not self.router.exceeds(current, stage.weight)
        )
        return next(reached, len(self.stages) - 1)

    def _stages(self, current: FieldValues, desired: str, start: int) -> list[PlannedStep]:
        """The stages from a position on."""
        steps: list[PlannedStep] = []
        for number, stage in enumerate(self.stages[start:], start):
            next_weight = self.stages[min(number + 1, len(self.stages) - 1)].weight
            step = Step(
                name=self._named(number + 2, f"canary {stage.weight}%"),
                ready=self.canary.ready_on(desired),
                pause_seconds=stage.pause_seconds,
                gates="traffic",
                baseline=self.stable.workload,
                share=stage.weight,
                approval=stage.approval,
            )
            values = self._route(current, stage.weight, next_weight)
            steps.append((step, with_enough_pods(current, values, self.stable, self.canary)))
        return steps

    def _route(self, current: FieldValues, weight: int, next_weight: int) -> FieldValues:
        """The router's values for the pods that stable has, whoever set their number."""
        seen = {**current, self.stable.replicas: self.stable.pods(current)}
        return self.router.route(seen, weight, next_weight)

    def _end(self, current: FieldValues, desired: str) -> list[PlannedStep]:
        """After the stages: stable becomes the new version and takes all requests."""
        count = len(self.stages)
        ready = self.stable.ready_on(desired)
        promote = Step(name=self._named(count + 2, "promote"), ready=ready)
        all_to_stable = Step(name=self._named(count + 3, "all to stable"), ready=ready)
        down = Step(name=self._named(count + 4, "scale down canary"), ready=ready)
        return [
            (promote, self.stable.on(desired)),
            # The canary's pods stay for the requests that they still have.
            (all_to_stable, self.router.stop()),
            (down, self._at_rest(current, desired)),
        ]

    def _undo(self, current: FieldValues) -> PlannedStep:
        """The requests leave the canary before it becomes another version."""
        ready = self.stable.ready_on(self.serving_image(current))
        return Step(name=self._named(0, "all to stable"), ready=ready, share=0), self.router.stop()

    def _make_room(self, current: FieldValues) -> PlannedStep:
        """Of another release's canary, no pods are left to an autoscaler."""
        ready = self.stable.ready_on(self.serving_image(current))
        step = Step(name=self._named(0, "scale down canary"), ready=ready, share=0)
        return step, {self.canary.replicas: 0}

    def _refuse_scaled_shares(self) -> None:
        """Refuse to share requests out by a number of pods that an autoscaler sets."""
        scaled = [
            f"{variant.autoscaler.title} scales {variant.workload}"
            for variant in (self.stable, self.canary)
            if variant.autoscaler is not None
        ]
        if not scaled or not isinstance(self.router, Replicas):
            return
        raise RefuseError(
            "The number of pods cannot share the requests out: an autoscaler sets it.",
            where="rollout.yaml: canary",
            expected="`router`, or no autoscaler",
            got=", ".join(scaled),
            untouched=UNTOUCHED,
            remedy="share the requests out by weights (`router: {http_route: <name>}`), or take "
            "the autoscalers out of the folder",
        )

    def _at_rest(self, current: FieldValues, desired: str) -> FieldValues:
        """The canary's values between releases: stable's image, no pods, no requests."""
        return {**self.canary.on(desired), **self.router.route(current, 0, 0)}

    def _named(self, number: int, name: str) -> str:
        """A step's name; the steps beside the stages are four."""
        return f"{number}/{len(self.stages) + 4} {name}"


def _after(current: FieldValues, steps: list[PlannedStep]) -> FieldValues:
    """What Git says once some steps are committed."""
    values = dict(current)
    for _, desired in steps:
        values |= desired
    return values
