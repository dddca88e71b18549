"""The app that rollouts are shown with, under a name of its own, on the sandbox's Git server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from git import Repo

from examples import repositories

PULSE = repositories.EXAMPLES / "pulse"
GOOD: dict[str, Any] = {
    "fails_percent": 0,
    "ready": True,
    "crashes_after_seconds": 0,
    "ends_after_seconds": 3,
}

Strategy = Literal["rolling", "blue-green", "canary"]


@dataclass(frozen=True)
class Pulse:
    """One app, and its folder in the ops repository.

    Attributes:
        name: Of the app, of its namespace and of its objects.
        code: A clone of its repository.
        ops: A clone of the ops repository.
        environment: The environment whose folder it has.
    """

    name: str
    code: Repo
    ops: Repo
    environment: str

    @property
    def folder(self) -> Path:
        """Its folder in the ops repository."""
        return Path(self.ops.working_dir, self.environment, self.name)

    def version(self, version: str, **behaviour: Any) -> str:
        """Commit a version that behaves well, or not; return the commit id."""
        release = {"version": version, **GOOD, **behaviour}
        text = f"{json.dumps(release)}\n"
        return repositories.commit(self.code, f"Version {version}", {"release.json": text})

    def next_version(self) -> str:
        """The version after the tip's."""
        release = json.loads(Path(self.code.working_dir, "release.json").read_text())
        return f"{int(release['version'].partition('.')[0]) + 1}.0.0"

    def write(self, files: Mapping[str, str]) -> str:
        """Commit files of its ops folder, on top of what others pushed; return the commit id."""
        self.pull()
        place = f"{self.environment}/{self.name}"
        named = {f"{place}/{name}": text for name, text in files.items()}
        return repositories.commit(self.ops, f"By hand: {self.name}", named)

    def read(self, name: str) -> str:
        """A file of its ops folder, as it is on the server."""
        self.pull()
        return Path(self.folder, name).read_text()

    def pull(self) -> None:
        """Take what others pushed."""
        self.ops.git.pull("--rebase", "origin", "main")

    def trailers(self, key: str) -> list[str]:
        """What a trailer says in each commit of the ops folder that has it, oldest first."""
        self.pull()
        place = f"{self.environment}/{self.name}"
        form = f"--format=%(trailers:key={key},valueonly,separator=%x20)"
        values = str(self.ops.git.log("--reverse", form, "--", place))
        return [line.strip() for line in values.splitlines() if line.strip()]

    def remove(self) -> None:
        """Take its folder out of the ops repository."""
        self.pull()
        self.ops.git.rm("-r", f"{self.environment}/{self.name}")
        repositories.commit(self.ops, f"By hand: {self.name}", {})


def have(name: str, strategy: Strategy, env: Mapping[str, str]) -> Pulse:
    """The app in staging, as it is on the Git server; made if it is missing."""
    if not Path(env["SHIPWAY_GIT_ROOT"], f"{name}.git").exists():
        return create(name, strategy, env)
    clones = Path(env["SHIPWAY_STATE"]) / "clones"
    repos: list[Repo] = []
    for repository, folder in ((name, clones / name), ("ops", clones / f"{name}-ops")):
        shutil.rmtree(folder, ignore_errors=True)
        repos.append(repositories.clone(repository, folder, env))
    return Pulse(name=name, code=repos[0], ops=repos[1], environment="staging")


def create(
    name: str, strategy: Strategy, env: Mapping[str, str], environment: str = "staging"
) -> Pulse:
    """Make the app's repository, and its folder in the ops repository with a strategy's files."""
    with TemporaryDirectory() as temporary:
        content = Path(temporary, "content")
        shutil.copytree(PULSE / "app", content)
        dockerfile = (content / "Dockerfile").read_text()
        base = f"ARG BASE={env['SHIPWAY_PYTHON_IMAGE']}"
        text = dockerfile.replace("ARG BASE=python:3.11-slim", base)
        (content / "Dockerfile").write_text(text)
        pipeline = (content / "pipeline.yaml").read_text()
        (content / "pipeline.yaml").write_text(pipeline.replace("app: pulse", f"app: {name}"))
        code = repositories.create(name, content, {}, env)
    folder = Path(env["SHIPWAY_STATE"]) / "clones" / f"{name}-ops"
    shutil.rmtree(folder, ignore_errors=True)
    ops = repositories.clone("ops", folder, env)
    made = Pulse(name=name, code=code, ops=ops, environment=environment)
    made.write(files(name, strategy))
    return made


def files(name: str, strategy: Strategy) -> dict[str, str]:
    """The files of a strategy's ops folder, for an app of another name."""
    return {
        file.name: file.read_text().replace("pulse", name)
        for file in sorted((PULSE / strategy).iterdir())
    }
