from __future__ import annotations

import pytest

from shipway.strategies.routers.replicas import Replicas
from shipway.strategies.step import FieldRef

STABLE, CANARY = (
    FieldRef(file=f"{name}.yaml", kind="field", name="/spec/replicas", title=f"Deployment/{name}")
    for name in ("stable", "canary")
)
ROUTER = Replicas(stable=STABLE, canary=CANARY)


@pytest.mark.parametrize(
    ("stable", "weights", "pods"),
    [(1, (1, 10, 50), (1, 1, 1)), (3, (1, 25, 50), (1, 1, 3)), (100, (1, 10, 75), (1, 11, 300))],
)
def test_the_share_of_pods_is_as_near_as_whole_pods_come(
    stable: int, weights: tuple[int, ...], pods: tuple[int, ...]
) -> None:
    current = {STABLE: stable}
    assert tuple(ROUTER.route(current, weight, weight)[CANARY] for weight in weights) == pods


def test_no_pod_is_up_before_its_requests() -> None:
    assert ROUTER.route({STABLE: 10}, 0, 50) == {CANARY: 0}
    assert ROUTER.stop() == {CANARY: 0}


@pytest.mark.parametrize(("pods", "exceeds"), [(0, False), (1, False), (2, True)])
def test_more_pods_than_a_share_asks_for_exceed_it(pods: int, exceeds: bool) -> None:
    assert ROUTER.exceeds({STABLE: 10, CANARY: pods}, 10) is exceeds
