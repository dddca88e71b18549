"""Fixtures of the system tests: apps of their own, released for real."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from docker import DockerClient
from kubernetes_asyncio.client import ApiException

from blocks.cluster import Cluster
from blocks.kube.client import KubeClient
from deployments.bootstrap import app as source_block
from deployments.bootstrap import save
from examples import repositories
from tests.project import Project, create


@pytest.fixture(scope="session")
def ops_server(sandbox: dict[str, str]) -> None:
    """The ops repository is there, whether or not the demo ran before."""
    if not Path(sandbox["SHIPWAY_GIT_ROOT"], "ops.git").exists():
        repositories.create_shop(sandbox)


@pytest.fixture
async def project(
    sandbox: dict[str, str], ops_server: None, tmp_path: Path
) -> AsyncIterator[Project]:
    """The README's app under a new name, known to Shipway, never released."""
    name = f"hello-{uuid.uuid4().hex[:6]}"
    made = create(name, sandbox, tmp_path)
    await save(source_block(name, made.code.remote().url, sandbox))
    yield made
    made.remove_from_ops()
    if sandbox["SHIPWAY_CLUSTER"] != "none":
        cluster = await Cluster.aload("staging")
        async with cluster.client() as client:
            try:
                await client.delete("v1", "Namespace", name, None)
            except ApiException as error:
                assert error.status == 404  # noqa: PT017  # it was never released


@pytest.fixture
async def cluster(sandbox: dict[str, str]) -> AsyncIterator[KubeClient]:
    """The real cluster; where there is none, the tests that need it fail."""
    if sandbox["SHIPWAY_CLUSTER"] == "none":
        pytest.fail("there is no cluster: `make up` says why", pytrace=False)
    block = await Cluster.aload("staging")
    async with block.client() as client:
        yield client


@pytest.fixture
def engine(sandbox: dict[str, str]) -> DockerClient:
    """The real engine."""
    return DockerClient(base_url=sandbox["DOCKER_HOST"])
