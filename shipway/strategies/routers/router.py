"""What shares out a canary's requests, by values in Git."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from shipway.kubernetes.objects import KubeObject
from shipway.strategies.app_folder import AppFolder
from shipway.strategies.step import FieldRef, FieldValues, Value


@runtime_checkable
class Router(Protocol):
    """Shares the requests out between stable and the canary.

    Pure: what it sets follows from what Git says now, and from nothing else. Where an autoscaler
    sets stable's number of pods, it is told that number as if Git said it.
    """

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets; the numbers of both variants' pods among them."""
        ...

    def route(self, current: FieldValues, weight: int, next_weight: int) -> dict[FieldRef, Value]:
        """The values with which the canary gets a share; no pods where no share is to come.

        Args:
            current: What Git says now.
            weight: Percent of the requests for the canary.
            next_weight: The share that comes after it: pods for it may be up beforehand.
        """
        ...

    def stop(self) -> dict[FieldRef, Value]:
        """The values with which the canary gets no new request."""
        ...

    def exceeds(self, current: FieldValues, weight: int) -> bool:
        """Whether Git gives the canary more than a share."""
        ...


# From the value of its key, the folder, stable and the canary; a RefuseError where they lack what
# the router needs.
BindRouter = Callable[[str, AppFolder, KubeObject, KubeObject], Router]
