"""`shipway webhooks`, as a process of its own, before the real Prefect server."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prefect import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from shipway.cli.main import UNKNOWN

SHIPWAY = str(Path(sys.executable).with_name("shipway"))
SECRET = "a secret"


@pytest.fixture
def url(sandbox: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Where the receiver listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"SHIPWAY_WEBHOOK_SECRET_GITEA": SECRET}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [SHIPWAY, "webhooks", "--port", str(port)], env=env, stdout=log, stderr=log
        )
    try:
        answers = retry(stop=stop_after_delay(60), wait=wait_fixed(0.2))(httpx.get)
        url = f"http://127.0.0.1:{port}"
        assert answers(f"{url}/health").json() == {"status": "ok"}
        yield url
    finally:
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM
    said = (tmp_path / "log").read_text()
    assert f"gitea: {url}/webhooks/gitea" in said
    assert SECRET not in said


async def runs() -> list[FlowRun]:
    """The runs of `release-new` that no schedule has made."""
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("release-new/release-new")
        of_it = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
        found = await client.read_flow_runs(deployment_filter=of_it)
    return [run for run in found if not run.auto_scheduled]


def send(url: str, body: bytes, secret: str = SECRET) -> int:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Gitea-Signature": signature}
    return httpx.post(f"{url}/webhooks/gitea", content=body, headers=headers).status_code


async def test_a_delivery_that_is_proven_runs_release_new_and_no_other_does(url: str) -> None:
    before = {run.id for run in await runs()}
    assert send(url, b"{}", secret="another") == 401
    assert send(url, b"{") == 400
    assert send(url, b" " * 10_000_000) == 413
    assert {run.id for run in await runs()} == before
    body = os.urandom(8).hex().join('""').encode()
    assert send(url, body) == 202
    there = retry(
        retry=retry_if_result(lambda made: not made),
        stop=stop_after_delay(60),
        wait=wait_fixed(0.2),
    )

    @there
    async def made() -> list[FlowRun]:
        return [run for run in await runs() if run.id not in before]

    assert await made()
    assert send(url, body) == 409


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ({}, "No forge has a secret"),
        ({"SHIPWAY_WEBHOOK_SECRET_GITLAB": "whsec_!"}, "This is no signing token."),
    ],
)
def test_without_a_secret_that_can_be_used_it_does_not_start(
    sandbox: dict[str, str], secrets: dict[str, str], said: str
) -> None:
    done = subprocess.run(
        [SHIPWAY, "webhooks"], env=os.environ | secrets, capture_output=True, text=True, check=False
    )
    assert done.returncode == UNKNOWN
    assert said in done.stderr


def test_a_port_that_is_taken_is_told(sandbox: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = os.environ | {"SHIPWAY_WEBHOOK_SECRET_GITEA": SECRET}
        command = [SHIPWAY, "webhooks", "--port", port]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "address already in use" in done.stderr
