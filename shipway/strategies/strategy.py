"""What a strategy is: its keys in rollout.yaml, and the plan that they are bound to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, runtime_checkable

from shipway.documents.document import Strict
from shipway.strategies.app_folder import Folder
from shipway.strategies.step import Live, Place, Step


@runtime_checkable
class Strategy(Protocol):
    """A way to lead an environment from one image to another, in steps.

    Pure: what is left to do follows from what Git says now, and from nothing else.
    """

    @property
    def places(self) -> tuple[Place, ...]:
        """All that it reads and sets."""
        ...

    def serving(self, live: Live) -> str:
        """The image that Git says takes the traffic."""
        ...

    def plan(self, live: Live, wanted: str) -> list[Step]:
        """The steps that are left on the way from `live` to `wanted`; at least one.

        A step without edits is done: what it waits for is still to be seen.

        Args:
            live: What Git says now.
            wanted: The image reference, by digest.
        """
        ...

    def back(self, live: Live, wanted: str) -> list[Step]:
        """The steps that lead from `live` back to a version that was good."""
        ...


class Settings(Strict, ABC):
    """A strategy's section of rollout.yaml.

    Attributes:
        rendered: Whether it can do with manifests that a tool has yet to render.
    """

    rendered: ClassVar[bool] = False

    @abstractmethod
    def bind(self, folder: Folder) -> Strategy:
        """The strategy, bound to the places in an app's folder that it reads and sets.

        Raises:
            RefuseError: The folder lacks an object that the strategy needs.
        """
