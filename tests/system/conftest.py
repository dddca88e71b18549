"""The engine, and the gateway that canaries need."""

from __future__ import annotations

import pytest
from docker import DockerClient

from tests.support.project import bring_up


@pytest.fixture
def engine(sandbox: dict[str, str]) -> DockerClient:
    """The real engine."""
    return DockerClient(base_url=sandbox["DOCKER_HOST"])


@pytest.fixture(scope="session")
def gateway(sandbox: dict[str, str]) -> str:
    """The gateway's address, once it is up, with Prometheus; without it, the tests fail."""
    bring_up("gateway", "--gateway")
    return sandbox["SHIPWAY_GATEWAY"]
