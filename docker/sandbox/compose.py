"""Docker Compose, as a plugin of the docker command."""

from __future__ import annotations

from collections.abc import Callable

from gobuild import Program
from state import STATE

_VERSION = "v5.5.1"
_MODULE = "github.com/docker/compose/v5"
_PROGRAM = Program(
    name="docker-compose",
    folder="compose",
    package=f"{_MODULE}/cmd",
    flags=f"-s -w -X {_MODULE}/internal.Version={_VERSION}",
)


def build(report: Callable[[int], None]) -> None:
    """Have it in the cache folder.

    Raises:
        Unavailable: It cannot be built here.
    """
    _PROGRAM.have(report)


def install() -> None:
    """Have the docker command of the sandbox's clients find it."""
    plugins = STATE / "docker" / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    link = plugins / _PROGRAM.name
    link.unlink(missing_ok=True)
    link.symlink_to(_PROGRAM.path)
