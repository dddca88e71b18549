"""The Cluster block that an environment lives in."""

from __future__ import annotations

from blocks.cluster import Cluster
from blocks.errors import Refuse


async def cluster_of(name: str) -> Cluster:
    """The Cluster block of an environment.

    Raises:
        Refuse: There is none.
    """
    try:
        return await Cluster.aload(name)
    except ValueError as error:
        raise Refuse(
            f"There is no cluster {name!r}.",
            where=f"block cluster/{name}",
            expected="a Cluster block named like the environment, or as rollout.yaml says",
            untouched="the cluster",
            remedy="create it in the Prefect UI under Blocks, or with deployments.bootstrap",
        ) from error
