"""The README's quick start, pasted into a shell that knows nothing of Shipway."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from docker import DockerClient
from git import Repo
from kubernetes_asyncio.client import ApiException

from blocks.source_repository import SourceRepository
from examples import repositories
from shipway.cli.check import check
from shipway.kubernetes.client import KubeClient
from tests.support.pages import pasted
from tests.support.project import HOME

PUBLIC = "python:3.11-slim"
PERSON = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}


def quick_start(folder: Path, app: str) -> str:
    """What is pasted, for an app and a folder of the test's own."""
    text = "".join(pasted("README.md", "Your own app in five minutes"))
    return re.sub(r"(?<!examples/)\bhello\b", app, text).replace("/tmp/", f"{folder}/")


@pytest.fixture
def public_image(engine: DockerClient, sandbox: dict[str, str]) -> Iterator[None]:
    """The public image that the app is built on, where this machine can pull none."""
    here = repositories.images(sandbox)[PUBLIC]
    if here == PUBLIC:
        yield
        return
    engine.images.get(here).tag(PUBLIC)
    yield
    engine.images.remove(PUBLIC)


@pytest.fixture
async def app(cluster: KubeClient, tmp_path: Path) -> AsyncIterator[str]:
    """A name that no app had before; what is released under it is gone afterwards."""
    name = f"hello-{uuid.uuid4().hex[:6]}"
    yield name
    if (tmp_path / "ops" / "staging" / name).exists():
        ops = Repo(tmp_path / "ops")
        ops.git.pull("--rebase", "origin", "main")
        ops.git.rm("-r", f"staging/{name}")
        repositories.commit(ops, f"{name} is gone", {})
    # A run that failed early has made neither.
    with suppress(ValueError):
        await SourceRepository.adelete(name)
    with suppress(ApiException):
        await cluster.delete("v1", "Namespace", f"{name}-staging", None)


# Its push to the ops repository is a newcomer's: it does not try again when others were faster.
@pytest.mark.alone
def test_an_app_of_ones_own_is_released(
    ops_server: None, public_image: None, app: str, tmp_path: Path
) -> None:
    own = Path(sys.executable).parent
    path = [each for each in os.environ["PATH"].split(os.pathsep) if Path(each) != own]
    env = {"HOME": os.environ["HOME"], "PATH": os.pathsep.join(path), **PERSON}
    shell = ["bash", "--noprofile", "--norc", "-e", "-c", quick_start(tmp_path, app)]
    done = subprocess.run(shell, cwd=HOME, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    revision = Repo(tmp_path / app).head.commit.hexsha
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"✓ {app} {revision[:7]} → staging: built, ")
    assert check(tmp_path) == 0
