"""Which deployments run on a work pool of their own, where there is one."""

from __future__ import annotations

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate

# What takes minutes, and memory. The rest is over before a pod has started.
DEPLOYMENTS = (
    "release/release",
    "release-services/release-services",
    "promote/promote",
    "nightly/nightly",
)


async def move_runs(client: PrefectClient, pool: str) -> None:
    """Have the deployments that take minutes run on a work pool."""
    print(f"work pool {pool}")
    for each in DEPLOYMENTS:
        deployment = await client.read_deployment_by_name(each)
        moved = DeploymentUpdate(work_pool_name=pool, work_queue_name="default")
        await client.update_deployment(deployment.id, moved)
        print(f"deployment {each} runs there")
