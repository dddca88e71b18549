from __future__ import annotations

import pytest

from shipway.strategies.routers.weights import Backends, Weights
from shipway.strategies.step import FieldRef


def weight(rule: int, backend: int) -> FieldRef:
    pointer = f"/spec/rules/{rule}/backendRefs/{backend}/weight"
    return FieldRef(file="route.yaml", kind="field", name=pointer, title="HTTPRoute/shop")


STABLE, CANARY = (
    FieldRef(file=f"{name}.yaml", kind="field", name="/spec/replicas", title=f"Deployment/{name}")
    for name in ("stable", "canary")
)
RULES = tuple(Backends(stable=weight(rule, 0), canary=weight(rule, 1)) for rule in (0, 1))
ROUTER = Weights(rules=RULES, stable=STABLE, canary=CANARY)


def shares(percent: int) -> dict[FieldRef, int]:
    """The weights of both rules."""
    stable = {rule.stable: 100 - percent for rule in RULES}
    return stable | {rule.canary: percent for rule in RULES}


def test_every_rule_has_the_weights_and_pods_are_up_for_the_next_share() -> None:
    assert ROUTER.route({STABLE: 20, CANARY: 1}, 1, 10) == {**shares(1), CANARY: 2}


def test_there_are_never_fewer_pods_while_there_is_more_to_come() -> None:
    assert ROUTER.route({STABLE: 20, CANARY: 15}, 10, 50)[CANARY] == 15
    assert ROUTER.route({STABLE: 20, CANARY: 15}, 0, 0) == {**shares(0), CANARY: 0}


def test_pods_stay_for_the_requests_that_they_still_have() -> None:
    assert ROUTER.stop() == shares(0)


@pytest.mark.parametrize(("percent", "exceeds"), [(9, False), (10, False), (11, True)])
def test_one_rule_that_gives_more_exceeds_a_share(percent: int, exceeds: bool) -> None:
    current = {**shares(0), RULES[1].stable: 100 - percent, RULES[1].canary: percent}
    assert ROUTER.exceeds(current, 10) is exceeds
