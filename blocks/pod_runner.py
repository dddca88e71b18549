"""Where tests run if a team says so: pods, made from a Kubernetes work pool's template."""

from __future__ import annotations

from functools import partial

from prefect import get_client
from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from prefect_kubernetes.credentials import KubernetesCredentials
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration
from pydantic import Field

from blocks import logo
from shipway.errors import RefuseError
from shipway.runners import pod

KUBERNETES = "kubernetes"


class PodRunner(Block):
    """A Kubernetes work pool whose base job template says how the pods of test layers look.

    The pool's cluster, namespace, account, resources and nodes apply. No worker has to poll the
    pool: a test image has no Prefect in it that could run a flow.
    """

    _block_type_name = "Pod Runner"
    _block_type_slug = "pod-runner"
    _description = (
        "A work pool whose template says how the pods of tests look; name the block default."
    )
    _logo_url = logo("kubernetes")

    work_pool: str = Field(description="A work pool of type kubernetes.")
    slots: int = Field(default=4, ge=1, description="How many shards may run at once.")
    ready_seconds: float = Field(
        default=120, gt=0, description="How long a pod and its services may take to start."
    )

    def open(self) -> pod.PodRunner:
        """The runner; the work pool is read each time that it is used."""
        return pod.PodRunner(partial(read_template, self.work_pool), self.slots, self.ready_seconds)


async def read_template(work_pool: str) -> pod.PodTemplate:
    """What a work pool says of pods.

    Raises:
        RefuseError: There is no such pool, or it is not of type kubernetes.
    """
    async with get_client() as client:
        try:
            pool = await client.read_work_pool(work_pool)
        except ObjectNotFound:
            raise _no_template(work_pool, "no such work pool") from None
        if pool.type != KUBERNETES:
            raise _no_template(work_pool, f"a pool of type {pool.type}")
        configuration = await KubernetesWorkerJobConfiguration.from_template_and_values(
            pool.base_job_template, {}, client=client
        )
    credentials = KubernetesCredentials(cluster_config=configuration.cluster_config)
    return pod.PodTemplate(
        job=configuration.job_manifest,
        namespace=configuration.namespace,
        open_api=partial(credentials.get_client, "core"),
    )


def _no_template(work_pool: str, got: str) -> RefuseError:
    return RefuseError(
        "The pods of a layer have no template.",
        where=f"Pod Runner block, work pool {work_pool!r}",
        expected="a work pool of type kubernetes",
        got=got,
        untouched="everything: nothing was built, pushed or committed",
        remedy=f"prefect work-pool create {work_pool} --type kubernetes",
    )
