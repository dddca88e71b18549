"""The Jobs that runs have in a cluster, and how they are removed."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import FailError
from shipway.kubernetes.client import KubeClient
from shipway.runners.labels import OWNER_LABEL, RUN_LABEL
from shipway.runners.pod_job import Manifest

POLL_SECONDS = 0.2
REMOVAL_TIMEOUT_SECONDS = 60.0


async def owners_of_jobs(client: KubeClient, namespace: str) -> dict[str, set[str]]:
    """The flow runs that Jobs in a namespace belong to, and their processes."""
    owners: dict[str, set[str]] = {}
    for job in await client.list("batch/v1", "Job", namespace, RUN_LABEL):
        metadata = job["metadata"]
        owner = metadata.get("annotations", {}).get(OWNER_LABEL, "")
        owners.setdefault(metadata["labels"][RUN_LABEL], set()).add(owner)
    return owners


async def remove_jobs(client: KubeClient, namespace: str, run: str) -> int:
    """Remove every Job of a flow run and its pods; return how many."""
    jobs = await client.list("batch/v1", "Job", namespace, f"{RUN_LABEL}={run}")
    for job in jobs:
        await remove_job(client, namespace, job["metadata"]["name"])
    return len(jobs)


async def remove_job(client: KubeClient, namespace: str, name: str) -> None:
    """Remove a Job, and wait until its pods are gone.

    Raises:
        FailError: They do not go away.
    """
    try:
        await client.delete("batch/v1", "Job", name, namespace)
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    deadline = time.monotonic() + REMOVAL_TIMEOUT_SECONDS
    while await pods_of_job(client, namespace, name):
        if time.monotonic() > deadline:
            raise FailError(
                "The pods of a Job do not go away.",
                where=f"{namespace}/{name}",
                expected=f"gone within {REMOVAL_TIMEOUT_SECONDS:.0f} s",
                remedy="see whether their node answers",
            )
        await asyncio.sleep(POLL_SECONDS)


async def pods_of_job(client: KubeClient, namespace: str, name: str) -> list[Manifest]:
    """The pods of a Job."""
    return await client.list("v1", "Pod", namespace, f"batch.kubernetes.io/job-name={name}")
