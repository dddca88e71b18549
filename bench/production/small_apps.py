"""Small apps: each with a repository of its own, one image and one layer of unit tests."""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copytree
from typing import NamedTuple

from git import Repo

from bench.gitops.races import MANIFEST, ROLLOUT
from blocks.source_repository import SourceRepository
from deployments.bootstrap import app as source_block
from deployments.bootstrap import save
from examples import repositories

_PIPELINE = """\
app: {app}
image:
  target: runtime
tests:
  target: test
  layers:
    unit:
      command: [pytest, tests]
"""


class SmallApp(NamedTuple):
    """An app, and a clone of its repository."""

    name: str
    code: Repo

    @property
    def revision(self) -> str:
        """The tip of its repository."""
        return self.code.head.commit.hexsha


@asynccontextmanager
async def small_apps(count: int) -> AsyncGenerator[Sequence[SmallApp]]:
    """So many apps, known to the Prefect server; their ops folders are gone afterwards."""
    beginning = f"small-{uuid.uuid4().hex[:6]}"
    apps = [_create(f"{beginning}-{number}") for number in range(count)]
    _, ops = repositories.shop()
    texts = {"web.yaml": MANIFEST, "rollout.yaml": ROLLOUT}
    folders = {f"staging/{app.name}/{name}": text for app in apps for name, text in texts.items()}
    repositories.commit(ops, f"Add {beginning}", folders)
    for app in apps:
        await save(source_block(app.name, app.code.remote().url, os.environ))
    try:
        yield apps
    finally:
        _, ops = repositories.shop()
        ops.git.rm("-r", "--quiet", *(f"staging/{app.name}" for app in apps))
        repositories.commit(ops, f"Remove {beginning}", {})
        await asyncio.gather(*(SourceRepository.adelete(app.name) for app in apps))


def change(app: SmallApp) -> None:
    """Change its code, so that its next release has an image to build and tests to run."""
    code = Path(app.code.working_dir, "hello.py").read_text()
    repositories.commit(app.code, "A change", {"hello.py": f"{code}# {uuid.uuid4().hex}\n"})


def _create(name: str) -> SmallApp:
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder, "content")
        copytree(repositories.EXAMPLES / "hello", content)
        base, python = "ARG BASE=python:3.11-slim", os.environ["SHIPWAY_PYTHON_IMAGE"]
        dockerfile = (content / "Dockerfile").read_text()
        assert base in dockerfile
        (content / "Dockerfile").write_text(dockerfile.replace(base, f"ARG BASE={python}"))
        # Nobody else's image is the same, so that each has one to build.
        (content / "hello.py").write_text(f"{(content / 'hello.py').read_text()}# {name}\n")
        (content / "pipeline.yaml").write_text(_PIPELINE.format(app=name))
        return SmallApp(name, repositories.create(name, content, {}, os.environ))
