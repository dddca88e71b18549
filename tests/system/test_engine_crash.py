"""A Docker engine that dies under a release."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid

import pytest

from tests.support.processes import processes_of
from tests.support.project import Project
from tests.support.runs import run_release

PATIENCE_SECONDS = 120


@pytest.mark.alone
async def test_a_release_goes_on_after_the_engine_has_died_while_it_built(
    project: Project, sandbox: dict[str, str]
) -> None:
    seconds = f"20.{uuid.uuid4().int % 10**6}"
    slow = f"COPY . .\nRUN sleep {seconds}\n"
    project.change({"Dockerfile": project.file("Dockerfile").replace("COPY . .\n", slow)})
    running = asyncio.create_task(run_release(project.app))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not processes_of("sleep", seconds):
        assert not running.done(), running.result()
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    (engine,) = processes_of("dockerd", f"--host={sandbox['DOCKER_HOST']}")
    os.kill(engine, signal.SIGKILL)
    state = await running
    assert state.is_completed(), state.message
    assert set(project.tags()) == {project.revision}
