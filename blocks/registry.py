"""Where images are kept once they are green: a registry that speaks the OCI distribution API."""

from __future__ import annotations

from prefect.blocks.core import Block
from prefect_docker import DockerRegistryCredentials
from pydantic import Field

from blocks import logo
from shipway import registry
from shipway.registry import Login


class Registry(Block):
    """An image registry and the namespace in it that releases are pushed to."""

    _block_type_name = "Registry"
    _block_type_slug = "registry"
    _description = (
        "The registry that releases are pushed to, each tag only once; name the block default."
    )
    _logo_url = logo("docker")

    address: str = Field(
        description="Host, port and namespace, without a scheme.",
        examples=["ghcr.io/acme", "127.0.0.1:5000"],
    )
    insecure: bool = Field(default=False, description="Plain http, for a registry on this machine.")
    credentials: DockerRegistryCredentials | None = Field(
        default=None, description="User and password or token, where the registry asks for them."
    )

    def open(self) -> registry.Registry:
        """The registry, with whom it lets in."""
        user = self.credentials
        login = Login(username=user.username, password=user.password) if user else None
        return registry.Registry(address=self.address, insecure=self.insecure, login=login)
