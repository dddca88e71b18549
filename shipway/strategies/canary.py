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
from shipway.strategies.app_folder import Folder, selects
from shipway.strategies.http_route import weights_of_http_route
from shipway.strategies.router import Replicas, Weights
from shipway.strategies.step import Draft, Live, Place, Step, in_turn, is_released
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

    def bind(self, folder: Folder) -> Canary:
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
    def places(self) -> tuple[Place, ...]:
        """All that it reads and sets."""
        return (*self.stable.images, *self.canary.images, *self.router.places)

    def serving(self, live: Live) -> str:
        """The image that Git says takes the traffic, apart from a canary's share."""
        return str(live[self.stable.images[0]])

    def plan(self, live: Live, wanted: str) -> list[Step]:
        """The steps that are left on the way from `live` to `wanted`.

        The canary of another release that was left half-done gives its requests back to stable
        first.

        Args:
            live: What Git says now.
            wanted: The image reference, by digest.
        """
        if not all(is_released(live[place]) for place in self.stable.images):
            return in_turn(live, [self._first(live, wanted)])
        end = self._end(live, wanted)
        if self.stable.has(live, wanted):
            left = in_turn(live, end)
            done = next((n for n, step in enumerate(left) if step.edits), len(left))
            return left[max(0, done - 1) :]
        taking = self.router.beyond(live, 0)
        if taking and self.canary.has(live, wanted):
            return in_turn(live, [*self._stages(live, wanted), *end])
        undo = [self._undo(live)] if taking else []
        start = [*undo, self._prepare(live, wanted)]
        return in_turn(live, [*start, *self._stages(live, wanted, 0), *end])

    def back(self, live: Live, wanted: str) -> list[Step]:
        """The steps that lead from `live` back to a version that was good.

        Where stable still runs it, it takes over with the first commit: it must be healthy.
        Otherwise stable is rolled back to it. Between releases, that is all.
        """
        still = self.stable.has(live, wanted)
        step = Step(
            name="1/2 back to stable",
            needs=self.stable.runs(wanted) if still and self.router.beyond(live, 0) else (),
            ready=self.stable.runs(wanted),
        )
        back = {**self.stable.to(wanted), **self.router.off()}
        if live[self.canary.replicas] == 0:
            back |= self._at_rest(live, wanted)
        down = Step(name="2/2 scale down canary", ready=self.stable.runs(wanted))
        return in_turn(live, [(step, back), (down, self._at_rest(live, wanted))])

    def _first(self, live: Live, wanted: str) -> Draft:
        """Nothing runs yet: there is nothing to compare with, and no placeholder may be left."""
        step = Step(name="1/1 first", ready=self.stable.runs(wanted))
        return step, {**self.stable.to(wanted), **self._at_rest(live, wanted)}

    def _prepare(self, live: Live, wanted: str) -> Draft:
        step = Step(
            name=self._named(1, "prepare canary"),
            ready=self.canary.runs(wanted),
            gates="preview",
            beside=self.stable.workload,
            share=0,
        )
        pods = self.router.to(live, 0, self.stages[0].weight)
        return step, {**self.canary.to(wanted), **pods}

    def _stages(self, live: Live, wanted: str, at: int | None = None) -> list[Draft]:
        """The stages from that one on; from the one that Git has come to, where none is given."""
        if at is None:
            reached = (
                n for n, one in enumerate(self.stages) if not self.router.beyond(live, one.weight)
            )
            at = next(reached, len(self.stages) - 1)
        found: list[Draft] = []
        for number, stage in enumerate(self.stages[at:], at):
            ahead = self.stages[min(number + 1, len(self.stages) - 1)].weight
            step = Step(
                name=self._named(number + 2, f"canary {stage.weight}%"),
                ready=self.canary.runs(wanted),
                hold=stage.hold,
                gates="traffic",
                beside=self.stable.workload,
                share=stage.weight,
                approval=stage.approval,
            )
            found.append((step, self.router.to(live, stage.weight, ahead)))
        return found

    def _end(self, live: Live, wanted: str) -> list[Draft]:
        count = len(self.stages)
        ready = self.stable.runs(wanted)
        promote = Step(name=self._named(count + 2, "promote"), ready=ready)
        all_to_stable = Step(name=self._named(count + 3, "all to stable"), ready=ready)
        down = Step(name=self._named(count + 4, "scale down canary"), ready=ready)
        return [
            (promote, self.stable.to(wanted)),
            # The canary's pods stay for the requests that they still have.
            (all_to_stable, self.router.off()),
            (down, self._at_rest(live, wanted)),
        ]

    def _undo(self, live: Live) -> Draft:
        """The requests leave the canary before it becomes another version."""
        stable = self.stable.runs(self.serving(live))
        return Step(name=self._named(0, "all to stable"), ready=stable, share=0), self.router.off()

    def _at_rest(self, live: Live, wanted: str) -> Live:
        return {**self.canary.to(wanted), **self.router.to(live, 0, 0)}

    def _named(self, number: int, name: str) -> str:
        return f"{number}/{len(self.stages) + 4} {name}"


def _check_shared_service(folder: Folder, stable: KubeObject, canary: KubeObject) -> None:
    services = [one for one in folder.objects if one.kind == "Service"]
    if any(selects(one, stable) and selects(one, canary) for one in services):
        return
    raise folder.refused(
        "No Service leads to the pods of both Deployments.",
        f"a Service that selects the pods of {stable.title} and of {canary.title}, or `route` "
        "with an HTTPRoute",
        ", ".join(one.title for one in services) or "no Service",
    )
