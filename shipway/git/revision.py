"""A commit of an app's repository, as a release knows it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field


class Revision(BaseModel):
    """A commit of the app repository.

    Of one that only the ops repository tells of, all but the id may be empty.
    """

    model_config = ConfigDict(frozen=True)

    commit: str = Field(description="Full commit id.")
    tree: str = Field(description="Tree id of the app's folder: equal trees hold equal files.")
    author: str
    subject: str
    at: datetime = Field(description="When it was committed.")
    uses: tuple[str, ...] = Field(
        default=(), description="Paths of the repository that the app is made of beside its folder."
    )

    @property
    def short(self) -> str:
        """The first seven digits, as people read it."""
        return self.commit[:7]


def committed_at(date: str, seconds: str) -> datetime:
    """When a commit was made, by Git's `%cI` and `%ct`.

    A commit that has no date, or one that no calendar has, is of 1970, as Git itself shows it.
    """
    with suppress(ValueError):
        return datetime.fromisoformat(date)
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(int(seconds), UTC)
    return datetime.fromtimestamp(0, UTC)
