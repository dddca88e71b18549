"""What a strategy is: its keys in rollout.yaml, and the plan that they are bound to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, runtime_checkable

from shipway.documents.document import Strict
from shipway.strategies.app_folder import AppFolder
from shipway.strategies.step import FieldRef, FieldValues, Step


@runtime_checkable
class Strategy(Protocol):
    """How an environment gets from one image to another, in steps.

    Pure: what is left to do follows from what Git says now. Only how many pods come up may follow
    from what the cluster says that an autoscaler has made; that number changes no other step.
    """

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        """All that it reads and sets."""
        ...

    def serving_image(self, current: FieldValues) -> str:
        """The image that Git says takes the traffic."""
        ...

    def plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that are left from `current` to `desired`; at least one.

        A step without edits is done: what it waits for is still to be seen.

        Args:
            current: What Git says now.
            desired: The image reference, by digest.
        """
        ...

    def rollback_plan(self, current: FieldValues, desired: str) -> list[Step]:
        """The steps that lead from `current` back to a version that was good; at least one."""
        ...


class StrategySettings(Strict, ABC):
    """A strategy's section of rollout.yaml.

    Attributes:
        allows_rendered: Whether it can do with manifests that a tool has yet to render.
    """

    allows_rendered: ClassVar[bool] = False

    @classmethod
    def is_required(cls) -> bool:
        """Whether a file has to have the section, because it has to have one of its keys."""
        return any(field.is_required() for field in cls.model_fields.values())

    @property
    def asks_for_approval(self) -> bool:
        """Whether a person has to approve a step."""
        return False

    @abstractmethod
    def bind(self, folder: AppFolder) -> Strategy:
        """The strategy, bound to the fields in an app's folder that it reads and sets.

        Raises:
            RefuseError: The folder lacks an object that the strategy needs.
        """
