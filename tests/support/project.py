"""An app of a test's own: its repository, its ops folder, and what became of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from filelock import FileLock
from git import Repo

from blocks.source_repository import SourceRepository
from deployments.bootstrap import app as source_block
from deployments.bootstrap import save
from examples import repositories

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
HOME = Path(__file__).parents[2]
BY_HAND = HOME / "docs" / "by-hand.md"


def files_by_hand() -> dict[str, str]:
    """The files that docs/by-hand.md tells its readers to write, by path."""
    blocks = re.findall(r"```yaml\n# (\S+\.yaml)\n(.*?)```", BY_HAND.read_text(), re.DOTALL)
    return dict(blocks)


def bring_up(what: str, *options: str) -> None:
    """Have a part of the sandbox up, built if it is not; without it, the tests that ask fail.

    Of the processes of a test run that need it, the first one sees to it.
    """
    test_run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    mark = Path(os.environ["SHIPWAY_STATE"], f"brought-up-{'-'.join([what, *options])}")
    with FileLock(mark.with_suffix(".lock")):
        if not mark.exists() or mark.read_text() != test_run:
            start_what_is_missing(what, *options)
            mark.write_text(test_run)


def start_what_is_missing(what: str, *options: str) -> None:
    """Have all parts of the sandbox up; without them, the test fails."""
    up = [sys.executable, str(HOME / "docker" / "sandbox"), "up", *options]
    done = subprocess.run(up, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"there is no {what}:\n{done.stdout}{done.stderr}", pytrace=False)


@dataclass(frozen=True)
class Project:
    """One app on the sandbox's Git server, and one folder of the ops repository."""

    app: str
    code: Repo
    ops: Repo
    env: Mapping[str, str]

    @property
    def revision(self) -> str:
        """The tip of the app's repository."""
        return self.code.head.commit.hexsha

    @property
    def folder(self) -> str:
        """Its folder in the ops repository."""
        return f"staging/{self.app}"

    def file(self, name: str) -> str:
        """A file of the app."""
        return Path(self.code.working_dir, name).read_text()

    def change(self, files: Mapping[str, str], message: str = "A change") -> str:
        """Commit to the app's repository and push."""
        return repositories.commit(self.code, message, files)

    def link(self, name: str, to: Path) -> str:
        """Put a symlink in a file's place, commit to the app's repository and push."""
        file = Path(self.code.working_dir, name)
        file.unlink()
        file.symlink_to(to)
        return self.change({})

    def change_ops(self, files: Mapping[str, str]) -> str:
        """Commit to the ops repository, on top of what others pushed."""
        self.pull_ops()
        return repositories.commit(self.ops, f"By hand: {self.app}", files)

    def remove_from_ops(self, *names: str) -> None:
        """Remove files of the folder, or all of it."""
        self.pull_ops()
        for name in names or ("",):
            self.ops.git.rm("-r", f"{self.folder}/{name}")
        repositories.commit(self.ops, f"By hand: {self.app}", {})

    def revert_ops(self, commit: str) -> str:
        """Revert a commit of the ops repository, on top of what others pushed."""
        self.pull_ops()
        self.ops.git.revert("--no-edit", commit)
        return repositories.push(self.ops)

    def pull_ops(self) -> None:
        """Take what others pushed."""
        self.ops.git.pull("--rebase", "origin", "main")

    def ops_file(self, name: str) -> str:
        """A file of its folder."""
        return Path(self.ops.working_dir, self.folder, name).read_text()

    def ops_log(self, environment: str = "staging") -> list[str]:
        """The commits of its folder of an environment on the server, newest first."""
        self.ops.git.fetch("origin", "main")
        folder = f"{environment}/{self.app}"
        commits = str(self.ops.git.log("--format=%H", "FETCH_HEAD", "--", folder))
        return commits.split()

    def tags(self) -> dict[str, str]:
        """What the registry holds of it: digest by tag."""
        base = f"http://{self.env['SHIPWAY_REGISTRY']}/v2/{self.app}"
        kind = {"Accept": ", ".join(MANIFESTS)}
        names = httpx.get(f"{base}/tags/list").json().get("tags") or []
        return {
            name: httpx.head(f"{base}/manifests/{name}", headers=kind).headers[
                "Docker-Content-Digest"
            ]
            for name in names
        }


def create(
    app: str, env: Mapping[str, str], folder: Path, agent: str, ops_name: str = "ops"
) -> Project:
    """Make the README's app under a name of its own: examples/hello with the files by hand."""
    files = {name: text.replace("hello", app) for name, text in files_by_hand().items()}
    files["staging/hello/rollout.yaml"] += f"agent: {agent}\n"
    content = folder / "content"
    shutil.copytree(HOME / "examples" / "hello", content)
    dockerfile = (content / "Dockerfile").read_text()
    base = f"ARG BASE={env['SHIPWAY_PYTHON_IMAGE']}"
    (content / "Dockerfile").write_text(dockerfile.replace("ARG BASE=python:3.11-slim", base))
    # Its stages and commands are those of the page; only the names of app and image are its own.
    (content / "pipeline.yaml").write_text(files.pop("pipeline.yaml"))
    code = repositories.create(app, content, {}, env)
    ops = repositories.clone(ops_name, folder / "ops", env)
    project = Project(app=app, code=code, ops=ops, env=env)
    project.change_ops({path.replace("hello", app): text for path, text in files.items()})
    return project


@asynccontextmanager
async def known_project(env: dict[str, str], folder: Path, agent: str) -> AsyncIterator[Project]:
    """A project under a fresh name, known to Shipway; its ops folder is gone afterwards."""
    name = f"hello-{uuid.uuid4().hex[:6]}"
    made = create(name, env, folder, agent)
    async with registered(name, made.code, env):
        yield made
        made.remove_from_ops()


@asynccontextmanager
async def registered(app: str, code: Repo, env: Mapping[str, str]) -> AsyncIterator[None]:
    """Have an app known to Shipway; left behind, it would be tested every night."""
    await save(source_block(app, code.remote().url, env))
    try:
        yield
    finally:
        await SourceRepository.adelete(app)
