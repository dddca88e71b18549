"""What became of a service, where several are released in one go."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

What = Literal[
    "unchanged", "left out", "released", "failed", "not started", "rolled back", "not rolled back"
]
_GOOD: set[What] = {"unchanged", "left out", "released"}


class Outcome(BaseModel):
    """What became of a service.

    Attributes:
        what: That.
        why: Why, for people.
        run: The run that says more, as a link where there is one; empty where none does.
    """

    model_config = ConfigDict(frozen=True)

    what: What
    why: str
    run: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the service is as it is to be."""
        return self.what in _GOOD


def not_started(because: str) -> Outcome:
    """A service that is not released because of another one."""
    return Outcome(what="not started", why=f"because of {because}")
