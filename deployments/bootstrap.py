"""Register Shipway's block types and create the blocks that the environment describes.

`python -m deployments.bootstrap` reads these variables, so that no secret stands in a file or an
argument; running it again sets these fields of the blocks that they name, and keeps all else. Only
deployments that prefect.yaml had when it ran before, and has no more, are removed.

- DOCKER_HOST, SHIPWAY_DOCKER_CLI: the engine, and a docker command with BuildKit.
- SHIPWAY_BUILDKIT: the address of a buildkitd that builds in the engine's place. Without
  DOCKER_HOST, there is no Container Runner block then.
- SHIPWAY_BUILDKIT_KEYS: a folder with ca.pem, cert.pem and key.pem for it.
- SHIPWAY_BUILDKIT_CACHE, SHIPWAY_BUILDCTL: the repository of its cache, and its client.
- SHIPWAY_LEDGER_URL: PostgreSQL for what tests did before; a SQLite file if not given.
- SHIPWAY_KUSTOMIZE, SHIPWAY_HELM: commands that render; `kustomize build` and `helm` if not given.
- SHIPWAY_REGISTRY: host, port and namespace of the image registry.
- SHIPWAY_OPS_URL: the ops repository.
- SHIPWAY_APPS: the apps' repositories, as `name=url` with spaces between.
- SHIPWAY_GIT_USERNAME, SHIPWAY_GIT_PASSWORD: who reads and pushes there.
- KUBECONFIG, SHIPWAY_ENVIRONMENTS: the cluster, and the environments that live in it. A pod needs
  no KUBECONFIG for its own cluster.
- SHIPWAY_PROMETHEUS: the Prometheus server that watches these environments, for gates.
- SHIPWAY_POD_POOL: a Kubernetes work pool for layers that run in pods; created if it is missing.
- SHIPWAY_POD_NAMESPACE, SHIPWAY_POD_ACCOUNT, SHIPWAY_POD_PRIORITY: where its pods run, and the
  account and the priority class that they have.
- SHIPWAY_RUN_POOL: a work pool for runs that are pods or containers of their own.
- SHIPWAY_RUN_TEMPLATE: namespace/name of the PodTemplate that its pods are made from;
  `shipway/run` if not given. Its base job template is made anew.
- SHIPWAY_RUN_IMAGE: the image of its containers. It is of the type `docker` then.
- SHIPWAY_CLUSTER_SECONDS: how long a release waits for a cluster that does not answer yet.
- SHIPWAY_NOTIFY: a notification block, as type/name, for the automation that tells of red gates.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.blocks.core import Block
from prefect_docker import DockerHost, DockerRegistryCredentials
from prefect_kubernetes.credentials import KubernetesClusterConfig, KubernetesCredentials

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
from blocks.retention import Retention
from blocks.source_repository import SourceRepository
from deployments.make_automations import make_automations
from deployments.pools.move_runs import move_runs
from deployments.pools.run_containers import make_run_containers
from deployments.pools.run_pods import make_run_pods
from deployments.pools.shard_pods import CLUSTER, make_shard_pods
from deployments.removed import remove_deployments
from flows.runtime.load_block import load_block
from flows.runtime.registered import follow_registered
from shipway.errors import ShipwayError

INNER = "shipway-"
# Kubernetes sets it in each pod.
OF_A_POD = "KUBERNETES_SERVICE_HOST"

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
    Retention,
)


def platform(env: Mapping[str, str]) -> dict[str, Block]:
    """The blocks that everything shares, by document name: `default`, and one cluster a name."""
    host = _given(env, {"base_url": "DOCKER_HOST"})
    engine: dict[str, Any] = {"engine": DockerHost(**host)} if host else {}
    blocks: dict[str, Block] = {
        "image-builder/default": ImageBuilder(
            **engine, **_given(env, {"cli": "SHIPWAY_DOCKER_CLI"}), **_buildkit(env)
        ),
        "retention/default": Retention(),
        "ledger/default": Ledger(**_given(env, {"url": "SHIPWAY_LEDGER_URL"})),
        "renderer/default": Renderer(
            **_given(env, {"kustomize": "SHIPWAY_KUSTOMIZE", "helm": "SHIPWAY_HELM"})
        ),
    }
    if engine or not env.get("SHIPWAY_BUILDKIT"):
        blocks["container-runner/default"] = ContainerRunner(**engine)
    if address := env.get("SHIPWAY_REGISTRY"):
        here: dict[str, Any] = {"insecure": True} if address.startswith("127.0.0.1:") else {}
        blocks["registry/default"] = Registry(address=address, **here)
    if url := env.get("SHIPWAY_OPS_URL"):
        blocks["ops-repository/default"] = OpsRepository(url=url, **login(env))
    return blocks | _cluster(env)


def _cluster(env: Mapping[str, str]) -> dict[str, Block]:
    """The blocks of the cluster that a kubeconfig leads to, or of the one that this is a pod of.

    In a pod, each flow reaches the cluster with the account of the worker that runs it.
    """
    kubeconfig = _kubeconfig(env)
    config = KubernetesClusterConfig.from_file(kubeconfig) if kubeconfig else None
    if config is None and not env.get(OF_A_POD):
        return {}
    access: dict[str, Any] = {}
    blocks: dict[str, Block] = {}
    if config is not None:
        access = {"credentials": KubernetesCredentials(cluster_config=config)}
    for name in env.get("SHIPWAY_ENVIRONMENTS", "staging production").split():
        blocks[f"cluster/{name}"] = Cluster(
            **access, **_given(env, {"reachable_seconds": "SHIPWAY_CLUSTER_SECONDS"})
        )
        if url := env.get("SHIPWAY_PROMETHEUS"):
            blocks[f"metrics/{name}"] = Metrics(url=url)
    if pool := env.get("SHIPWAY_POD_POOL"):
        blocks["pod-runner/default"] = PodRunner(work_pool=pool)
        if config is not None:
            blocks[f"kubernetes-cluster-config/{CLUSTER}"] = config
    return blocks


def _kubeconfig(env: Mapping[str, str]) -> Path | None:
    file = Path(env.get("KUBECONFIG", "-"))
    return file if file.is_file() else None


def app(name: str, url: str, env: Mapping[str, str]) -> dict[str, Block]:
    """The block that says where an app's code is."""
    return {f"source-repository/{name}": SourceRepository(url=url, **login(env))}


def login(env: Mapping[str, str]) -> dict[str, Any]:
    """User and password for the Git server."""
    return _given(env, {"username": "SHIPWAY_GIT_USERNAME", "password": "SHIPWAY_GIT_PASSWORD"})


def _buildkit(env: Mapping[str, str]) -> dict[str, Any]:
    """The fields that lead to a buildkitd."""
    variables = {"address": "SHIPWAY_BUILDKIT", "cache": "SHIPWAY_BUILDKIT_CACHE"}
    fields = _given(env, variables | {"buildctl": "SHIPWAY_BUILDCTL"})
    if folder := env.get("SHIPWAY_BUILDKIT_KEYS"):
        files = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
        fields |= {field: Path(folder, file).read_text() for field, file in files.items()}
    return fields


def _given(env: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, Any]:
    """The fields whose variable is set: what is not given is not set anew."""
    return {field: env[variable] for field, variable in variables.items() if env.get(variable)}


async def save(blocks: Mapping[str, Block]) -> None:
    """Create the blocks; of those that exist, set what is given, and keep the other fields.

    A block in a block is saved under a name of its own, `shipway-` and that of the outer one. The
    Prefect UI can choose only what has a name, and its form empties the field of any other.
    """
    for document, block in blocks.items():
        name = document.partition("/")[2]
        await _save(block, name, inner_name=f"{INNER}{name}")


async def _save(block: Block, name: str, inner_name: str) -> Block:
    kind = type(block)
    schema = _schema(kind)
    kept = await _kept(kind, name)
    # A form has the fields of the schema that its block was saved with.
    is_current = _schema(kind) == schema
    merged = kind(**_fields(kept) | _fields(block))
    for field, inner in merged:
        if isinstance(inner, Block) and _is_unnamed(inner):
            setattr(merged, field, await _save(inner, inner_name, inner_name))
    if kept is not None and is_current and _fields(merged) == _fields(kept):
        merged = kept
    else:
        await merged.asave(name, overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
    print(f"block {kind.get_block_type_slug()}/{name}")
    return merged


async def _kept(kind: type[Block], name: str) -> Block | None:
    """The block as it is; nothing where there is none, or none that can be read."""
    try:
        return await kind.aload(name)
    except ValueError:
        return None


def _schema(kind: type[Block]) -> Any:
    """The schema of the block of this kind that was registered, loaded or saved last."""
    return kind._block_schema_id  # pyright: ignore[reportPrivateUsage]


def _fields(block: Block | None) -> dict[str, Any]:
    return {} if block is None else {each: getattr(block, each) for each in block.model_fields_set}


def _is_unnamed(block: Block) -> bool:
    return block._block_document_name is None  # pyright: ignore[reportPrivateUsage]


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
        await make_shard_pods(
            pool,
            has_kubeconfig=_kubeconfig(os.environ) is not None,
            namespace=os.environ.get("SHIPWAY_POD_NAMESPACE"),
            account=os.environ.get("SHIPWAY_POD_ACCOUNT"),
            priority=os.environ.get("SHIPWAY_POD_PRIORITY"),
        )
    if pool := os.environ.get("SHIPWAY_RUN_POOL"):
        async with get_client() as client:
            if image := os.environ.get("SHIPWAY_RUN_IMAGE"):
                await make_run_containers(client, pool, image)
            else:
                template = os.environ.get("SHIPWAY_RUN_TEMPLATE", "shipway/run")
                await make_run_pods(client, pool, template)
            await move_runs(client, pool)
    for entry in os.environ.get("SHIPWAY_APPS", "").split():
        name, _, url = entry.partition("=")
        await save(app(name, url, os.environ))
    await show_what_is_registered()
    await remove_what_is_gone()
    await make_automations(os.environ)


if __name__ == "__main__":
    asyncio.run(main())
