"""The gateway that canaries need."""

from __future__ import annotations

import pytest

from tests.support.project import bring_up


@pytest.fixture(scope="session")
def gateway(sandbox: dict[str, str]) -> str:
    """The gateway's address, once it is up, with Prometheus; without it, the tests fail."""
    bring_up("gateway", "--gateway")
    return sandbox["SHIPWAY_GATEWAY"]
