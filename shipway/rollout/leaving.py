"""What a removed app still has in its cluster, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway.errors import ShipwayError
from shipway.rollout.removed import Removal
from shipway.rollout.status import AppStatus


class Leaving(BaseModel):
    """What a removed app still has in its cluster, or had until now.

    Attributes:
        removal: How its folder left the ops repository.
        goes: The objects that are deleted, by kind and name.
        stays: Those that are left, each with why.
        at: When they go.
        waits: Why they do not, until a person has acted; empty where nothing is in the way.
        is_due: Whether they go now.
        is_deleted: Whether they are gone.
    """

    model_config = ConfigDict(frozen=True)

    removal: Removal
    goes: tuple[str, ...]
    stays: tuple[tuple[str, str], ...]
    at: datetime
    waits: str
    is_due: bool
    is_deleted: bool = False

    @property
    def words(self) -> str:
        """What is told of it, in a sentence."""
        return "; ".join((self.removal.words, self._what_becomes, *self._left))

    @property
    def rows(self) -> Iterator[dict[str, str]]:
        """One row for each object."""
        told = [(title, self._what_becomes) for title in self.goes]
        told += [(title, f"stays: {why}") for title, why in self.stays]
        for title, now in told:
            yield {
                "app": self.removal.app_environment.folder,
                "object": title,
                "now": now,
                "removed by": f"{self.removal.commit[:7]} ({self.removal.by})",
            }

    @property
    def _what_becomes(self) -> str:
        if self.is_deleted:
            return "deleted"
        if self.waits:
            return f"stays: {self.waits}"
        return f"goes at {self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    @property
    def _left(self) -> Iterator[str]:
        if self.is_deleted and self.stays:
            yield f"left: {', '.join(title for title, _ in self.stays)}"


def not_understood(removal: Removal, error: ShipwayError) -> Leaving:
    """What is told where a server does not say, or does not do it."""
    return Leaving(
        removal=removal, goes=(), stays=(), at=removal.at, waits=error.what, is_due=False
    )


def status_of(leaving: Leaving, at: datetime) -> AppStatus:
    """What runs of a removed app, as of a moment."""
    whose = leaving.removal.app_environment
    return AppStatus(
        app=whose.app,
        environment=whose.environment,
        commit=leaving.removal.commit,
        health="removed",
        reason=leaving.words,
        at=at,
    )
