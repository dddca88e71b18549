"""Where tests run by default: containers on a Docker engine, each shard on a network of its own."""

from __future__ import annotations

from prefect.blocks.core import Block
from prefect_docker import DockerHost
from pydantic import Field

from blocks import logo
from shipway.runners import container


class ContainerRunner(Block):
    """A Docker engine that runs test layers in containers."""

    _block_type_name = "Container Runner"
    _block_type_slug = "container-runner"
    _description = (
        "A Docker engine that runs test layers, each shard on a network; name the block default."
    )
    _logo_url = logo("docker")

    engine: DockerHost = Field(
        default_factory=DockerHost, description="The engine; from the environment if left empty."
    )
    slots: int | None = Field(
        default=None,
        ge=1,
        description="How many shards may run at once; the engine's processors if left empty.",
    )
    ready_seconds: float = Field(
        default=60, gt=0, description="How long a service may take to be ready."
    )

    def open(self) -> container.ContainerRunner:
        """The runner; the engine is asked once it is used."""
        return container.ContainerRunner(
            self.engine.get_client, self.engine.base_url, self.slots, self.ready_seconds
        )
