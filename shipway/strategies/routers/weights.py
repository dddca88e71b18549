"""A router that shares requests out by weights in a manifest.

An HTTPRoute of Gateway API is one, a VirtualService of a mesh would be: the same weights in other
fields.
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
        rules: The weights of each rule that leads to both variants.
        stable: The number of stable's pods, which stays as it is.
        canary: The number of the canary's pods.
    """

    model_config = ConfigDict(frozen=True)

    rules: tuple[Backends, ...]
    stable: FieldRef
    canary: FieldRef

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        weights = (field for rule in self.rules for field in (rule.stable, rule.canary))
        return (*weights, self.stable, self.canary)

    def route(self, current: FieldValues, weight: int, next_weight: int) -> dict[FieldRef, Value]:
        """The weights, and pods for what is to come: they are up before the requests are.

        There are never fewer than before, while there is more to come.
        """
        pods = math.ceil(int(current[self.stable]) * next_weight / 100)
        at_least = int(current[self.canary]) if next_weight else 0
        return {**self._shares(weight), self.canary: max(pods, at_least)}

    def stop(self) -> dict[FieldRef, Value]:
        """The weights alone: the canary's pods stay for the requests that they still have."""
        return self._shares(0)

    def exceeds(self, current: FieldValues, weight: int) -> bool:
        """Whether any rule gives the canary more than that."""
        pairs = [(int(current[rule.stable]), int(current[rule.canary])) for rule in self.rules]
        return any(canary * 100 > weight * (stable + canary) for stable, canary in pairs)

    def _shares(self, weight: int) -> dict[FieldRef, Value]:
        """The weights with which the canary gets that many percent of every rule's requests."""
        shares: dict[FieldRef, Value] = {rule.stable: 100 - weight for rule in self.rules}
        return shares | {rule.canary: weight for rule in self.rules}
