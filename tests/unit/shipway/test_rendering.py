"""A tool that renders is given the files, and few of the variables of the worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.config.rendering import HelmRendering
from shipway.rendering import Renderer

# Kustomize takes what an env file only names from its environment, and Git says what is named.
SECRETS = ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY", "SHIPWAY_GIT_PASSWORD", "GIT_ASKPASS")
KEPT = {"HOME": "/home/shipway", "HELM_REGISTRY_CONFIG": "/etc/helm.json", "no_proxy": "localhost"}


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program that prints its environment."""
    for name in SECRETS:
        monkeypatch.setenv(name, "hunter2")
    for name, value in KEPT.items():
        monkeypatch.setenv(name, value)
    program = tmp_path / "tool"
    program.write_text("#!/bin/sh\nexec env\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("kind", ["kustomize", "helm"])
async def test_a_tool_is_given_no_secret_of_the_worker(tool: str, kind: str) -> None:
    renderer, files = Renderer(kustomize=tool, helm=tool), {"prod/shop/a": b"a"}
    if kind == "kustomize":
        out = await renderer.build(files, "prod/shop")
    else:
        chart = HelmRendering(chart="charts/shop", values=["values.yaml"])
        out = await renderer.template(files, "prod/shop", chart, "shop", "shop")
    given = dict(line.split("=", 1) for line in out.decode().splitlines())
    assert "hunter2" not in given.values()
    assert {name: given.get(name) for name in KEPT} == KEPT
    assert "PATH" in given
