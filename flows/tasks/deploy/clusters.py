"""The Cluster block that an environment lives in."""

from __future__ import annotations

from blocks.cluster import Cluster
from flows.tasks.saved import saved


async def cluster_of(name: str) -> Cluster:
    """The Cluster block of an environment.

    Raises:
        Refuse: There is none.
    """
    return await saved(
        Cluster,
        name,
        f"There is no cluster {name!r}.",
        expected="a Cluster block named like the environment, or as rollout.yaml says",
        untouched="the cluster",
    )
