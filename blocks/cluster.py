"""Where apps run: a Kubernetes cluster."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from prefect.blocks.core import Block
from prefect_kubernetes.credentials import KubernetesCredentials
from pydantic import Field

from blocks import logo
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.connect import connected


class Cluster(Block):
    """A Kubernetes cluster that one or more environments live in."""

    _block_type_name = "Cluster"
    _block_type_slug = "cluster"
    _description = "A Kubernetes cluster; name the block like the environment that lives in it."
    _logo_url = logo("kubernetes")

    credentials: KubernetesCredentials = Field(
        default_factory=KubernetesCredentials,
        description="How to reach it; from inside the cluster or the local kubeconfig if empty.",
    )
    reachable_seconds: float = Field(
        default=60, gt=0, description="How long to wait for an API server that does not answer yet."
    )

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[KubeClient]:
        """A client of the cluster, once its API server answers.

        Raises:
            RetryError: It does not answer within `reachable_seconds`.
            RefuseError: It denies access, or there is no usable configuration.
        """
        core = partial(self.credentials.get_client, "core")
        async with connected(core, self.reachable_seconds) as client:
            yield client
