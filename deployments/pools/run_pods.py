"""The work pool whose runs are pods of their own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect_kubernetes.worker import KubernetesWorker

from blocks.cluster import Cluster
from blocks.pod_runner import KUBERNETES
from shipway.errors import RefuseError

# Prefect's worker looks for a container of this name.
CONTAINER = "prefect-job"
KEPT_SECONDS = 3600

Object = dict[str, Any]


async def make_run_pods(client: PrefectClient, name: str, template: str) -> None:
    """Have a Kubernetes work pool whose pods are made from a PodTemplate.

    Args:
        client: Of the Prefect server.
        name: Of the pool.
        template: Namespace and name of the PodTemplate, in the cluster that this is a pod of.

    Raises:
        RefuseError: There is no such PodTemplate, or no work pool can be made of it.
    """
    namespace, _, template_name = template.partition("/")
    async with Cluster().client() as cluster:
        found = await cluster.get("v1", "PodTemplate", template_name, namespace)
    if found is None:
        raise RefuseError(
            "Runs have no template for their pods.",
            where=template,
            expected="a PodTemplate in this cluster",
            untouched="work pools and deployments",
            remedy="apply the component run-pods, or leave SHIPWAY_RUN_POOL empty",
        )
    made = base_job_template(found)
    try:
        await client.read_work_pool(name)
    except ObjectNotFound:
        pool = WorkPoolCreate(name=name, type=KUBERNETES, base_job_template=made)
        await client.create_work_pool(pool)
    else:
        await client.update_work_pool(name, WorkPoolUpdate(base_job_template=made))


def base_job_template(pod_template: Mapping[str, Any]) -> Object:
    """Prefect's own template for Jobs, with the pods of a PodTemplate.

    Raises:
        RefuseError: Its first container has not the name that Prefect's worker looks for.
    """
    about, template = pod_template["metadata"], copy.deepcopy(pod_template["template"])
    pod = template["spec"]
    container = pod["containers"][0]
    if container["name"] != CONTAINER:
        raise RefuseError(
            "Prefect does not find the container of a run.",
            where=f"PodTemplate {about['namespace']}/{about['name']}",
            expected=f"a first container {CONTAINER!r}",
            got=repr(container["name"]),
            untouched="work pools and deployments",
        )
    container |= {"args": "{{ command }}", "env": "{{ env }}"}
    # Fields that no pod has: Prefect refuses a manifest without them.
    pod |= {"completions": 1, "parallelism": 1, "restartPolicy": "Never"}
    labels = template["metadata"]["labels"]
    made = KubernetesWorker.get_default_base_job_template()
    # Prefect lays labels of its own over those of a pod, by which network policies know it.
    made["job_configuration"] |= {"labels": labels, "namespace": about["namespace"]}
    made["job_configuration"]["job_manifest"] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "generateName": "{{ name }}-",
            "namespace": about["namespace"],
            "labels": labels,
            "annotations": "{{ annotations }}",
        },
        "spec": {
            # A run whose pod is evicted is started again by Prefect, not by the Job.
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": template,
        },
    }
    used = ("name", "env", "command", "annotations")
    watched = ("job_watch_timeout_seconds", "pod_watch_timeout_seconds", "stream_output")
    variables = made["variables"]["properties"]
    kept = (*used, *watched, "cluster_config")
    made["variables"]["properties"] = {key: variables[key] for key in kept}
    return made
