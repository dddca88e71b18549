"""Register Shipway's block types and create the blocks that the environment describes.

Running it again changes what differs and nothing else. Every value comes from an environment
variable, so that a secret never stands in a file; edit the blocks in the Prefect UI from then on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from prefect.blocks.core import Block
from prefect_docker import DockerHost, DockerRegistryCredentials
from prefect_kubernetes.credentials import KubernetesClusterConfig, KubernetesCredentials
from pydantic import SecretStr

from blocks.cluster import Cluster
from blocks.container_runner import ContainerRunner
from blocks.image_builder import ImageBuilder
from blocks.ops_repository import OpsRepository
from blocks.registry import Registry
from blocks.source_repository import SourceRepository

TYPES: tuple[type[Block], ...] = (
    DockerHost,
    DockerRegistryCredentials,
    KubernetesClusterConfig,
    KubernetesCredentials,
    SourceRepository,
    OpsRepository,
    ImageBuilder,
    ContainerRunner,
    Registry,
    Cluster,
)


def platform(env: Mapping[str, str]) -> dict[str, Block]:
    """The blocks that everything shares, by document name: `default`, and one cluster a name."""
    engine = DockerHost(base_url=env.get("DOCKER_HOST"))
    blocks: dict[str, Block] = {
        "image-builder/default": ImageBuilder(
            engine=engine, cli=env.get("SHIPWAY_DOCKER_CLI", "docker")
        ),
        "container-runner/default": ContainerRunner(engine=engine),
    }
    if address := env.get("SHIPWAY_REGISTRY"):
        blocks["registry/default"] = Registry(
            address=address, insecure=address.startswith("127.0.0.1:")
        )
    if url := env.get("SHIPWAY_GIT_URL"):
        username, password = login(env)
        blocks["ops-repository/default"] = OpsRepository(
            url=f"{url}/{env.get('SHIPWAY_OPS', 'ops')}.git", username=username, password=password
        )
    kubeconfig = Path(env.get("KUBECONFIG", "-"))
    if kubeconfig.is_file():
        config = KubernetesClusterConfig.from_file(kubeconfig)
        for name in env.get("SHIPWAY_ENVIRONMENTS", "staging production").split():
            # A sandbox's cluster is built while the first release is on its way.
            blocks[f"cluster/{name}"] = Cluster(
                credentials=KubernetesCredentials(cluster_config=config), reachable_seconds=1800
            )
    return blocks


def app(name: str, env: Mapping[str, str]) -> dict[str, Block]:
    """The block that says where an app's code is."""
    username, password = login(env)
    source = SourceRepository(
        url=f"{env['SHIPWAY_GIT_URL']}/{name}.git", username=username, password=password
    )
    return {f"source-repository/{name}": source}


def login(env: Mapping[str, str]) -> tuple[str | None, SecretStr | None]:
    """User and password for the Git server."""
    password = env.get("SHIPWAY_GIT_PASSWORD")
    return env.get("SHIPWAY_GIT_USERNAME"), SecretStr(password) if password else None


async def save(blocks: Mapping[str, Block]) -> None:
    """Create the blocks, or overwrite those that exist."""
    for document, block in blocks.items():
        name = document.partition("/")[2]
        await block.asave(name, overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
        print(f"block {document}")


async def main() -> None:
    """Register every block type and save the blocks of this environment."""
    for kind in TYPES:
        await kind.aregister_type_and_schema()
    await save(platform(os.environ))
    for name in os.environ.get("SHIPWAY_APPS", "").split():
        await save(app(name, os.environ))


if __name__ == "__main__":
    asyncio.run(main())
