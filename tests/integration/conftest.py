"""The engine and the images that the sandbox has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker import DockerClient


@pytest.fixture
def engine(sandbox: dict[str, str]) -> Iterator[DockerClient]:
    client = DockerClient(base_url=sandbox["DOCKER_HOST"])
    yield client
    client.close()


@pytest.fixture
def python_image(sandbox: dict[str, str]) -> str:
    return sandbox["SHIPWAY_PYTHON_IMAGE"]
