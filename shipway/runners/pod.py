"""Tests in pods of a Kubernetes cluster: a Job for each command."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar, NamedTuple

from shipway.kubernetes.connect import connected
from shipway.runners.environment import EnvironmentSpec
from shipway.runners.pod_environment import PodEnvironment, PodSettings
from shipway.runners.pod_job import Manifest
from shipway.runners.pod_jobs import owners_of_jobs, remove_jobs
from shipway.runners.runner import ImageSource


class PodTemplate(NamedTuple):
    """How the pods of tests look, and where they go.

    Attributes:
        job: A Job manifest.
        namespace: Where Jobs go.
        open_api: Opens one of the API classes of kubernetes_asyncio for the cluster.
    """

    job: Manifest
    namespace: str
    open_api: Callable[[], AbstractAsyncContextManager[Any]]


class PodRunner:
    """A Kubernetes cluster that runs test layers in pods.

    Args:
        read_template: Reads how pods look, each time anew: a team may change it.
        slots: How many shards may run at once.
        ready_seconds: How long a pod and its services may take to start.
    """

    images: ClassVar[ImageSource] = "registry"
    services: ClassVar[bool] = True
    block: ClassVar[str | None] = "pod-runner"

    def __init__(
        self,
        read_template: Callable[[], Awaitable[PodTemplate]],
        slots: int,
        ready_seconds: float,
    ) -> None:
        self._read_template = read_template
        self._slots = slots
        self._ready_seconds = ready_seconds

    @asynccontextmanager
    async def environment(self, spec: EnvironmentSpec) -> AsyncGenerator[PodEnvironment]:
        """An environment in the cluster, whose commands run in a pod each.

        Raises:
            RefuseError: There is no template, or no access to its cluster.
            RetryError: The cluster does not answer.
        """
        template = await self._read_template()
        settings = PodSettings(
            template=template.job,
            namespace=template.namespace,
            ready_seconds=self._ready_seconds,
        )
        async with connected(template.open_api, self._ready_seconds) as client:
            yield PodEnvironment(client, settings, spec)

    async def owners(self) -> dict[str, set[str]]:
        """The flow runs that Jobs in the namespace belong to, and their processes."""
        template = await self._read_template()
        async with connected(template.open_api, 0) as client:
            return await owners_of_jobs(client, template.namespace)

    async def remove(self, run: str) -> int:
        """Remove every Job of a flow run; return how many."""
        template = await self._read_template()
        async with connected(template.open_api, 0) as client:
            return await remove_jobs(client, template.namespace, run)

    async def slots(self) -> int:
        """How many shards may run at once."""
        return self._slots
