"""Register Shipway's block types and create the blocks that the environment describes.

`python -m deployments.bootstrap` reads these variables, so that no secret stands in a file or an
argument; running it again sets these fields of the blocks that they name, and keeps all else. Only
deployments that prefect.yaml had when it ran before, and has no more, are removed.

- DOCKER_HOST, SHIPWAY_DOCKER_CLI: the engine, and a docker command with BuildKit.
- SHIPWAY_LEDGER_URL: PostgreSQL for what tests did before; a SQLite file if not given.
- SHIPWAY_KUSTOMIZE, SHIPWAY_HELM: commands that render; `kustomize build` and `helm` if not given.
- SHIPWAY_REGISTRY: host, port and namespace of the image registry.
- SHIPWAY_OPS_URL: the ops repository.
- SHIPWAY_APPS: the apps' repositories, as `name=url` with spaces between.
- SHIPWAY_GIT_USERNAME, SHIPWAY_GIT_PASSWORD: who reads and pushes there.
- KUBECONFIG, SHIPWAY_ENVIRONMENTS: the cluster, and the environments that live in it.
- SHIPWAY_PROMETHEUS: the Prometheus server that watches these environments, for gates.
- SHIPWAY_POD_POOL: a Kubernetes work pool for layers that run in pods; created if it is missing.
- SHIPWAY_CLUSTER_SECONDS: how long a release waits for a cluster that does not answer yet.
- SHIPWAY_NOTIFY: a notification block, as type/name, for the automation that tells of red gates.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.blocks.core import Block
from prefect_docker import DockerHost, DockerRegistryCredentials
from prefect_kubernetes.credentials import KubernetesClusterConfig, KubernetesCredentials
from pydantic import SecretStr

from blocks.cluster import Cluster
from blocks.container_runner import ContainerRunner
from blocks.forge import Forge
from blocks.image_builder import ImageBuilder
from blocks.ledger import Ledger
from blocks.metrics import Metrics
from blocks.ops_repository import OpsRepository
from blocks.pod_runner import PodRunner
from blocks.registry import Registry
from blocks.renderer import Renderer
from blocks.source_repository import SourceRepository
from deployments.make_automations import make_automations
from deployments.pod_pool import CLUSTER, make_pool
from deployments.removed import remove_deployments
from flows.runtime.load_block import load_block
from flows.runtime.registered import follow_registered
from shipway.errors import ShipwayError

TYPES: tuple[type[Block], ...] = (
    DockerHost,
    DockerRegistryCredentials,
    KubernetesClusterConfig,
    KubernetesCredentials,
    SourceRepository,
    Forge,
    OpsRepository,
    ImageBuilder,
    ContainerRunner,
    PodRunner,
    Ledger,
    Registry,
    Cluster,
    Metrics,
    Renderer,
)


def platform(env: Mapping[str, str]) -> dict[str, Block]:
    """The blocks that everything shares, by document name: `default`, and one cluster a name."""
    engine = DockerHost(base_url=env.get("DOCKER_HOST"))
    ledger = env.get("SHIPWAY_LEDGER_URL")
    blocks: dict[str, Block] = {
        "image-builder/default": ImageBuilder(
            engine=engine, cli=env.get("SHIPWAY_DOCKER_CLI", "docker")
        ),
        "container-runner/default": ContainerRunner(engine=engine),
        "ledger/default": Ledger(url=SecretStr(ledger) if ledger else None),
    }
    kustomize, helm = env.get("SHIPWAY_KUSTOMIZE"), env.get("SHIPWAY_HELM")
    blocks["renderer/default"] = Renderer(
        kustomize=kustomize or "kustomize build", helm=helm or "helm"
    )
    if address := env.get("SHIPWAY_REGISTRY"):
        blocks["registry/default"] = Registry(
            address=address, insecure=address.startswith("127.0.0.1:")
        )
    if url := env.get("SHIPWAY_OPS_URL"):
        username, password = login(env)
        ops = OpsRepository(url=url, username=username, password=password)
        blocks["ops-repository/default"] = ops
    kubeconfig = Path(env.get("KUBECONFIG", "-"))
    if kubeconfig.is_file():
        config = KubernetesClusterConfig.from_file(kubeconfig)
        for name in env.get("SHIPWAY_ENVIRONMENTS", "staging production").split():
            blocks[f"cluster/{name}"] = Cluster(
                credentials=KubernetesCredentials(cluster_config=config),
                reachable_seconds=float(env.get("SHIPWAY_CLUSTER_SECONDS", "60")),
            )
            if url := env.get("SHIPWAY_PROMETHEUS"):
                blocks[f"metrics/{name}"] = Metrics(url=url)
        if pool := env.get("SHIPWAY_POD_POOL"):
            blocks[f"kubernetes-cluster-config/{CLUSTER}"] = config
            blocks["pod-runner/default"] = PodRunner(work_pool=pool)
    return blocks


def app(name: str, url: str, env: Mapping[str, str]) -> dict[str, Block]:
    """The block that says where an app's code is."""
    username, password = login(env)
    source = SourceRepository(url=url, username=username, password=password)
    return {f"source-repository/{name}": source}


def login(env: Mapping[str, str]) -> tuple[str | None, SecretStr | None]:
    """User and password for the Git server."""
    password = env.get("SHIPWAY_GIT_PASSWORD")
    return env.get("SHIPWAY_GIT_USERNAME"), SecretStr(password) if password else None


async def save(blocks: Mapping[str, Block]) -> None:
    """Create the blocks; of those that exist, set what is given, and keep the other fields."""
    for document, block in blocks.items():
        name = document.partition("/")[2]
        merged = type(block)(**await _kept(type(block), name) | _given(block))
        await merged.asave(name, overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
        print(f"block {document}")


async def _kept(kind: type[Block], name: str) -> dict[str, Any]:
    """What a block says now; nothing where there is none, or none that can be read."""
    try:
        return _given(await kind.aload(name))
    except ValueError:
        return {}


def _given(block: Block) -> dict[str, Any]:
    return {field: getattr(block, field) for field in block.model_fields_set}


async def show_what_is_registered() -> None:
    """Have the forms offer the registered apps and the ops repository's folders, and nights run."""
    try:
        ops = await load_block(OpsRepository)
        app_environments = await asyncio.to_thread(ops.apps)
    except ShipwayError as error:
        print(f"the forms offer no environments yet: {error.what}")
        app_environments = []
    await follow_registered(one.environment for one in app_environments)


async def remove_what_is_gone() -> None:
    """Remove the deployments that prefect.yaml has no more, and say which."""
    try:
        for name in await remove_deployments():
            print(f"deployment {name} is removed: prefect.yaml has it no more; its runs stay")
    except ShipwayError as error:
        print(error)


async def main() -> None:
    """Register every block type and save the blocks of this environment."""
    for kind in TYPES:
        await kind.aregister_type_and_schema()
    await save(platform(os.environ))
    if pool := os.environ.get("SHIPWAY_POD_POOL"):
        await make_pool(pool)
    for entry in os.environ.get("SHIPWAY_APPS", "").split():
        name, _, url = entry.partition("=")
        await save(app(name, url, os.environ))
    await show_what_is_registered()
    await remove_what_is_gone()
    await make_automations(os.environ)


if __name__ == "__main__":
    asyncio.run(main())
