"""A repository on the sandbox's Git server, for one test alone."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from git import Repo

from examples import repositories


@pytest.fixture
def code(sandbox: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A clone with one commit, the ops folder of an app; other tests run at the same time."""
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "state"))
    folder = tmp_path / "content/prod/shop"
    folder.mkdir(parents=True)
    (folder / "rollout.yaml").write_text("image: a\n")
    name = f"integration-{uuid.uuid4().hex[:8]}"
    env = sandbox | {"SHIPWAY_STATE": str(tmp_path)}
    return repositories.create(name, tmp_path / "content", {}, env)
