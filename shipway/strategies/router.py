"""Who gets which requests, as values in Git: the seam below a canary.

A router that shares requests out by weights somewhere in a manifest (an HTTPRoute of Gateway API, a
VirtualService of a mesh) is `Weights`, bound to other places.
"""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict

from shipway.strategies.step import FieldRef, FieldValues, Value


class Backends(BaseModel):
    """A rule's weights: of its backend for stable, and of the one for the canary."""

    model_config = ConfigDict(frozen=True)

    stable: FieldRef
    canary: FieldRef


class Weights(BaseModel):
    """By weights: exact whatever the number of pods, which follows the weight.

    Args:
        rules: The weights of each rule that leads to both sides.
        stable: The number of pods that take all requests.
        canary: The number of the canary's pods.
    """

    model_config = ConfigDict(frozen=True)

    rules: tuple[Backends, ...]
    stable: FieldRef
    canary: FieldRef

    @property
    def places(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        weights = (place for rule in self.rules for place in (rule.stable, rule.canary))
        return (*weights, self.stable, self.canary)

    def to(self, current: FieldValues, weight: int, ahead: int) -> dict[FieldRef, Value]:
        """The weights, and pods for what is to come: they are up before the requests are.

        There are never fewer than before, while there is more to come.
        """
        pods = math.ceil(int(current[self.stable]) * ahead / 100)
        kept = int(current[self.canary]) if ahead else 0
        return {**self._shares(weight), self.canary: max(pods, kept)}

    def off(self) -> dict[FieldRef, Value]:
        """The weights alone: the canary's pods stay for the requests that they still have."""
        return self._shares(0)

    def beyond(self, current: FieldValues, weight: int) -> bool:
        """Whether any rule gives the canary more than that."""
        pairs = [(int(current[rule.stable]), int(current[rule.canary])) for rule in self.rules]
        return any(canary * 100 > weight * (stable + canary) for stable, canary in pairs)

    def _shares(self, weight: int) -> dict[FieldRef, Value]:
        shares: dict[FieldRef, Value] = {rule.stable: 100 - weight for rule in self.rules}
        return shares | {rule.canary: weight for rule in self.rules}


class Replicas(BaseModel):
    """By the number of pods behind one Service, which gives each of them as many requests.

    The share is as near to the weight as whole pods come, and never below one pod.

    Args:
        stable: The number of stable's pods, which stays as it is.
        canary: The number of the canary's pods.
    """

    model_config = ConfigDict(frozen=True)

    stable: FieldRef
    canary: FieldRef

    @property
    def places(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        return (self.stable, self.canary)

    def to(self, current: FieldValues, weight: int, ahead: int) -> dict[FieldRef, Value]:  # noqa: ARG002
        """The pods for the weight; none for later, because a pod that is up gets requests."""
        return {self.canary: self._pods(current, weight)}

    def off(self) -> dict[FieldRef, Value]:
        """No pods: Kubernetes takes them out of the Service before it ends them."""
        return {self.canary: 0}

    def beyond(self, current: FieldValues, weight: int) -> bool:
        """Whether there are more pods than that weight asks for."""
        return int(current[self.canary]) > self._pods(current, weight)

    def _pods(self, current: FieldValues, weight: int) -> int:
        """From c / (stable + c) = weight / 100."""
        pods = int(current[self.stable]) * weight / (100 - weight)
        return max(1, round(pods)) if weight else 0
