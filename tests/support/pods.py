"""A cluster for tests in pods: the sandbox's, by a work pool of a test's own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from prefect import get_client
from prefect_kubernetes.credentials import KubernetesClusterConfig

from blocks.pod_runner import PodRunner
from deployments.pools.shard_pods import CLUSTER, make_shard_pods


@asynccontextmanager
async def pod_runner(kubeconfig: str) -> AsyncGenerator[PodRunner]:
    """A Pod Runner that is not saved as a block: other tests would find it."""
    config = KubernetesClusterConfig.from_file(Path(kubeconfig))
    await config.asave(CLUSTER, overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
    name = f"pods-{uuid.uuid4().hex[:8]}"
    await make_shard_pods(name, has_kubeconfig=True)
    yield PodRunner(work_pool=name)
    # The cluster's block stays: other tests may use it at this moment.
    async with get_client() as client:
        await client.delete_work_pool(name)
