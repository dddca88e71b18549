"""For how long a new version's containers may fail to start before the version is bad."""

from __future__ import annotations

from pydantic import Field

from shipway.documents.document import Strict


class Startup(Strict):
    """What a container that starts is forgiven: a Secret or a dependency that comes later."""

    restarts: int = Field(
        default=3, ge=0, description="How often a container that ends may be started again."
    )
    seconds: float = Field(
        default=30, ge=0, description="How long a container may fail to start, or to stay up."
    )


# For a version that was healthy already.
NO_TOLERANCE = Startup(restarts=0, seconds=0)
