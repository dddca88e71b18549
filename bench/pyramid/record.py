"""What containers print, as their engine has it: a record of tests that Shipway has no part in."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from docker import DockerClient
from docker.errors import APIError, NotFound

from shipway.runners.labels import RUN_LABEL

LINE = re.compile(rb"^ran (\d+) ([\d.]+)\r?$", re.MULTILINE)


class EndedTest(NamedTuple):
    """A test that came to its end: its number, when, and in which container."""

    number: int
    at: float
    container: str


class Record:
    """What was printed so far, by container."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._printed: dict[str, bytes] = {}

    def ended(self) -> list[EndedTest]:
        """Every test that has said that it is over."""
        return [
            EndedTest(int(number), float(at), container)
            for container, printed in list(self._printed.items())
            for number, at in LINE.findall(printed)
        ]

    def follow(self, container: str) -> None:
        """Take what a container prints, from its start to its end."""
        try:
            stream = self._client.containers.get(container).logs(stream=True, follow=True)
            for chunk in stream:
                self._printed[container] = self._printed.get(container, b"") + chunk
        except (NotFound, APIError):
            # It ended before anybody could listen, or was removed.
            return


@contextmanager
def recorder(client: DockerClient, app: str) -> Generator[Record]:
    """Listen to every container that an app's runs start while this lasts."""
    record = Record(client)
    events = client.events(decode=True, filters={"event": "start", "label": RUN_LABEL})

    def listen() -> None:
        for event in events:
            containers = client.api.containers(all=True, filters={"id": event["id"]})
            if any(
                app in str(container["NetworkSettings"]["Networks"]) for container in containers
            ):
                threading.Thread(target=record.follow, args=[event["id"]], daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield record
    finally:
        events.close()
        thread.join(5)
