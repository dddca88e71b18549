"""The blocks that an environment describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.container_runner import ContainerRunner
from blocks.image_builder import ImageBuilder
from deployments.bootstrap import platform

ADDRESS = "tcp://buildkitd.example.org:1234"
ENGINE = "tcp://engine.example.org:2375"


def test_a_buildkitd_has_the_keys_of_a_folder_and_its_cache(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").write_text(f"the {name}")
    block = platform(
        {
            "SHIPWAY_BUILDKIT": ADDRESS,
            "SHIPWAY_BUILDKIT_KEYS": str(tmp_path),
            "SHIPWAY_BUILDKIT_CACHE": "registry.example.org/cache",
            "SHIPWAY_BUILDCTL": "/opt/buildctl",
        }
    )["image-builder/default"]
    assert isinstance(block, ImageBuilder)
    assert block.key is not None
    assert (block.ca, block.certificate) == ("the ca", "the cert")
    assert block.key.get_secret_value() == "the key"
    assert (block.address, block.buildctl) == (ADDRESS, "/opt/buildctl")
    assert block.cache == "registry.example.org/cache"


@pytest.mark.parametrize(
    ("env", "runs_containers"),
    [
        ({}, True),
        ({"DOCKER_HOST": ENGINE}, True),
        ({"SHIPWAY_BUILDKIT": ADDRESS}, False),
        ({"SHIPWAY_BUILDKIT": ADDRESS, "DOCKER_HOST": ENGINE}, True),
    ],
)
def test_without_an_engine_no_containers_run(env: dict[str, str], runs_containers: bool) -> None:
    block = platform(env).get("container-runner/default")
    assert isinstance(block, ContainerRunner) is runs_containers
