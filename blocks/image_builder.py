"""Where images are built: a Docker engine with BuildKit."""

from __future__ import annotations

from prefect.blocks.core import Block
from prefect_docker import DockerHost
from pydantic import Field

from blocks import logo
from shipway import image_builder


class ImageBuilder(Block):
    """A Docker engine that builds images with BuildKit."""

    _block_type_name = "Image Builder"
    _block_type_slug = "image-builder"
    _description = "A Docker engine that builds images with BuildKit; name the block default."
    _logo_url = logo("docker")

    engine: DockerHost = Field(
        default_factory=DockerHost, description="The engine; from the environment if left empty."
    )
    cli: str = Field(default="docker", description="A docker command that can use BuildKit.")
    build_args: dict[str, str] = Field(
        default_factory=dict,
        description="Build arguments for every build here, such as a proxy; pipeline.yaml wins.",
    )

    def open(self) -> image_builder.ImageBuilder:
        """The builder on this engine."""
        return image_builder.ImageBuilder(
            connect=self.engine.get_client,
            engine_url=self.engine.base_url,
            cli=self.cli,
            build_args=self.build_args,
        )
