"""What every test above the unit tests stands on: the sandbox's real parts."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from docker import DockerClient
from filelock import FileLock
from kubernetes_asyncio.client import ApiException

from blocks.cluster import Cluster
from examples import repositories
from shipway.kubernetes.client import KubeClient
from tests.support.origin import Origin
from tests.support.project import Project, bring_up, known_project

NEEDED = ("PREFECT_API_URL", "SHIPWAY_STATE", "SHIPWAY_REGISTRY", "SHIPWAY_GIT_URL", "DOCKER_HOST")


@pytest.fixture(scope="session")
def sandbox() -> dict[str, str]:
    """The sandbox's exports; without a sandbox, the tests that ask for it fail."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        pytest.fail(
            f"these tests need the sandbox ({', '.join(missing)} not set): run `make test`, "
            'or `make up` and then eval "$(make -s env)"',
            pytrace=False,
        )
    return dict(os.environ)


@pytest.fixture(scope="session")
def cluster_is_up(sandbox: dict[str, str]) -> None:
    """The real cluster, waited for; where there is none, the tests that need it fail."""
    bring_up("cluster")
    if sandbox["SHIPWAY_CLUSTER"] == "none":
        pytest.fail("there is no cluster: the sandbox was brought up without", pytrace=False)


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


@pytest.fixture(scope="session")
def buildkit(sandbox: dict[str, str]) -> None:
    """BuildKit is there, built if it is not; without it, the tests that ask for it fail."""
    bring_up("BuildKit", "--cluster", "none", "--buildkit")


@pytest.fixture
async def cluster(cluster_is_up: None) -> AsyncIterator[KubeClient]:
    """A client of the cluster."""
    block = await Cluster.aload("staging")
    async with block.client() as client:
        yield client


@pytest.fixture
async def namespace(cluster: KubeClient) -> AsyncIterator[str]:
    """A namespace of the cluster for one test."""
    name = f"test-{uuid.uuid4().hex[:6]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await cluster.apply(body, None, "tests")
    yield name
    await cluster.delete("v1", "Namespace", name, None)


@pytest.fixture(scope="module")
def engine(sandbox: dict[str, str]) -> Iterator[DockerClient]:
    """The real engine."""
    client = DockerClient(base_url=sandbox["DOCKER_HOST"])
    yield client
    client.close()


@pytest.fixture
def python_image(sandbox: dict[str, str]) -> str:
    """An image with Python that the sandbox has."""
    return sandbox["SHIPWAY_PYTHON_IMAGE"]


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    """A repository on this machine, with Shipway's cache beside it."""
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    with closing(Origin(tmp_path)) as origin:
        yield origin
