"""What was measured with."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version

from bench.common import yq


def versions() -> dict[str, str]:
    """The versions that a result belongs to."""
    docker = [os.environ["SHIPWAY_DOCKER_CLI"], "version", "--format", "{{.Server.Version}}"]
    commands = {
        "shipway": ["git", "describe", "--always", "--dirty"],
        "git": ["git", "--version"],
        "docker": docker,
    }
    outputs = {
        name: subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for name, command in commands.items()
    }
    return {
        **outputs,
        "python": platform.python_version(),
        "prefect": version("prefect"),
        "yq": yq.VERSION,
        "cores": str(os.cpu_count()),
    }
