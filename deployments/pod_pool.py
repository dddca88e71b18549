"""The work pool whose template says how the pods of test layers look."""

from __future__ import annotations

from contextlib import suppress

from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect_kubernetes.worker import KubernetesWorker

from blocks.pod_runner import KUBERNETES

CLUSTER = "shipway-tests"


async def make_pool(name: str) -> None:
    """Create a Kubernetes work pool with Prefect's own template; leave one that is there alone.

    Its cluster is the block `kubernetes-cluster-config/shipway-tests`.
    """
    async with get_client() as client:
        with suppress(ObjectNotFound):
            await client.read_work_pool(name)
            return
        block = await client.read_block_document_by_name(CLUSTER, "kubernetes-cluster-config")
        template = KubernetesWorker.get_default_base_job_template()
        cluster = template["variables"]["properties"]["cluster_config"]
        cluster["default"] = {"$ref": {"block_document_id": str(block.id)}}
        pool = WorkPoolCreate(name=name, type=KUBERNETES, base_job_template=template)
        await client.create_work_pool(pool)
        print(f"work pool {name}")
