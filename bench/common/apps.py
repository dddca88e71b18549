"""The two contenders: the same app twice, each with repositories and names of its own."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from git import Repo

from bench.common.script_env import script_env
from blocks.source_repository import SourceRepository
from deployments.bootstrap import app as source_block
from deployments.bootstrap import save
from examples import repositories

Contender = Literal["script", "shipway"]
SCRIPT = str(Path(__file__).parents[1] / "release" / "script.sh")


class App(NamedTuple):
    """One contender's app: its code, and what releases a revision of it."""

    name: str
    code: Repo
    command: list[str]
    env: dict[str, str]


def prepare(contender: Contender, folder: Path) -> App:
    """Make the shop under a new name, with an ops folder that no cluster follows.

    Args:
        contender: Whose app it is.
        folder: An empty folder for its working files.
    """
    env = dict(os.environ)
    name = f"bench-{contender}-{uuid.uuid4().hex[:6]}"
    code = repositories.create(name, repositories.EXAMPLES / "shop", repositories.images(env), env)
    pipeline = Path(code.working_dir, "pipeline.yaml").read_text()
    renamed = pipeline.replace("app: shop", f"app: {name}")
    repositories.commit(code, f"Rename to {name}", {"pipeline.yaml": renamed})
    _, ops = repositories.shop(env)
    manifests = repositories.EXAMPLES / "shop-ops" / "staging" / "shop"
    texts = {f"staging/{name}/{file.name}": file.read_text() for file in manifests.iterdir()}
    rollout = f"staging/{name}/rollout.yaml"
    texts[rollout] = texts[rollout].replace("agent: reconcile", "agent: external")
    repositories.commit(ops, f"Add {name}", texts)
    if contender == "script":
        return App(name, code, [SCRIPT, name], _script_environment(env, code, folder))
    asyncio.run(save(source_block(name, code.remote().url, env)))
    command = [sys.executable, "-m", "bench.common.release_once", name]
    return App(name, code, command, env | {"SHIPWAY_STATE": str(folder)})


def only_tests(app: App, files: Mapping[str, str], layer: Mapping[str, Any]) -> str:
    """Commit and push these as the app's only tests; return the revision.

    Args:
        app: The app.
        files: Unit tests, by name.
        layer: Settings of the unit layer. Its environment names the app, so that a process of the
            tests can be told from others'.
    """
    root = Path(app.code.working_dir)
    for file in (root / "tests" / "unit").glob("*.py"):
        file.unlink()
    pipeline = yaml.safe_load((root / "pipeline.yaml").read_text())
    command = ["pytest", "-q", "-p", "no:cacheprovider", "tests/unit"]
    unit = {"command": command, "env": {"APP": app.name}, **layer}
    pipeline["tests"]["layers"] = {"unit": unit}
    changes = {f"tests/unit/{name}": text for name, text in files.items()}
    changes["pipeline.yaml"] = yaml.safe_dump(pipeline, sort_keys=False)
    return repositories.commit(app.code, "Other tests", changes)


def remove(*names: str) -> None:
    """Take the folders of apps out of the ops repository, and what registers them."""
    _, ops = repositories.shop()
    ops.git.rm("-r", "--quiet", *(f"staging/{name}" for name in names))
    repositories.commit(ops, f"Remove {' '.join(names)}", {})
    for name in names:
        # The script's apps never were.
        with suppress(ValueError):
            asyncio.run(SourceRepository.adelete(name))


def _script_environment(env: dict[str, str], code: Repo, folder: Path) -> dict[str, str]:
    return {
        **script_env(env),
        "SOURCE_URL": code.remote().url,
        "OPS_URL": env["SHIPWAY_OPS_URL"],
        "REGISTRY": env["SHIPWAY_REGISTRY"],
        "BASE_IMAGE": env["SHIPWAY_PYTHON_IMAGE"],
        "DATABASE_IMAGE": env["SHIPWAY_POSTGRES_IMAGE"],
        "DOCKER": env["SHIPWAY_DOCKER_CLI"],
        "TMPDIR": str(folder),
    }
