"""An ops repository of one test's own, on the sandbox's Git server."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from git import Repo
from pydantic import SecretStr

from blocks.ops_repository import OpsRepository
from examples import repositories


def own_ops(
    sandbox: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Repo, OpsRepository]:
    """Make one that is empty, and have the flows of this process take it for theirs.

    Args:
        sandbox: The sandbox's exports.
        folder: Where its clone is made.
        monkeypatch: The test's.
    """
    (folder / "content").mkdir()
    (folder / "content/README.md").write_text("The ops repository of one test.\n")
    env = {**sandbox, "SHIPWAY_STATE": str(folder)}
    name = f"ops-{uuid.uuid4().hex[:8]}"
    clone = repositories.create(name, folder / "content", {}, env)
    ops = OpsRepository(
        url=clone.remote().url,
        username=sandbox["SHIPWAY_GIT_USERNAME"],
        password=SecretStr(sandbox["SHIPWAY_GIT_PASSWORD"]),
    )
    monkeypatch.setattr(OpsRepository, "aload", AsyncMock(return_value=ops))
    return clone, ops
