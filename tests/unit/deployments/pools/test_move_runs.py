"""What moves to a work pool of its own is what prefect.yaml declares."""

from __future__ import annotations

from deployments.pools.move_runs import DEPLOYMENTS
from deployments.removed import PREFECT_YAML, declared


def test_what_moves_is_what_there_is() -> None:
    assert set(DEPLOYMENTS) <= set(declared(PREFECT_YAML)[1])
