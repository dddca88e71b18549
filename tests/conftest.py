"""What every test above the unit tests stands on: the sandbox's real parts."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.origin import Origin
from tests.support.project import bring_up

NEEDED = ("PREFECT_API_URL", "SHIPWAY_STATE", "SHIPWAY_REGISTRY", "SHIPWAY_GIT_URL", "DOCKER_HOST")


@pytest.fixture(scope="session")
def sandbox() -> dict[str, str]:
    """The sandbox's exports; without a sandbox, the tests that ask for it fail."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        pytest.fail(
            f"these tests need the sandbox ({', '.join(missing)} not set): run `make test`, "
            'or `make up` and then eval "$(make -s env)"',
            pytrace=False,
        )
    return dict(os.environ)


@pytest.fixture(scope="session")
def cluster_is_up(sandbox: dict[str, str]) -> None:
    """The real cluster, waited for; where there is none, the tests that need it fail."""
    bring_up("cluster")
    if sandbox["SHIPWAY_CLUSTER"] == "none":
        pytest.fail("there is no cluster: the sandbox was brought up without", pytrace=False)


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    """A repository on this machine, with Shipway's cache beside it."""
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    return Origin(tmp_path)
