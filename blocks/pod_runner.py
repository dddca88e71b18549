"""Where tests run if a team says so: pods, made from a Kubernetes work pool's template."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from prefect import get_client
from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from prefect_kubernetes.credentials import KubernetesCredentials
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration
from pydantic import Field

from blocks import documentation, logo
from shipway.errors import RefuseError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.connect import connected
from shipway.runners.containers import Sidecar
from shipway.runners.pods import PodEnvironment, PodSettings, owners_of_jobs, remove_jobs

KUBERNETES = "kubernetes"


class PodRunner(Block):
    """A Kubernetes work pool whose base job template says how the pods of test layers look.

    The pool's cluster, namespace, account, resources and nodes apply. No worker has to poll the
    pool: a test image has no Prefect in it that could run a flow.
    """

    _block_type_name = "Pod Runner"
    _block_type_slug = "pod-runner"
    _description = "A Kubernetes work pool whose template says how the pods of test layers look."
    _logo_url = logo("kubernetes")
    _documentation_url = documentation("pod-runner")

    work_pool: str = Field(description="A work pool of type kubernetes.")
    slots: int = Field(default=4, ge=1, description="How many shards may run at once.")
    ready_seconds: float = Field(
        default=120, gt=0, description="How long a pod and its services may take to start."
    )

    @asynccontextmanager
    async def place(
        self,
        run: str,
        name: str,
        image: str,
        env: Mapping[str, str],
        sidecars: Mapping[str, Sidecar],
        seconds: float,
    ) -> AsyncGenerator[PodEnvironment]:
        """A place in the pool's cluster, whose commands run in a pod each.

        Args:
            run: The flow run that everything is labelled with, so that it can be found again.
            name: A name for people.
            image: Reference that the cluster can pull.
            env: The image's environment and the layer's.
            sidecars: Containers beside each command, by the name they are reachable by.
            seconds: How long a command may take; Kubernetes ends it then, if nobody else does.

        Raises:
            RefuseError: There is no such pool, or no access to its cluster.
            RetryError: The cluster does not answer.
        """
        configuration = await self._configuration()
        async with self._client(configuration, self.ready_seconds) as client:
            settings = PodSettings(
                template=configuration.job_manifest,
                namespace=configuration.namespace,
                run=run,
                name=name,
                image=image,
                env=dict(env),
                sidecars=dict(sidecars),
                ready_seconds=self.ready_seconds,
                deadline_seconds=seconds + self.ready_seconds,
            )
            yield PodEnvironment(client, settings)

    async def owners(self) -> dict[str, set[str]]:
        """The flow runs that Jobs in the pool's namespace belong to, and their processes."""
        configuration = await self._configuration()
        async with self._client(configuration, 0) as client:
            return await owners_of_jobs(client, configuration.namespace)

    async def remove(self, run: str) -> int:
        """Remove every Job of a flow run; return how many."""
        configuration = await self._configuration()
        async with self._client(configuration, 0) as client:
            return await remove_jobs(client, configuration.namespace, run)

    @asynccontextmanager
    async def _client(
        self, configuration: KubernetesWorkerJobConfiguration, wait_seconds: float
    ) -> AsyncGenerator[KubeClient]:
        credentials = KubernetesCredentials(cluster_config=configuration.cluster_config)
        core = partial(credentials.get_client, "core")
        async with connected(core, wait_seconds) as client:
            yield client

    async def _configuration(self) -> KubernetesWorkerJobConfiguration:
        async with get_client() as client:
            try:
                pool = await client.read_work_pool(self.work_pool)
            except ObjectNotFound:
                raise self._no_pool("no such work pool") from None
            if pool.type != KUBERNETES:
                raise self._no_pool(f"a pool of type {pool.type}")
            return await KubernetesWorkerJobConfiguration.from_template_and_values(
                pool.base_job_template, {}, client=client
            )

    def _no_pool(self, got: str) -> RefuseError:
        return RefuseError(
            "The pods of a layer have no template.",
            where=f"Pod Runner block, work pool {self.work_pool!r}",
            expected="a work pool of type kubernetes",
            got=got,
            untouched="everything: nothing was built, pushed or committed",
            remedy=f"prefect work-pool create {self.work_pool} --type kubernetes",
        )
