"""kubectl, as people type it: the sandbox's, on the PATH of a shell."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path


def kubectl(
    env: Mapping[str, str], *arguments: str, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the sandbox's kubectl."""
    command = [*_program(env), *arguments]
    return subprocess.run(
        command, input=given, env=env, capture_output=True, text=True, check=False
    )


def shell_with_kubectl(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The variables of a shell that finds the sandbox's kubectl and its docker with BuildKit."""
    for name, command in {
        "kubectl": shlex.join(_program(env)),
        "docker": shlex.quote(env["SHIPWAY_DOCKER_CLI"]),
    }.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
    return {**env, "PATH": f"{folder}:{env['PATH']}", "DOCKER_BUILDKIT": "1"}


def _program(env: Mapping[str, str]) -> list[str]:
    """The command without Kustomize, which is a part of it."""
    return shlex.split(env["SHIPWAY_KUSTOMIZE"])[:-1]
