"""Which Shipway a deployment runs, as the Prefect UI shows it: a step of `prefect deploy`."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from shipway.git.command import CommandError, Git, run_git

HOME = Path(__file__).parents[1]


def read_version(home: Path = HOME) -> dict[str, str]:
    """Shipway's version; in a checkout, its commit too: `0.1.0+3f2c1ab`.

    `.dirty` follows where a file of that commit has changed since.

    Args:
        home: The folder that Shipway's code is in.
    """
    released = version("shipway")
    commit = _commit(home)
    return {"version": f"{released}+{commit}" if commit else released}


def _commit(home: Path) -> str | None:
    """The commit of a checkout; nothing for a package, though it may lie in somebody's checkout."""
    if not (home / ".git").exists():
        return None
    describe = ("describe", "--always", "--exclude=*", "--abbrev=7", "--dirty=.dirty")
    try:
        return run_git(Git(home), *describe).decode().strip()
    except CommandError:
        return None
