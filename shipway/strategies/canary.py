"""Canary: the new version gets a growing share of the requests, then all of them.

Sato, "CanaryRelease" (2014). Two Deployments: stable takes the requests between releases, and the
canary has no pods then. Stable keeps all of its pods until the new version has had its share: to go
back is to give it the requests, in one commit.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shipway.documents.document import Strict
from shipway.kubernetes.objects import KubeObject
from shipway.parameters import Name
from shipway.strategies.app_folder import AppFolder, selects
from shipway.strategies.http_route import weights_of_http_route
from shipway.strategies.router import Replicas, Weights
from shipway.strategies.step import Draft, FieldRef, FieldValues, Step, in_turn, is_released
from shipway.strategies.strategy import Settings
from shipway.strategies.variant import Variant


class Stage(Strict):
    """A share of the requests that the canary gets for a while."""

    weight: int = Field(ge=1, le=100, description="Percent of the requests.")
    hold: float = Field(default=60, ge=0, description="Seconds until the next step.")
    approval: bool = Field(default=False, description="Whether a person has to approve the step.")


class CanarySettings(Settings):
    """Two Deployments, of which one takes the requests between releases."""

    stable: Name = Field(description="Name of that Deployment.")
    canary: Name = Field(description="Name of the other, which has no pods between releases.")
    route: Name | None = Field(
        default=None,
        description="Name of the HTTPRoute whose weights share out the requests; without it, "
        "the number of pods behind one Service does.",
    )
    steps: list[Stage] = Field(min_length=1, description="The shares, rising.")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        weights = [one.weight for one in self.steps]
        if weights != sorted(set(weights)):
            raise ValueError("weights that rise from step to step")
        if self.route is None and weights[-1] == 100:
            raise ValueError("weights below 100 where there is no route: stable keeps its pods")
        return self

    def bind(self, folder: AppFolder) -> Canary:
        """Both Deployments, and the router.

        Raises:
            RefuseError: An object is missing, or the requests cannot be shared out.
        """
        stable, canary = (
            folder.object(f"Deployment/{name}") for name in (self.stable, self.canary)
        )
        if stable is canary:
            raise folder.refused(
                "Stable and canary are the same Deployment.", "two Deployments", self.stable
            )
        sides = folder.side("stable", stable), folder.side("canary", canary)
        counts = {"stable": sides[0].replicas, "canary": sides[1].replicas}
        if self.route is None:
            _check_shared_service(folder, stable, canary)
            router = Replicas(**counts)
        else:
            rules = weights_of_http_route(self.route, folder, stable, canary)
            router = Weights(rules=rules, **counts)
        return Canary(stable=sides[0], canary=sides[1], router=router, stages=tuple(self.steps))


class Canary(BaseModel):
    """Bring the canary up, raise its share stage by stage, then have stable follow.

    Args:
        stable: The workload that takes the requests between releases.
        canary: The workload that takes a share during a rollout.
        router: What gives it that share.
        stages: The shares, rising.
    """

    model_config = ConfigDict(frozen=True)

    stable: Variant
    canary: Variant
    router: Weights | Replicas
    stages: tuple[Stage, ...]

    @property
    def places(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        return (*self.stable.images, *self.canary.images, *self.router.places)

    def serving(self, current: FieldValues) -> str:
        """The image that Git says takes the traffic, apart from a canary's share."""
        return str(current[self.stable.images[0]])

    def plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that are left on the way from `current` to `desired`.

        The canary of another release that was left half-done gives its requests back to stable
        first.

        Args:
            current: What Git says now.
            desired: The image reference, by digest.
        """
        if not all(is_released(current[place]) for place in self.stable.images):
            return in_turn(current, [self._first(current, desired)])
        end = self._end(current, desired)
        if self.stable.has(current, desired):
            left = in_turn(current, end)
            done = next((n for n, step in enumerate(left) if step.edits), len(left))
            return left[max(0, done - 1) :]
        taking = self.router.beyond(current, 0)
        if taking and self.canary.has(current, desired):
            return in_turn(current, [*self._stages(current, desired), *end])
        undo = [self._undo(current)] if taking else []
        start = [*undo, self._prepare(current, desired)]
        return in_turn(current, [*start, *self._stages(current, desired, 0), *end])

    def back(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that lead from `current` back to a version that was good.

        Where stable still runs it, it takes over with the first commit: it must be healthy.
        Otherwise stable is rolled back to it. Between releases, that is all.
        """
        still = self.stable.has(current, desired)
        step = Step(
            name="1/2 back to stable",
            needs=self.stable.runs(desired) if still and self.router.beyond(current, 0) else (),
            ready=self.stable.runs(desired),
        )
        back = {**self.stable.to(desired), **self.router.off()}
        if current[self.canary.replicas] == 0:
            back |= self._at_rest(current, desired)
        down = Step(name="2/2 scale down canary", ready=self.stable.runs(desired))
        return in_turn(current, [(step, back), (down, self._at_rest(current, desired))])

    def _first(self, current: FieldValues, desired: str) -> Draft:
        """Nothing runs yet: there is nothing to compare with, and no placeholder may be left."""
        step = Step(name="1/1 first", ready=self.stable.runs(desired))
        return step, {**self.stable.to(desired), **self._at_rest(current, desired)}

    def _prepare(self, current: FieldValues, desired: str) -> Draft:
        step = Step(
            name=self._named(1, "prepare canary"),
            ready=self.canary.runs(desired),
            gates="preview",
            beside=self.stable.workload,
            share=0,
        )
        pods = self.router.to(current, 0, self.stages[0].weight)
        return step, {**self.canary.to(desired), **pods}

    def _stages(self, current: FieldValues, desired: str, at: int | None = None) -> list[Draft]:
        """The stages from that one on; from the one that Git has come to, where none is given."""
        if at is None:
            reached = (
                n
                for n, one in enumerate(self.stages)
                if not self.router.beyond(current, one.weight)
            )
            at = next(reached, len(self.stages) - 1)
        found: list[Draft] = []
        for number, stage in enumerate(self.stages[at:], at):
            ahead = self.stages[min(number + 1, len(self.stages) - 1)].weight
            step = Step(
                name=self._named(number + 2, f"canary {stage.weight}%"),
                ready=self.canary.runs(desired),
                hold=stage.hold,
                gates="traffic",
                beside=self.stable.workload,
                share=stage.weight,
                approval=stage.approval,
            )
            found.append((step, self.router.to(current, stage.weight, ahead)))
        return found

    def _end(self, current: FieldValues, desired: str) -> list[Draft]:
        count = len(self.stages)
        ready = self.stable.runs(desired)
        promote = Step(name=self._named(count + 2, "promote"), ready=ready)
        all_to_stable = Step(name=self._named(count + 3, "all to stable"), ready=ready)
        down = Step(name=self._named(count + 4, "scale down canary"), ready=ready)
        return [
            (promote, self.stable.to(desired)),
            # The canary's pods stay for the requests that they still have.
            (all_to_stable, self.router.off()),
            (down, self._at_rest(current, desired)),
        ]

    def _undo(self, current: FieldValues) -> Draft:
        """The requests leave the canary before it becomes another version."""
        stable = self.stable.runs(self.serving(current))
        return Step(name=self._named(0, "all to stable"), ready=stable, share=0), self.router.off()

    def _at_rest(self, current: FieldValues, desired: str) -> FieldValues:
        return {**self.canary.to(desired), **self.router.to(current, 0, 0)}

    def _named(self, number: int, name: str) -> str:
        return f"{number}/{len(self.stages) + 4} {name}"


def _check_shared_service(folder: AppFolder, stable: KubeObject, canary: KubeObject) -> None:
    services = [one for one in folder.objects if one.kind == "Service"]
    if any(selects(one, stable) and selects(one, canary) for one in services):
        return
    raise folder.refused(
        "No Service leads to the pods of both Deployments.",
        f"a Service that selects the pods of {stable.title} and of {canary.title}, or `route` "
        "with an HTTPRoute",
        ", ".join(one.title for one in services) or "no Service",
    )
