"""`shipway up` and `down`: the sandbox, which is part of a checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from shipway.errors import RefuseError

SANDBOX = Path(__file__).parents[2] / "docker" / "sandbox"


def up() -> int:
    """Start what is missing of the sandbox.

    It is an engine, a registry, a Git server, a Prefect server and a cluster.
    """
    return _run("up")


def down() -> int:
    """End the sandbox, and leave the machine as it was."""
    return _run("down")


def _run(what: str) -> int:
    if not SANDBOX.is_dir():
        raise RefuseError(
            "The sandbox is not part of an installed package.",
            where=str(SANDBOX),
            expected="a checkout of Shipway",
            untouched="this machine",
            remedy=f"`make {what}` in a checkout",
        )
    return subprocess.run([sys.executable, SANDBOX, what], check=False).returncode
