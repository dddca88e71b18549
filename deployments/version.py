"""Which Shipway a deployment runs, as the Prefect UI shows it: a step of `prefect deploy`."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from shipway.git.command import CommandError, Git, run_git

HOME = Path(__file__).parents[1]
ABBREVIATED = 7


def read_version(home: Path = HOME) -> dict[str, str]:
    """Shipway's version; in a checkout and in an image, its commit too: `0.1.0+3f2c1ab`.

    `.dirty` follows where a file of a checkout has changed since. An image has its commit in
    `SHIPWAY_REVISION`.

    Args:
        home: The folder that Shipway's code is in.
    """
    released = version("shipway")
    commit = _commit(home) or os.environ.get("SHIPWAY_REVISION", "")[:ABBREVIATED]
    return {"version": f"{released}+{commit}" if commit else released}


def _commit(home: Path) -> str | None:
    """The commit of a checkout; nothing for a package, though it may lie in somebody's checkout."""
    if not (home / ".git").exists():
        return None
    describe = ("describe", "--always", "--exclude=*", f"--abbrev={ABBREVIATED}", "--dirty=.dirty")
    try:
        return run_git(Git(home), *describe).decode().strip()
    except CommandError:
        return None
