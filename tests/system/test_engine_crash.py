"""A Docker engine that dies under a release."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.runs import run_release

PATIENCE_SECONDS = 120


def processes(*words: str) -> list[int]:
    """The processes whose command line begins with these words."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if line[: len(words)] == list(words):
            found.append(int(entry.name))
    return found


@pytest.mark.alone
async def test_a_release_goes_on_after_the_engine_has_died_while_it_built(
    project: Project, sandbox: dict[str, str]
) -> None:
    seconds = f"20.{uuid.uuid4().int % 10**6}"
    slow = f"COPY . .\nRUN sleep {seconds}\n"
    project.change({"Dockerfile": project.file("Dockerfile").replace("COPY . .\n", slow)})
    running = asyncio.create_task(run_release(project.app))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not processes("sleep", seconds):
        assert not running.done(), running.result()
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    (engine,) = processes("dockerd", f"--host={sandbox['DOCKER_HOST']}")
    os.kill(engine, signal.SIGKILL)
    state = await running
    assert state.is_completed(), state.message
    assert set(project.tags()) == {project.revision}
