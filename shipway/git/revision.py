"""A commit of an app's repository, as a release knows it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class Revision(BaseModel):
    """A commit of the app repository."""

    model_config = ConfigDict(frozen=True)

    commit: str = Field(description="Full commit id.")
    tree: str = Field(description="Tree id of the app's folder: equal trees hold equal files.")
    author: str
    subject: str
    at: datetime = Field(description="When it was committed.")

    @property
    def short(self) -> str:
        """The first seven digits, as people read it."""
        return self.commit[:7]
