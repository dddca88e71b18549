"""The blocks on the real Prefect server: made once, made again, secrets hidden."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest
from prefect import get_client

from blocks.ops_repository import OpsRepository
from deployments.bootstrap import TYPES


def bootstrap() -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "deployments.bootstrap"], capture_output=True, text=True, check=True
    )
    return done.stdout.split()[1::2]


async def ids() -> dict[str, str]:
    async with get_client() as client:
        found = await client.read_block_documents()
    return {f"{one.block_type.slug}/{one.name}": str(one.id) for one in found if one.block_type}


async def test_running_it_again_keeps_every_block(sandbox: dict[str, str]) -> None:
    names = bootstrap()
    before = await ids()
    assert bootstrap() == names
    assert await ids() == before
    assert {"registry/default", "ops-repository/default", "image-builder/default"} <= set(names)


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
