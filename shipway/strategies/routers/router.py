"""Who gets which requests, as values in Git: the seam below a canary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from shipway.kubernetes.objects import KubeObject
from shipway.strategies.app_folder import AppFolder
from shipway.strategies.step import FieldRef, FieldValues, Value


@runtime_checkable
class Router(Protocol):
    """What shares the requests out between stable and the canary."""

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        ...

    def route(self, current: FieldValues, weight: int, next_weight: int) -> dict[FieldRef, Value]:
        """The values with which the canary gets a share.

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


# Binds a router to an object's name, the folder, stable and the canary; refuses what cannot be.
BindRouter = Callable[[str, AppFolder, KubeObject, KubeObject], Router]
