"""Blue/green: the new version comes up beside the old one, and a Service's selector is the switch.

Fowler, "BlueGreenDeployment" (2010). Each colour is a Deployment; the one that takes no traffic is
idle, at no replicas between releases.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from flows.strategies.step import Live, Place, Ready, Step, Value, edits, is_released


class Side(BaseModel):
    """One colour: its workload, and where its images and its replicas stand."""

    model_config = ConfigDict(frozen=True)

    colour: str
    workload: str
    images: tuple[Place, ...]
    replicas: Place


class BlueGreen(BaseModel):
    """Bring the idle colour up, switch to it, and keep the other one for a while.

    Args:
        sides: Both colours.
        selector: The label's value in the Service's selector: the colour that takes the traffic.
        keep: Seconds for which the colour before stays up: the way back is one commit until then.
    """

    model_config = ConfigDict(frozen=True)

    sides: tuple[Side, Side]
    selector: Place
    keep: float

    @property
    def places(self) -> tuple[Place, ...]:
        """All that it reads and sets."""
        fields = (self.selector, *(side.replicas for side in self.sides))
        return (*(place for side in self.sides for place in side.images), *fields)

    def serving(self, live: Live) -> str:
        """The image that Git says takes the traffic."""
        return str(live[self._active_first(live)[0].images[0]])

    def plan(self, live: Live, wanted: str) -> list[Step]:
        """The steps that are left on the way from `live` to `wanted`.

        A release of another image that was left half-done needs nothing of its own: what is idle
        takes no traffic, whatever it runs, and what was switched to is what the switch leads away
        from.

        Args:
            live: What Git says now.
            wanted: The image reference, by digest.
        """
        active, idle = self._active_first(live)
        if not all(is_released(live[place]) for place in active.images):
            return [self._first(active, idle, live, wanted)]
        if all(live[place] == wanted for place in active.images):
            return self._after_the_switch(active, idle, live, wanted)
        count = live[active.replicas]
        return [
            Step(
                name=f"1/3 prepare {idle.colour}",
                edits=edits(live, {**_all(idle, wanted), idle.replicas: count}),
                ready=(Ready(image=wanted, workload=idle.workload),),
            ),
            Step(
                name=f"2/3 switch to {idle.colour}",
                edits=edits(live, {self.selector: idle.colour}),
                ready=(Ready(image=wanted, workload=idle.workload),),
                hold=self.keep,
            ),
            self._scale_down(active, idle, live, wanted),
        ]

    def _active_first(self, live: Live) -> tuple[Side, Side]:
        first, second = self.sides
        return (first, second) if live[self.selector] == first.colour else (second, first)

    def _first(self, active: Side, idle: Side, live: Live, wanted: str) -> Step:
        """Nothing runs yet: there is nothing to switch from, and no placeholder may be left."""
        images = {**_all(active, wanted), **_all(idle, wanted), idle.replicas: 0}
        ready = Ready(image=wanted, workload=active.workload)
        return Step(name="1/1 first", edits=edits(live, images), ready=(ready,))

    def _after_the_switch(self, active: Side, idle: Side, live: Live, wanted: str) -> list[Step]:
        down = self._scale_down(idle, active, live, wanted)
        if not down.edits:
            return [down]
        ready = Ready(image=wanted, workload=active.workload)
        name = f"2/3 switch to {active.colour}"
        return [Step(name=name, ready=(ready,), hold=self.keep), down]

    def _scale_down(self, old: Side, new: Side, live: Live, wanted: str) -> Step:
        return Step(
            name=f"3/3 scale down {old.colour}",
            edits=edits(live, {old.replicas: 0}),
            ready=(Ready(image=wanted, workload=new.workload),),
        )


def _all(side: Side, wanted: Value) -> dict[Place, Value]:
    return dict.fromkeys(side.images, wanted)
