"""The work pool whose template says how the pods of test layers look."""

from __future__ import annotations

from contextlib import suppress

from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect_kubernetes.worker import KubernetesWorker

from blocks.pod_runner import KUBERNETES

CLUSTER = "shipway-tests"


async def make_shard_pods(
    name: str,
    *,
    has_kubeconfig: bool,
    namespace: str | None = None,
    account: str | None = None,
    priority: str | None = None,
) -> None:
    """Create a Kubernetes work pool with Prefect's own template; leave one that is there alone.

    Args:
        name: Of the pool.
        has_kubeconfig: Whether its cluster is the block `kubernetes-cluster-config/shipway-tests`;
            else it is the one that its reader is a pod of.
        namespace: Where its pods run; `default` if None.
        account: The service account that its pods have; their namespace's default one if None.
        priority: The priority class that its pods have; the cluster's default one if None.
    """
    async with get_client() as client:
        with suppress(ObjectNotFound):
            await client.read_work_pool(name)
            return
        template = KubernetesWorker.get_default_base_job_template()
        variables = template["variables"]["properties"]
        if has_kubeconfig:
            block = await client.read_block_document_by_name(CLUSTER, "kubernetes-cluster-config")
            variables["cluster_config"]["default"] = {"$ref": {"block_document_id": str(block.id)}}
        if namespace is not None:
            variables["namespace"]["default"] = namespace
        if account is not None:
            variables["service_account_name"]["default"] = account
        if priority is not None:
            job = template["job_configuration"]["job_manifest"]
            job["spec"]["template"]["spec"]["priorityClassName"] = priority
        pool = WorkPoolCreate(name=name, type=KUBERNETES, base_job_template=template)
        await client.create_work_pool(pool)
        print(f"work pool {name}")
