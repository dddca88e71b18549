"""Where images are built: a Docker engine with BuildKit, or a buildkitd by address."""

from __future__ import annotations

from typing import Self

from prefect.blocks.core import Block
from prefect_docker import DockerHost
from pydantic import Field, SecretStr, model_validator

from blocks import logo
from shipway.image_builders.builder import ImageBuilder as Builder
from shipway.image_builders.buildkit import BuildKitBuilder
from shipway.image_builders.engine import EngineBuilder
from shipway.image_builders.mutual_tls import Keys
from shipway.registry import Registry


class ImageBuilder(Block):
    """A Docker engine that builds images with BuildKit, or a buildkitd in its place."""

    _block_type_name = "Image Builder"
    _block_type_slug = "image-builder"
    _description = (
        "A Docker engine with BuildKit, or a buildkitd, that builds images; name the block default."
    )
    _logo_url = logo("docker")

    engine: DockerHost = Field(
        default_factory=DockerHost, description="The engine; from the environment if left empty."
    )
    cli: str = Field(default="docker", description="A docker command that can use BuildKit.")
    build_args: dict[str, str] = Field(
        default_factory=dict,
        description="Build arguments for every build here, such as a proxy; pipeline.yaml wins.",
    )
    address: str | None = Field(
        default=None,
        description="A buildkitd that builds in the engine's place, and pushes to the registry.",
        examples=["tcp://buildkitd.example.org:1234"],
    )
    ca: str | None = Field(
        default=None, description="For TLS: PEM of the authority that signed buildkitd's."
    )
    certificate: str | None = Field(
        default=None, description="For TLS: PEM of the client's certificate."
    )
    key: SecretStr | None = Field(
        default=None, description="For TLS: PEM of the client's private key."
    )
    cache: str | None = Field(
        default=None,
        description="Repository that keeps buildkitd's cache for other workers, without a tag.",
        examples=["ghcr.io/acme/build-cache"],
    )
    buildctl: str = Field(default="buildctl", description="The client of buildkitd.")

    @model_validator(mode="after")
    def _all_keys_or_none(self) -> Self:
        keys = {"ca": self.ca, "certificate": self.certificate, "key": self.key}
        missing = [name for name, value in keys.items() if not value]
        if 0 < len(missing) < len(keys):
            raise ValueError(f"TLS needs ca, certificate and key: {', '.join(missing)} is empty")
        if not self.address and (self.cache or not missing):
            raise ValueError("TLS and cache are for a buildkitd: address is empty")
        return self

    def open(self, registry: Registry) -> Builder:
        """The builder, which pushes to a registry."""
        if not self.address:
            return EngineBuilder(
                connect=self.engine.get_client,
                registry=registry,
                engine_url=self.engine.base_url,
                cli=self.cli,
                build_args=self.build_args,
            )
        keys = (
            Keys(ca=self.ca, certificate=self.certificate, key=self.key)
            if self.ca and self.certificate and self.key
            else None
        )
        return BuildKitBuilder(
            address=self.address,
            registry=registry,
            keys=keys,
            cache=self.cache or None,
            buildctl=self.buildctl,
            build_args=self.build_args,
        )
