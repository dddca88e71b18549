"""The sandbox's `shipway webhooks`, before the real Prefect server and the real Git server."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterIdempotencyKey,
)
from prefect.client.schemas.objects import FlowRun, StateType
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from shipway.cli.main import UNKNOWN
from tests.support.pages import pasted, renamed
from tests.support.project import Project

Send = Callable[..., int]

SHIPWAY = str(Path(sys.executable).with_name("shipway"))

# Starting a process that runs `release-new` is what takes time.
soon = retry(
    retry=retry_if_result(lambda found: not found), stop=stop_after_delay(120), wait=wait_fixed(0.2)
)


@pytest.fixture
def send(sandbox: dict[str, str]) -> Send:
    """Delivers a body to the sandbox's receiver; returns the status of the answer."""

    def send(body: bytes, secret: str = sandbox["SHIPWAY_WEBHOOK_SECRET_GITEA"]) -> int:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        url = f"{sandbox['SHIPWAY_WEBHOOKS']}/webhooks/gitea"
        return httpx.post(url, content=body, headers={"X-Gitea-Signature": signature}).status_code

    return send


async def looks() -> dict[uuid.UUID, FlowRun]:
    """The runs of `release-new` that no schedule has made."""
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("release-new/release-new")
        of_it = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
        found = await client.read_flow_runs(deployment_filter=of_it)
    return {run.id: run for run in found if not run.auto_scheduled}


async def releases(project: Project) -> list[FlowRun]:
    """The runs that release the project's tip."""
    keys = FlowRunFilterIdempotencyKey(any_=[f"{project.folder}@{project.revision}"])
    async with get_client() as client:
        return await client.read_flow_runs(flow_run_filter=FlowRunFilter(idempotency_key=keys))


async def test_a_pushed_tag_is_released_once_its_delivery_is_proven(
    project: Project, send: Send
) -> None:
    project.change_ops(
        {f"{project.folder}/rollout.yaml": f"{project.ops_file('rollout.yaml')}releases: {{}}\n"}
    )
    # The release is refused at once: this is about what starts it.
    project.change({"pipeline.yaml": "no pipeline"})
    project.code.create_tag("v1")
    project.code.git.push("origin", "v1")
    before, body = await looks(), os.urandom(8).hex().join('""').encode()
    assert send(body, secret="another") == 401
    assert send(b"{") == 400
    assert send(b" " * 10_000_000) == 413
    assert (await looks()).keys() == before.keys()
    assert send(body) == 202

    @soon
    async def looked() -> bool:
        """Whether one has looked to the end, and was not cancelled for another one."""
        new = [run for run in (await looks()).values() if run.id not in before]
        return any(run.state_type in {StateType.COMPLETED, StateType.FAILED} for run in new)

    assert await looked()
    (release,) = await releases(project)
    assert "v1" in release.tags
    assert send(body) == 409


def test_the_receiver_says_where_forges_call_and_no_secret(sandbox: dict[str, str]) -> None:
    assert httpx.get(f"{sandbox['SHIPWAY_WEBHOOKS']}/health").json() == {"status": "ok"}
    said = Path(sandbox["SHIPWAY_STATE"], "log", "webhooks.log").read_text()
    assert f"gitea: {sandbox['SHIPWAY_WEBHOOKS']}/webhooks/gitea" in said
    assert sandbox["SHIPWAY_WEBHOOK_SECRET_GITEA"] not in said


def test_a_receiver_of_ones_own_starts_as_the_page_says(
    sandbox: dict[str, str], tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    (block,) = pasted("docs/releases.md", "Webhooks")
    text = renamed(block, {"shipway": f"exec {SHIPWAY}", "4201": port})
    shell = ["bash", "--noprofile", "--norc", "-e", "-c", text]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(shell, stdout=log, stderr=log)
    try:
        answers = retry(stop=stop_after_delay(60), wait=wait_fixed(0.2))(httpx.get)
        assert answers(f"http://127.0.0.1:{port}/health").json() == {"status": "ok"}
    finally:
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM
    assert f"github: http://0.0.0.0:{port}/webhooks/github" in (tmp_path / "log").read_text()


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
    without = {name: it for name, it in os.environ.items() if "WEBHOOK_SECRET" not in name}
    done = subprocess.run(
        [SHIPWAY, "webhooks"], env=without | secrets, capture_output=True, text=True, check=False
    )
    assert done.returncode == UNKNOWN
    assert said in done.stderr


def test_a_port_that_is_taken_is_told(sandbox: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [SHIPWAY, "webhooks", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "address already in use" in done.stderr
