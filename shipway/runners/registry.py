"""The runners by name. A new one is one more file, and one more line here."""

from __future__ import annotations

from shipway.runners.container import ContainerRunner
from shipway.runners.pod import PodRunner
from shipway.runners.process import ProcessRunner
from shipway.runners.runner import Runner

RUNNERS: dict[str, type[Runner]] = {
    "container": ContainerRunner,
    "process": ProcessRunner,
    "pod": PodRunner,
}


def known_runner(name: str) -> str:
    """The name of a runner as it is.

    Raises:
        ValueError: There is no such runner.
    """
    if name not in RUNNERS:
        raise ValueError(f"there is no runner {name!r}: use one of {', '.join(sorted(RUNNERS))}")
    return name
