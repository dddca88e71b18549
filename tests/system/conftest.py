"""Fixtures of the system tests: apps of their own, released for real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from docker import DockerClient
from filelock import FileLock
from kubernetes_asyncio.client import ApiException

from blocks.cluster import Cluster
from examples import repositories
from shipway.kubernetes.client import KubeClient
from tests.support.project import Project, bring_up, known_project


@pytest.fixture(scope="session")
def ops_server(sandbox: dict[str, str]) -> None:
    """The ops repository is there, whether or not the demo ran before."""
    # Its clone may be in use: it is made once, by whichever of the tests comes first.
    with FileLock(Path(sandbox["SHIPWAY_STATE"], "ops-server.lock")):
        if not Path(sandbox["SHIPWAY_GIT_ROOT"], "ops.git").exists():
            repositories.shop(sandbox)


@pytest.fixture
async def project(
    sandbox: dict[str, str], ops_server: None, tmp_path: Path
) -> AsyncIterator[Project]:
    """The README's app under a new name, known to Shipway, never released.

    No cluster follows its ops folder: its releases end at the commit.
    """
    async with known_project(sandbox, tmp_path, agent="external") as made:
        yield made


@pytest.fixture
async def cluster_project(
    cluster: KubeClient, sandbox: dict[str, str], ops_server: None, tmp_path: Path
) -> AsyncIterator[Project]:
    """The same, and the built-in agent brings it to the cluster."""
    async with known_project(sandbox, tmp_path, agent="reconcile") as made:
        yield made
    with _whether_or_not_it_is_there():
        await cluster.delete("v1", "Namespace", made.app, None)


@contextmanager
def _whether_or_not_it_is_there() -> Iterator[None]:
    """What is to be deleted may never have been there."""
    try:
        yield
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


@pytest.fixture
async def cluster(cluster_is_up: None) -> AsyncIterator[KubeClient]:
    """A client of the cluster."""
    block = await Cluster.aload("staging")
    async with block.client() as client:
        yield client


@pytest.fixture
def engine(sandbox: dict[str, str]) -> DockerClient:
    """The real engine."""
    return DockerClient(base_url=sandbox["DOCKER_HOST"])


@pytest.fixture(scope="session")
def gateway(sandbox: dict[str, str]) -> str:
    """The gateway's address, once it is up, with Prometheus; without it, the tests fail."""
    bring_up("gateway", "--gateway")
    return sandbox["SHIPWAY_GATEWAY"]
