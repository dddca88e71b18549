"""What an app's runs have on this machine: containers, networks and processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from docker import DockerClient

from shipway.runners.labels import RUN_LABEL

POLL_SECONDS = 0.25


class Traces(NamedTuple):
    """Ids of what is there, and when they were looked for (monotonic)."""

    at: float
    containers: frozenset[str]
    networks: frozenset[str]
    processes: frozenset[int]

    @property
    def things(self) -> tuple[frozenset[str], frozenset[str], frozenset[int]]:
        """Containers, networks, processes."""
        return self.containers, self.networks, self.processes

    @property
    def none(self) -> bool:
        """Whether nothing is there."""
        return not any(self.things)

    def shares_with(self, other: Traces) -> bool:
        """Whether anything of the one is there in the other."""
        return any(mine & theirs for mine, theirs in zip(self.things, other.things, strict=True))

    def __str__(self) -> str:
        """How much."""
        containers, networks, processes = map(len, self.things)
        return f"{containers} containers, {networks} networks, {processes} processes"


def traces(client: DockerClient, app: str) -> Traces:
    """What is there of an app, whoever started it; a process names it in arguments or variables."""
    networks = client.api.networks(names=[f"shipway-{app}"])
    labelled = client.api.containers(all=True, filters={"label": RUN_LABEL})
    containers = [
        container for container in labelled if app in str(container["NetworkSettings"]["Networks"])
    ]
    return Traces(
        time.monotonic(),
        frozenset(container["Id"] for container in containers),
        frozenset(network["Id"] for network in networks),
        frozenset(_processes(app.encode())),
    )


@contextmanager
def watching(client: DockerClient, app: str) -> Generator[list[Traces]]:
    """Look again and again while this lasts: a check that saw nothing before proves nothing."""
    looks: list[Traces] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(POLL_SECONDS):
            looks.append(traces(client, app))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join()


def most(looks: list[Traces]) -> Traces:
    """The look that found the most."""
    return max(looks, key=lambda look: sum(map(len, look.things)))


def _processes(mark: bytes) -> Generator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark in text:
                yield int(entry.name)
