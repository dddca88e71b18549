"""What a new version's containers are given to start in, and asked for before they count as up."""

from __future__ import annotations

from pydantic import Field

from shipway.documents.document import Strict


class Startup(Strict):
    """What a container that starts is forgiven, and when it counts as up.

    A Secret or a dependency may come later. A container that nothing probes is ready for Kubernetes
    the moment that its process starts; its `minReadySeconds` is 0 unless a manifest says more.
    """

    restarts: int = Field(
        default=3, ge=0, description="How often a container that ends may be started again."
    )
    seconds: float = Field(
        default=30, ge=0, description="How long a container may fail to start, or to stay up."
    )
    min_ready_seconds: float = Field(
        default=10,
        ge=0,
        description="How long a container without a readinessProbe must stay up to count as ready.",
    )


# For a version that was healthy already.
NO_TOLERANCE = Startup(restarts=0, seconds=0, min_ready_seconds=0)
