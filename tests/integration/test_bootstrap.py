"""The blocks on the real Prefect server: made once, made again, secrets hidden."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping

import httpx
import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect_kubernetes.credentials import KubernetesClusterConfig, KubernetesCredentials

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from blocks.pod_runner import PodRunner
from blocks.source_repository import SourceRepository
from deployments.bootstrap import TYPES, app, save
from tests.support.pages import paste, pasted


def bootstrap(
    line: str = "python -m deployments.bootstrap", names: Mapping[str, str] | None = None
) -> str:
    done = paste(line, names or {}, os.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def ids(names: list[str]) -> dict[str, str]:
    """The id of each block, by its type and name. A list would end at two hundred blocks."""
    found: dict[str, str] = {}
    async with get_client() as client:
        for name in names:
            kind, _, document = name.partition("/")
            block = await client.read_block_document_by_name(document, kind)
            found[name] = str(block.id)
    return found


async def test_running_it_again_keeps_every_block(ops_server: None) -> None:
    names = bootstrap().split()[1::2]
    before = await ids(names)
    assert bootstrap().split()[1::2] == names
    assert await ids(names) == before
    assert {"registry/default", "ops-repository/default", "image-builder/default"} <= set(names)


async def test_what_people_have_set_in_a_block_stays(sandbox: dict[str, str]) -> None:
    name = f"kept-{uuid.uuid4().hex[:8]}"
    (line,) = pasted("docs/by-hand.md", "An app's files by hand")
    assert f"source-repository/{name}" in bootstrap(line, {"hello": name})
    found = await SourceRepository.aload(name)
    assert found.url == f"https://git.example.org/acme/{name}.git"
    found.folder, found.default_branch = "apps/shop", "trunk"
    await found.asave(name, overwrite=True)
    login = {"SHIPWAY_GIT_USERNAME": "bot", "SHIPWAY_GIT_PASSWORD": "secret"}
    await save(app(name, "https://git.example.org/new.git", login))
    found = await SourceRepository.aload(name)
    assert (found.folder, found.default_branch) == ("apps/shop", "trunk")
    assert (found.url, found.username) == ("https://git.example.org/new.git", "bot")
    await save(app(name, "https://git.example.org/new.git", {}))
    found = await SourceRepository.aload(name)
    assert found.password is not None
    assert found.password.get_secret_value() == "secret"
    await SourceRepository.adelete(name)


async def name_inside(cluster: str) -> str:
    """The name of the credentials that a cluster's block refers to."""
    async with get_client() as client:
        block = await client.read_block_document_by_name(cluster, "cluster")
    return block.block_document_references["credentials"]["block_document"]["name"]


async def test_a_block_in_a_block_gets_a_name_and_another_choice_stays(
    sandbox: dict[str, str],
) -> None:
    name = f"nested-{uuid.uuid4().hex[:8]}"
    config = KubernetesClusterConfig(config={"kind": "Config"}, context_name="first")
    unnamed = Cluster(credentials=KubernetesCredentials(cluster_config=config))
    await unnamed.asave(name)  # type: ignore[misc]
    await save({f"cluster/{name}": Cluster(reachable_seconds=5)})
    assert await name_inside(name) == f"shipway-{name}"
    found = await Cluster.aload(name)
    assert found.reachable_seconds == 5
    assert found.credentials.cluster_config is not None
    assert found.credentials.cluster_config.context_name == "first"
    found.credentials = KubernetesCredentials()
    await found.credentials.asave(f"ours-{name}")  # type: ignore[misc]
    await found.asave(name, overwrite=True)  # type: ignore[misc]
    await save({f"cluster/{name}": Cluster(reachable_seconds=6)})
    assert await name_inside(name) == f"ours-{name}"
    await Cluster.adelete(name)
    for inner in (f"ours-{name}", f"shipway-{name}"):
        await KubernetesCredentials.adelete(inner)
    await KubernetesClusterConfig.adelete(f"shipway-{name}")


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
async def test_every_block_type_is_described_in_the_ui(sandbox: dict[str, str], kind: type) -> None:
    slug = kind.get_block_type_slug()  # type: ignore[attr-defined]
    async with get_client() as client:
        found = await client.read_block_type_by_slug(slug)
    assert found.description


def test_a_secret_leaves_the_server_only_when_asked_for(sandbox: dict[str, str]) -> None:
    url = f"{os.environ['PREFECT_API_URL']}/block_types/slug/ops-repository/block_documents"
    shown = httpx.get(url).text
    assert sandbox["SHIPWAY_GIT_PASSWORD"] not in shown
    assert "****" in shown


async def test_a_block_reads_back_what_was_saved(sandbox: dict[str, str]) -> None:
    ops = await OpsRepository.aload("default")
    assert ops.url == sandbox["SHIPWAY_OPS_URL"]
    assert ops.password is not None
    assert ops.password.get_secret_value() == sandbox["SHIPWAY_GIT_PASSWORD"]
    assert sandbox["SHIPWAY_GIT_PASSWORD"] not in repr(ops)


@pytest.mark.alone
async def test_a_pool_for_tests_in_pods_is_made_once_and_left_as_it_is(
    cluster_is_up: None,
) -> None:
    pool = f"pods-{uuid.uuid4().hex[:8]}"
    (line,) = pasted("docs/testing.md", "pod")
    names = {"tests": pool, "~/.kube/config": os.environ["KUBECONFIG"]}
    assert f"work pool {pool}" in bootstrap(line, names)
    async with get_client() as client:
        try:
            await client.update_work_pool(pool, WorkPoolUpdate(description="ours"))
            assert f"work pool {pool}" not in bootstrap(line, names)
            found = await client.read_work_pool(pool)
            assert (found.type, found.description) == ("kubernetes", "ours")
            runner = await PodRunner.aload("default")
            assert runner.work_pool == pool
            assert await runner.open().owners() == {}
        finally:
            await client.delete_work_pool(pool)
            block = await client.read_block_document_by_name("default", "pod-runner")
            await client.delete_block_document(block.id)
